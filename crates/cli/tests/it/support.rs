use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use fwlab_fabric::Privilege;
use fwlab_record::CellRecord;
use fwlab_runner::{Loader, Run, RunEvent, RunSettings};
use fwlab_scenario::collect::scenarios;
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Overrides, cells};
use fwlab_skipped::{Need, skipped};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// The most that a run of a thousand cells may take: 20 s alone on two processors, ten times that where a build runs beside the
/// tests. What takes longer hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(600);

/// Held by every test that starts something, so that a test that looks at the whole
/// machine can have it for itself. (Under nextest each has a process for itself.)
static MACHINE: RwLock<()> = RwLock::new(());

/// The right to start something.
pub(crate) fn shared() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// The right to start a lab, where one can be; where not, says why.
pub(crate) fn lab() -> Option<RwLockReadGuard<'static, ()>> {
    can_build().then(shared)
}

/// The right to start something while no other test of this process has started anything.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// The right to start a lab while no other test of this process has started anything.
pub(crate) fn lab_alone() -> Option<RwLockWriteGuard<'static, ()>> {
    can_build().then(alone)
}

fn can_build() -> bool {
    let privilege = Privilege::current().map_err(|error| format!("{error}; {}", error.help));
    let loader = Loader::find().map_err(|error| format!("{error}; {}", error.help()));
    match privilege.and(loader.map(drop)) {
        Ok(()) => true,
        Err(why) => {
            skipped(Need::Lab, why);
            false
        }
    }
}

/// Whether this process is root of the machine; otherwise says that a test is skipped.
pub(crate) fn is_root(what: &str) -> bool {
    let root = matches!(Privilege::current(), Ok(Privilege::Root));
    if !root {
        skipped(Need::Machine, format_args!("{what} needs root"));
    }
    root
}

/// This repository.
pub(crate) fn root() -> PathBuf {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    root.canonicalize()
        .expect("the package is in its repository")
}

/// Where peers' programs are unpacked, if they are.
pub(crate) fn peers() -> PathBuf {
    std::env::var_os("FWLAB_PEERS").map_or_else(|| root().join("target/peers"), PathBuf::from)
}

/// Whether a peer's program is on this machine.
pub(crate) fn has_program(name: &str) -> bool {
    let below = ["bin", "sbin", "usr/bin", "usr/sbin"];
    below
        .iter()
        .any(|folder| peers().join(folder).join(name).is_file())
        || fwlab_fabric::find_tool(name).is_some()
}

/// The built command, in the repository's folder, with the peers that are there.
pub(crate) fn fwlab() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fwlab"));
    as_here(&mut command);
    command
}

/// Gives a command what [`fwlab`] has.
pub(crate) fn as_here(command: &mut Command) {
    command
        .current_dir(root())
        .env("FWLAB_PEERS", peers())
        .env("NO_COLOR", "1")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("FWLAB_USER_NAMESPACE");
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Fails, with all it said, when it did not end so.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Ended {
        assert_eq!(
            self.code,
            Some(code),
            "{}\n{}",
            last(&self.stdout),
            self.stderr
        );
        self
    }
}

/// The end of a long text.
fn last(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(80)..].join("\n")
}

/// A command that runs. Dropping this kills it.
pub(crate) struct Running {
    pid: Pid,
    ended: Receiver<std::io::Result<Output>>,
    over: bool,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Running {
        let command = command.stdin(Stdio::null());
        let child: Child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let pid = Pid::from_raw(child.id().cast_signed());
        let (tell, ended) = channel();
        std::thread::spawn(move || {
            // Nobody listens any more when a test has failed before.
            let _ = tell.send(child.wait_with_output());
        });
        Running {
            pid,
            ended,
            over: false,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.pid.as_raw().cast_unsigned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid, signal).expect("it runs");
    }

    /// Waits for its end; past the deadline it is killed, and the test fails.
    #[track_caller]
    pub(crate) fn end(mut self, deadline: Duration) -> Ended {
        let (output, late) = match self.ended.recv_timeout(deadline) {
            Ok(output) => (output, false),
            Err(_) => {
                self.signal(Signal::SIGKILL);
                (self.ended.recv().expect("a killed process ends"), true)
            }
        };
        self.over = true;
        let output = output.expect("its output can be read");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let ended = Ended {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!late, "it took more than {deadline:?}: {ended:?}");
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            // It may have ended in this moment.
            let _ = kill(self.pid, Signal::SIGKILL);
        }
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn end_of(command: &mut Command) -> Ended {
    Running::start(command).end(DEADLINE)
}

/// Waits until `holds` does; fails at the deadline.
#[track_caller]
pub(crate) fn eventually(what: &str, deadline: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + deadline;
    while !holds() {
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The lines of a JSON report, by the cells' names.
pub(crate) fn report(file: &Path) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(file).expect("the report was written");
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            (name(&line), line)
        })
        .collect()
}

fn name(line: &Value) -> String {
    let axes = [
        "scenario",
        "ruleset",
        "backend",
        "server",
        "client",
        "data",
        "protection",
        "family",
        "operation",
    ];
    axes.map(|axis| line[axis].as_str().expect("every axis is a word"))
        .join("::")
}

/// What two runs of a cell must agree on.
pub(crate) fn essence(line: &Value) -> String {
    let cause = &line["cause"];
    format!(
        "{} {} {} {} {} {}",
        line["result"],
        line["symptom"],
        line["phase"],
        cause["kind"],
        cause["rule_id"],
        cause["source_line"]
    )
}

/// Fails when two runs do not agree on a cell, or have not the same cells.
#[track_caller]
pub(crate) fn assert_same(
    (one_name, one): (&str, &BTreeMap<String, Value>),
    (other_name, other): (&str, &BTreeMap<String, Value>),
) {
    assert!(!one.is_empty(), "{one_name} has no cells");
    let only = |these: &BTreeMap<String, Value>, those: &BTreeMap<String, Value>| {
        let mut only: Vec<String> = these.keys().cloned().collect();
        only.retain(|name| !those.contains_key(name));
        only
    };
    assert_eq!(
        (only(one, other), only(other, one)),
        (Vec::new(), Vec::new()),
        "cells of {one_name} or {other_name} alone"
    );
    let differences: Vec<String> = one
        .iter()
        .filter(|(name, line)| essence(line) != essence(&other[*name]))
        .map(|(name, line)| {
            format!(
                "{name}\n  {one_name}: {} {}\n  {other_name}: {} {}",
                essence(line),
                line["why"],
                essence(&other[name]),
                other[name]["why"]
            )
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The outcomes of the whole tree, early and as this process's own user: run once, for all
/// tests that hold another way to run it against this one. On the host alone: containers need root.
pub(crate) fn tree() -> &'static BTreeMap<String, Value> {
    static TREE: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("report.json");
        let mut command = fwlab();
        command
            .args([
                "run",
                "scenarios",
                "--where",
                "host",
                "--keep-going",
                "--evidence",
                "all",
                "--report",
            ])
            .arg(format!("json={}", file.display()));
        // Thousands of cells, beside whatever else is tested.
        Running::start(&mut command)
            .end(Duration::from_secs(600))
            .with(0);
        let tree = report(&file);
        assert!(count(&tree, "met") > 300, "{}", tree.len());
        assert_eq!(count(&tree, "met") + count(&tree, "skipped"), tree.len());
        tree
    });
    &TREE
}

/// How many cells have this result.
pub(crate) fn count(cells: &BTreeMap<String, Value>, result: &str) -> usize {
    cells
        .values()
        .filter(|line| line["result"] == result)
        .count()
}

/// Runs cells through the runner's library.
pub(crate) fn run_cells(
    paths: &[PathBuf],
    overrides: &Overrides,
    filter: &[&str],
    settings: RunSettings,
) -> Vec<CellRecord> {
    let scenarios = scenarios(paths).expect("the scenarios can be read");
    let filter = Filter::parse(filter).expect("a filter");
    let planned = scenarios
        .iter()
        .flat_map(|scenario| cells(scenario, overrides, &filter))
        .collect();
    let loader = Loader::find().expect("`lab` has looked");
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    runtime.block_on(async {
        let run = Run::prepare(planned, loader, settings)
            .await
            .expect("the rulesets load");
        let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
        let all = tokio::time::timeout(DEADLINE, run.all(sender));
        all.await.expect("the run ends");
        let mut records = Vec::new();
        while let Ok(event) = events.try_recv() {
            if let RunEvent::Finished { record, .. } = event {
                records.push(CellRecord::clone(&record));
            }
        }
        records
    })
}

/// Records as the JSON report would have them.
pub(crate) fn as_report(records: &[CellRecord]) -> BTreeMap<String, Value> {
    let lines = records.iter().map(|record| {
        let line = serde_json::to_value(record).expect("a record is JSON");
        (record.axes.to_string(), line)
    });
    lines.collect()
}
