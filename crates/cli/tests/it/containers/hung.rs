//! A Docker that stops answering in the middle: nothing waits for it for ever, and nobody who has had
//! enough of it is kept.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::docker::{containers, containers_of};
use super::go_between::{GoBetween, Planted};
use crate::support::{Running, eventually, fwlab, report};

const SOON: Duration = Duration::from_secs(30);

/// One cell with vsftpd in a container.
const RUN: [&str; 6] = [
    "run",
    "scenarios/seed/passive-client.toml",
    "--filter=ruleset=with-helper data=pasv backend=nft",
    "--where=container",
    "--server=vsftpd",
    "--client=suppaftp",
];

fn start(between: &GoBetween, more: &[&str]) -> Running {
    let mut command = fwlab();
    command
        .env("DOCKER_HOST", between.host())
        .args(RUN)
        .args(more);
    Running::start(&mut command)
}

/// A Docker that says nothing any more once it is asked for a container.
fn mute() -> GoBetween {
    GoBetween::start(|line| match line {
        line if line.contains("/containers/create") => Planted::Silence,
        // Nor when it is to remove what it may have made.
        line if line.starts_with("DELETE ") => Planted::Silence,
        _ => Planted::Nothing,
    })
}

#[track_caller]
fn wait_until_asked(between: &GoBetween) {
    eventually("Docker is asked for a container", SOON, || {
        between.has_planted()
    });
}

/// Its containers may be there: it says what becomes of them.
#[test]
fn a_signal_ends_a_run_that_waits_for_docker() {
    let Some(_containers) = containers() else {
        return;
    };
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let between = mute();
        let running = start(&between, &[]);
        wait_until_asked(&between);
        running.signal(signal);
        let ended = running.end(Duration::from_secs(40)).with(3);
        let told = "fwlab: interrupted; Docker has not removed everything that was started in it";
        assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let Some(_containers) = containers() else {
        return;
    };
    for signals in [
        [Signal::SIGINT, Signal::SIGINT],
        [Signal::SIGINT, Signal::SIGTERM],
        [Signal::SIGTERM, Signal::SIGINT],
    ] {
        let between = mute();
        let running = start(&between, &[]);
        let id = running.id();
        wait_until_asked(&between);
        let [first, second] = signals;
        running.signal(first);
        // Signals of one kind that come at one moment are one to the kernel.
        let pending = || {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let pending = status
                .lines()
                .filter(|line| line.starts_with("ShdPnd:") || line.starts_with("SigPnd:"));
            pending
                .map(str::to_owned)
                .any(|line| !line.ends_with("\t0000000000000000"))
        };
        eventually("the first has been taken", SOON, || !pending());
        let at = Instant::now();
        running.signal(second);
        running.end(SOON).with(3);
        assert!(
            at.elapsed() < Duration::from_secs(3),
            "{signals:?}: {:?}",
            at.elapsed()
        );
        assert_eq!(containers_of(id), Vec::<String>::new());
    }
}

/// Nobody interrupts it: its own deadline does, and its cell says what it waited for.
#[test]
fn a_run_does_not_wait_for_ever() {
    let Some(_containers) = containers() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.json");
    let between = GoBetween::start(|line| match line.contains("/containers/create") {
        true => Planted::Silence,
        false => Planted::Nothing,
    });
    let running = start(&between, &["--report", &format!("json={}", file.display())]);
    let ended = running.end(Duration::from_secs(110)).with(3);
    let cells = report(&file);
    let cell = cells.values().next().expect("one");
    assert_eq!(cell["result"], "skipped", "{ended:?}");
    let why = cell["why"].as_str().expect("a reason");
    assert!(
        why.contains("Docker did not start a container of fwlab/vsftpd"),
        "{why}"
    );
}
