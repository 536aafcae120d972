//! The host is left as it was, however a run ends.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fwlab_fabric::HostState;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use fwlab_skipped::{Need, skipped};

use crate::support::{
    DEADLINE, Ended, Running, assert_same, count, eventually, fwlab, has_program, lab_alone,
    report, root,
};

const SOON: Duration = Duration::from_secs(20);

/// The directories that a lab could leave something in.
pub(crate) struct Places {
    folder: TempDir,
    lock: Option<std::time::SystemTime>,
    files: BTreeSet<PathBuf>,
    host: HostState,
}

/// The lock of iptables-legacy, which is the host's.
const LOCK: &str = "/run/xtables.lock";

impl Places {
    pub(crate) fn new() -> Places {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("tmp")).expect("a folder");
        for name in ["scenarios/seed", "lab/rulesets/seed"] {
            let copy = folder.path().join(name);
            fs::create_dir_all(&copy).expect("a folder");
            for file in fs::read_dir(root().join(name)).expect("the seed is there") {
                let file = file.expect("a file").path();
                fs::copy(&file, copy.join(file.file_name().expect("a name"))).expect("a copy");
            }
        }
        Places {
            lock: changed(LOCK),
            files: files_below(folder.path()),
            host: HostState::capture(),
            folder,
        }
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = fwlab();
        command
            .current_dir(self.folder.path())
            .env("TMPDIR", self.folder.path().join("tmp"))
            .args(arguments);
        Running::start(&mut command)
    }

    /// A run in the middle of cells that wait for eight seconds at least.
    fn start_and_wait_for_cells(&self) -> (Running, Traces) {
        let mut arguments = vec![
            "run",
            "scenarios/seed/passive-client.toml",
            "--filter",
            "ruleset=verbatim data=pasv",
            "--patience",
            "full",
            "--report",
            "json=report.json",
        ];
        // With programs there is more that could be left.
        let programs = has_program("vsftpd") && has_program("lftp");
        let peers = if programs {
            ["vsftpd", "lftp"]
        } else {
            skipped(
                Need::Programs,
                "without vsftpd and lftp: only the embedded peers are ended",
            );
            ["libunftp", "suppaftp"]
        };
        arguments.extend(["--server", peers[0], "--client", peers[1]]);
        let running = self.start(&arguments);
        let in_cells = || {
            let traces = Traces::of(running.id());
            // Rulesets are proven in two namespaces, and cells have two each.
            self.folder.path().join("report.json").exists()
                && traces.namespaces.len() >= 4
                && (!programs || peers.iter().all(|peer| traces.runs(peer)))
        };
        eventually("two cells are at work", SOON, in_cells);
        let traces = Traces::of(running.id());
        (running, traces)
    }

    #[track_caller]
    pub(crate) fn assert_untouched(&self) {
        let differences = self.host.differences(&HostState::capture());
        assert!(differences.is_empty(), "{}", differences.join("\n"));
        let mut files = files_below(self.folder.path());
        files.remove(Path::new("report.json"));
        files.remove(Path::new("other.json"));
        assert_eq!(files, self.files, "files below the folders of the run");
        assert_eq!(changed(LOCK), self.lock, "{LOCK}");
    }
}

fn changed(file: &str) -> Option<std::time::SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}

fn files_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            files.insert(path.strip_prefix(folder).expect("below it").to_owned());
        }
    }
    files
}

/// What of a run is seen from outside: processes and network namespaces.
#[derive(Debug)]
pub(crate) struct Traces {
    /// Process id, time of its start, name: an id alone may be given again.
    processes: BTreeSet<(u32, String, String)>,
    namespaces: BTreeSet<String>,
}

impl Traces {
    /// Of this process and all that descends from it.
    pub(crate) fn of(process: u32) -> Traces {
        let mut traces = Traces {
            processes: BTreeSet::new(),
            namespaces: BTreeSet::new(),
        };
        let all = processes();
        let mut pending = vec![process];
        while let Some(pid) = pending.pop() {
            let descends = |one: &&Process| one.parent == pid;
            pending.extend(all.iter().filter(descends).map(|one| one.pid));
            if let Some(one) = all.iter().find(|one| one.pid == pid) {
                traces.processes.insert(one.key());
                traces.namespaces.extend(namespaces_of(pid));
            }
        }
        for own in namespaces_of(std::process::id()) {
            traces.namespaces.remove(&own);
        }
        traces
    }

    pub(crate) fn namespace_count(&self) -> usize {
        self.namespaces.len()
    }

    pub(crate) fn runs(&self, name: &str) -> bool {
        self.processes.iter().any(|(_, _, comm)| comm == name)
    }

    /// What of it is still there.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        for process in processes() {
            let mut namespaces = namespaces_of(process.pid);
            namespaces.retain(|namespace| self.namespaces.contains(namespace));
            if self.processes.contains(&process.key()) || !namespaces.is_empty() {
                left.push(format!("{process:?} {namespaces:?}"));
            }
        }
        left
    }
}

/// A process, whose id alone may be given again.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) name: String,
    started: String,
}

impl Process {
    pub(crate) fn key(&self) -> (u32, String, String) {
        (self.pid, self.started.clone(), self.name.clone())
    }
}

pub(crate) fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // One that has ended since its name was read is none.
    ids.filter_map(process).collect()
}

pub(crate) fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, tail) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    Some(Process {
        pid,
        parent: fields[1].parse().ok()?,
        name: head.split_once('(')?.1.to_owned(),
        started: fields[19].to_owned(),
    })
}

/// The network namespaces that a process's threads are in.
fn namespaces_of(pid: u32) -> BTreeSet<String> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.into_iter().flatten().flatten();
    threads
        .filter_map(|thread| fs::read_link(thread.path().join("ns/net")).ok())
        .map(|link| link.to_string_lossy().into_owned())
        .collect()
}

/// Waits until no process and no namespace of it is left.
#[track_caller]
pub(crate) fn assert_gone(traces: &Traces) {
    eventually("everything of the run is gone", SOON, || {
        traces.left().is_empty()
    });
}

#[test]
fn a_run_leaves_the_host_as_it_was() {
    let Some(_alone) = lab_alone() else { return };
    let places = Places::new();
    let ended = places.start(&["run", "scenarios/seed"]).end(DEADLINE);
    ended.with(0);
    places.assert_untouched();
}

fn interrupted_by(signal: Signal) {
    let Some(_alone) = lab_alone() else { return };
    let places = Places::new();
    let (running, traces) = places.start_and_wait_for_cells();
    running.signal(signal);
    // The cells would take eight seconds; an interruption takes none.
    let Ended { stdout, stderr, .. } = running.end(Duration::from_secs(6)).with(3);
    assert_eq!(stderr, "fwlab: interrupted; nothing is left running\n");
    assert_eq!(
        stdout, "",
        "no result is told of a run that was not finished"
    );
    // At its end, and not some time later.
    assert_eq!(traces.left(), Vec::<String>::new());
    places.assert_untouched();
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    interrupted_by(Signal::SIGINT);
}

#[test]
fn a_terminated_run_leaves_nothing() {
    interrupted_by(Signal::SIGTERM);
}

/// Stops a run, so that it makes nothing between the look at it and its death, and looks at it.
pub(crate) fn stopped(running: &Running) -> Traces {
    running.signal(Signal::SIGSTOP);
    let stat = format!("/proc/{}/stat", running.id());
    eventually("it is stopped", SOON, || {
        let stat = fs::read_to_string(&stat).expect("it is there");
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with(['T', 'Z']))
    });
    Traces::of(running.id())
}

#[test]
fn a_killed_run_leaves_nothing() {
    let Some(_alone) = lab_alone() else { return };
    let places = Places::new();
    let (running, _) = places.start_and_wait_for_cells();
    let traces = stopped(&running);
    assert!(traces.namespaces.len() >= 4, "{traces:?}");
    running.signal(Signal::SIGKILL);
    assert_eq!(running.end(SOON).code, None);
    assert_gone(&traces);
    places.assert_untouched();
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let Some(_alone) = lab_alone() else { return };
    let places = Places::new();
    let one = places.start(&["run", "scenarios/seed", "--report", "json=report.json"]);
    let other = places.start(&["run", "scenarios/seed", "--report", "json=other.json"]);
    one.end(DEADLINE).with(0);
    other.end(DEADLINE).with(0);
    let [one, other] =
        ["report.json", "other.json"].map(|file| report(&places.folder.path().join(file)));
    assert!(count(&one, "met") > 0);
    assert_same(("one", &one), ("the other", &other));
    places.assert_untouched();
}
