//! A run that ends before its cells have all been run says so in every report.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::Value;

use crate::other_hosts::dump;
use crate::support::{Running, count, end_of, eventually, fwlab, lab, report};

const SOON: Duration = Duration::from_secs(60);

/// Some cells pass at once, and some wait for eight seconds at least.
const SCENARIO: &str = r#"
description = "Some pass, some wait."
topology.shape = "client-firewall"
ruleset = [
    { name = "open", text = "iptables -P INPUT ACCEPT" },
    { name = "shut", text = "iptables -A INPUT -p tcp --sport 21 -j ACCEPT\niptables -A INPUT -p tcp -j DROP" },
]
matrix = { servers = "libunftp", clients = "suppaftp", data = ["pasv", "epsv", "eprt"] }
"#;

const REPORTS: [&str; 6] = [
    "--report",
    "json=report.json",
    "--report",
    "junit=report.xml",
    "--report",
    "sarif=report.sarif",
];

fn junit(file: &Path) -> Report {
    let file = fs::File::open(file).expect("the report was written");
    Report::deserialize(std::io::BufReader::new(file)).expect("it is JUnit")
}

/// What each cell has of JUnit's: `passed`, `skipped`, `error`, and the message.
fn cases(report: &Report) -> BTreeMap<String, (&'static str, String)> {
    let cases = report
        .test_suites
        .iter()
        .flat_map(|suite| &suite.test_cases);
    cases
        .map(|case| {
            let (word, message) = match &case.status {
                TestCaseStatus::Success { .. } => ("passed", None),
                TestCaseStatus::Skipped { message, .. } => ("skipped", message.as_deref()),
                TestCaseStatus::NonSuccess { kind, message, .. } => match kind {
                    NonSuccessKind::Failure => ("failed", message.as_deref()),
                    NonSuccessKind::Error => ("error", message.as_deref()),
                },
            };
            let name = case.name.to_string();
            (name, (word, message.unwrap_or_default().to_owned()))
        })
        .collect()
}

fn interrupted_by(signal: Signal, name: &str) {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    fs::write(path.join("some.toml"), SCENARIO).expect("it can be written");
    let mut command = fwlab();
    command
        .current_dir(path)
        .args([
            "run",
            "some.toml",
            "--keep-going",
            "--patience=full",
            "--jobs=5",
        ])
        .args(REPORTS);
    let running = Running::start(&mut command);
    let file = path.join("report.json");
    // Four pass or are skipped, three wait, and the fourth of each backend comes behind them.
    eventually("some cells are finished", SOON, || {
        fs::read_to_string(&file).is_ok_and(|text| text.lines().count() >= 4)
    });
    running.signal(signal);
    let ended = running.end(SOON).with(3);
    assert_eq!(ended.stdout, "", "no result is told of it");
    let cells = report(&file);
    assert_eq!(
        cells.len(),
        12,
        "two rulesets, two backends, three data setups"
    );
    let not_run = count(&cells, "not-run");
    let finished = count(&cells, "reported") + count(&cells, "skipped");
    assert!(not_run >= 2 && finished >= 4, "{cells:?}");
    assert_eq!(not_run + finished, 12, "{cells:?}");
    let by = format!("the run was interrupted by {name} ");
    let xml = junit(&path.join("report.xml"));
    let cases = cases(&xml);
    assert_eq!(cases.len(), 12);
    let (mut cut, mut never) = (0, 0);
    for (cell, line) in &cells {
        let (word, message) = &cases[cell];
        if line["result"] != "not-run" {
            assert!(matches!(*word, "passed" | "skipped"), "{cell}: {word}");
            continue;
        }
        let why = line["why"].as_str().expect("a reason");
        assert!(why.starts_with(&by), "{why}");
        assert_eq!((&line["symptom"], &line["ms"]), (&Value::Null, &0.0.into()));
        assert!(message.contains(&by), "{message}");
        if why.ends_with("while this cell was running") {
            cut += 1;
            assert_eq!(*word, "error", "{cell}");
        } else {
            never += 1;
            assert!(why.ends_with("before this cell began"), "{why}");
            assert_eq!(*word, "skipped", "{cell}");
        }
    }
    // So it neither looks complete nor good.
    assert!(cut >= 1, "{cells:?}");
    assert_eq!((xml.errors, cut + never), (cut, not_run));
    let property = |suite: &quick_junit::TestSuite| {
        let mut properties = suite.properties.iter();
        properties.any(|one| (one.name.as_str(), one.value.as_str()) == ("interrupted", name))
    };
    assert!(xml.test_suites.iter().all(property), "{xml:?}");
    let sarif = fs::read_to_string(path.join("report.sarif")).expect("it was written");
    let sarif: Value = serde_json::from_str(&sarif).expect("it is JSON");
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let told = invocation["toolExecutionNotifications"].to_string();
    for part in [
        format!("of 12 cells, {not_run} not run"),
        format!("interrupted by {name}"),
    ] {
        assert!(told.contains(&part), "{part}: {told}");
    }
}

#[test]
fn an_interrupted_run_has_every_cell_in_its_reports() {
    interrupted_by(Signal::SIGINT, "SIGINT");
}

#[test]
fn a_terminated_run_has_every_cell_in_its_reports() {
    interrupted_by(Signal::SIGTERM, "SIGTERM");
}

/// Rulesets are still being proven: no cell has begun.
/// Whether a process was started with these arguments.
fn runs(arguments: &[&str]) -> bool {
    let wanted: Vec<u8> = arguments
        .iter()
        .flat_map(|argument| [argument.as_bytes(), b"\0"].concat())
        .collect();
    let processes = fs::read_dir("/proc").expect("there is a /proc");
    processes
        .flatten()
        .any(|process| fs::read(process.path().join("cmdline")).is_ok_and(|line| line == wanted))
}

#[test]
fn a_run_that_is_interrupted_before_its_first_cell_has_them_all_in_its_reports() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    fs::write(path.join("some.toml"), SCENARIO).expect("it can be written");
    // A loader can write nowhere that others see: that it runs is seen by its arguments.
    let seconds = format!("600.{}", std::process::id());
    let begun = || runs(&["sleep", &seconds]);
    let slow = path.join("iptables-nft-restore");
    let script = format!("#!/bin/sh\nexec sleep {seconds}\n");
    fs::write(&slow, script).expect("it can be written");
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let search = std::env::var("PATH").unwrap_or_default();
    let mut command = fwlab();
    command
        .current_dir(path)
        .env("PATH", format!("{}:{search}", path.display()))
        .args(["run", "some.toml", "--backend=nft"])
        .args(REPORTS);
    let running = Running::start(&mut command);
    eventually("a ruleset is being loaded", SOON, begun);
    running.signal(Signal::SIGINT);
    running.end(SOON).with(3);
    let cells = report(&path.join("report.json"));
    assert_eq!((cells.len(), count(&cells, "not-run")), (6, 6));
    let cases = cases(&junit(&path.join("report.xml")));
    assert_eq!(cases.len(), 6);
    for (cell, (word, message)) in &cases {
        assert_eq!(*word, "skipped", "{cell}");
        assert_eq!(
            message,
            "not run: the run was interrupted by SIGINT before this cell began"
        );
    }
}

/// Without --keep-going: what the run did not come to is shown as such, and never with another's outcome.
#[test]
fn a_run_that_stops_at_a_miss_shows_the_cells_that_it_did_not_come_to() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let scenario =
        |required: &str| format!("{SCENARIO}require = [{{ symptom = \"{required}\" }}]\n");
    // Of one that is missed at once, and of one that does not come to its turn.
    fs::write(path.join("a.toml"), scenario("refused")).expect("it can be written");
    fs::write(path.join("b.toml"), scenario("transferred")).expect("it can be written");
    let mut command = fwlab();
    command
        .current_dir(path)
        .args(["run", "a.toml", "b.toml", "--backend=nft", "--jobs=1"])
        .args(REPORTS);
    let told = end_of(&mut command).with(1).stdout;
    let (table, _) = told.split_once("  missed ").expect("a missed cell");
    insta::assert_snapshot!(table, @r"
    a  Some pass, some wait.
                                      eprt          pasv          epsv
      open  nft  libunftp ← suppaftp  not run       ✗ passes      not run
      shut  nft  libunftp ← suppaftp  not run       not run       not run
    ");
    assert!(told.contains("not run at all: b\n"), "{told}");
    let last = told.lines().last().expect("a summary");
    assert!(
        last.starts_with("1 cell in ")
            && last.ends_with("1 missed, 11 not run (--keep-going runs them all)"),
        "{last}"
    );
    let cells = report(&path.join("report.json"));
    assert_eq!((cells.len(), count(&cells, "not-run")), (12, 11));
    let why = "the run stopped at a cell that missed its requirement or was inconclusive";
    for line in cells.values().filter(|line| line["result"] == "not-run") {
        assert_eq!(
            (&line["why"], &line["cause"]),
            (&why.into(), &Value::Null),
            "{line}"
        );
    }
    let cases = cases(&junit(&path.join("report.xml")));
    let not_run = cases
        .values()
        .filter(|(word, message)| *word == "skipped" && *message == format!("not run: {why}"));
    assert_eq!((cases.len(), not_run.count()), (12, 11));
}

/// A record that waits for other ports to be tried is written as it is when that is interrupted.
#[test]
fn a_check_that_is_interrupted_while_it_tries_other_ports_has_every_cell_in_its_reports() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let rules = dump("nf_tables", "50000:60000");
    fs::write(path.join("rules.v4"), rules).expect("it can be written");
    let mut command = fwlab();
    command
        .current_dir(path)
        .args(["check", "rules.v4", "--at", "server"])
        .args([
            "--server=libunftp",
            "--client=suppaftp",
            "--backend=nft",
            "--data=pasv",
            "--protection=plain",
            "--patience=full",
            "--jobs=5",
            "--report=json=report.json",
        ]);
    let running = Running::start(&mut command);
    // One cell is asked for: where there are several clients at a time, other ports are tried.
    let tasks = format!("/proc/{}/task", running.id());
    let clients = || {
        let tasks = fs::read_dir(&tasks).into_iter().flatten().flatten();
        let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.trim() == "client").count()
    };
    eventually("other ports are tried", SOON, || clients() > 1);
    assert_eq!(
        fs::read_to_string(path.join("report.json")).ok().as_deref(),
        Some("")
    );
    running.signal(Signal::SIGINT);
    let ended = running.end(SOON).with(3);
    assert_eq!(ended.stdout, "", "no result is told of it");
    assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
    let cells = report(&path.join("report.json"));
    let chances: Vec<&Value> = cells.values().map(|cell| &cell["chance"]).collect();
    assert_eq!(chances, [&serde_json::json!(["data-port"])]);
}
