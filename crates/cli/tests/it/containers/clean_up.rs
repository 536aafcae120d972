//! Nothing is left in Docker, however a run ends.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fwlab::{DataSetup, Lab, assert_transferred};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::docker::{containers, containers_of, docker, is_there};
use crate::harmless::Traces;
use crate::support::{
    DEADLINE, Running, as_here, assert_same, count, end_of, eventually, fwlab, report,
};

const SOON: Duration = Duration::from_secs(30);

/// A blocked cell that waits for eight seconds at least.
const SLOW: [&str; 9] = [
    "run",
    "scenarios/seed/passive-client.toml",
    "--filter",
    "ruleset=verbatim data=pasv backend=nft",
    "--patience",
    "full",
    "--server",
    "vsftpd",
    "--client=curl",
];

fn start(arguments: &[&str]) -> Running {
    let mut command = fwlab();
    command.args(arguments);
    Running::start(&mut command)
}

/// The containers of a run whose cell is at work, when there are so many.
#[track_caller]
fn wait_for_cell(running: &Running, containers: usize) -> Vec<String> {
    let mut found = Vec::new();
    eventually("the cell's client runs", SOON, || {
        found = containers_of(running.id());
        found.len() == containers && Traces::of(running.id()).runs("curl")
    });
    found
}

/// Whether a container does nothing but wait for cells.
fn waits(container: &str) -> bool {
    container.contains("mkfifo")
}

#[test]
fn a_run_that_is_met_and_one_that_misses_leave_no_container() {
    let Some(_containers) = containers() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("misses.toml");
    for (symptom, code) in [("transferred", 0), ("data-timeout", 1)] {
        let text = format!(
            "description = \"Without rules everything passes.\"\n[topology]\nshape = \"client-firewall\"\n\
             [[ruleset]]\nname = \"none\"\ntext = \"iptables -P INPUT ACCEPT\"\n[matrix]\n\
             servers = [\"proftpd\"]\nclients = [\"curl\"]\ndata = [\"pasv\"]\n\
             [[require]]\nsymptom = \"{symptom}\"\n"
        );
        fs::write(&scenario, text).expect("it can be written");
        let path = scenario.to_str().expect("a path");
        for more in [&["--where", "container"][..], &["--cold"]] {
            let running = start(
                &[
                    &["run", path, "--backend=nft", "--require", "containers"],
                    more,
                ]
                .concat(),
            );
            let id = running.id();
            let ended = running.end(DEADLINE).with(code);
            assert!(ended.stdout.contains("in a container"), "{}", ended.stdout);
            assert_eq!(containers_of(id), Vec::<String>::new(), "{ended:?}");
        }
    }
}

fn interrupted_by(signal: Signal) {
    let Some(_containers) = containers() else {
        return;
    };
    let running = start(&[&SLOW[..], &["--cold"]].concat());
    let id = running.id();
    // Two that wait, and the cell's own.
    wait_for_cell(&running, 4);
    running.signal(signal);
    let ended = running.end(SOON).with(3);
    assert_eq!(
        ended.stderr,
        "fwlab: interrupted; nothing is left running\n"
    );
    // At its end, and not some time later.
    assert_eq!(containers_of(id), Vec::<String>::new());
}

#[test]
fn an_interrupted_run_leaves_no_container() {
    interrupted_by(Signal::SIGINT);
}

#[test]
fn a_terminated_run_leaves_no_container() {
    interrupted_by(Signal::SIGTERM);
}

/// While images and containers are still looked for: before the first cell.
#[test]
fn a_run_that_is_interrupted_early_leaves_no_container() {
    let Some(_containers) = containers() else {
        return;
    };
    let running = start(&[&SLOW[..], &["--cold"]].concat());
    let id = running.id();
    eventually("a first container is on its way", SOON, || {
        !containers_of(id).is_empty()
    });
    running.signal(Signal::SIGINT);
    running.end(SOON).with(3);
    assert_eq!(containers_of(id), Vec::<String>::new());
}

/// What nobody can clear up after is found by its label when the next process starts.
#[test]
fn what_a_killed_run_leaves_is_removed_by_the_next() {
    let Some(_containers) = containers() else {
        return;
    };
    let running = start(&[&SLOW[..], &["--cold"]].concat());
    let id = running.id();
    wait_for_cell(&running, 4);
    running.signal(Signal::SIGKILL);
    assert_eq!(running.end(SOON).code, None);
    // Those that wait end with the pipe that the process held. The cell's server stays.
    let mut left = Vec::new();
    eventually("containers that wait have ended", SOON, || {
        left = containers_of(id);
        left.iter().all(|container| !waits(container))
    });
    assert_eq!(
        left.len(),
        1,
        "or else this test has proven nothing: {left:?}"
    );
    // Any command that looks for Docker.
    end_of(fwlab().arg("doctor")).with(0);
    assert_eq!(containers_of(id), Vec::<String>::new());
}

#[test]
fn warm_containers_end_with_a_killed_run() {
    let Some(_containers) = containers() else {
        return;
    };
    let running = start(&[&SLOW[..], &["--where", "container"]].concat());
    let id = running.id();
    let found = wait_for_cell(&running, 2);
    assert!(found.iter().all(|container| waits(container)), "{found:?}");
    running.signal(Signal::SIGKILL);
    assert_eq!(running.end(SOON).code, None);
    eventually("they have ended, and are removed", SOON, || {
        containers_of(id).is_empty()
    });
}

/// One that is being started when nobody is there any more finds that out by itself.
#[test]
fn warm_containers_end_with_a_run_that_is_killed_while_they_start() {
    let Some(_containers) = containers() else {
        return;
    };
    for after in [0, 200, 500, 900] {
        let running = start(&[&SLOW[..], &["--where", "container"]].concat());
        let id = running.id();
        eventually("a first container is on its way", SOON, || {
            !containers_of(id).is_empty()
        });
        // Wherever it is by then: what is tried is an end at any time.
        std::thread::sleep(Duration::from_millis(after));
        running.signal(Signal::SIGKILL);
        assert_eq!(running.end(SOON).code, None);
        // One that was made and not started yet is none that could end: the next process removes it.
        eventually("they have ended", SOON, || {
            let all = docker(&["ps", "--format", "{{.Label \"org.fwlab.owner\"}}"]);
            !all.lines()
                .any(|owner| owner.starts_with(&format!("{id}-")))
        });
        end_of(fwlab().arg("doctor")).with(0);
        assert_eq!(containers_of(id), Vec::<String>::new());
    }
}

/// Two runs at once, and a third process that sweeps in the middle.
#[test]
fn a_run_touches_no_container_of_another_that_lives() {
    let Some(_containers) = containers() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let started = |name: &str| {
        let file = format!("json={}", folder.path().join(name).display());
        start(&[&SLOW[..], &["--cold", "--keep-going", "--report", &file]].concat())
    };
    let (one, other) = (started("one"), started("other"));
    let theirs = [wait_for_cell(&one, 4), wait_for_cell(&other, 4)].concat();
    end_of(fwlab().arg("doctor")).with(0);
    for container in &theirs {
        let id = container.split(' ').next().expect("an id");
        assert!(is_there(id), "{container}");
    }
    let (one_id, other_id) = (one.id(), other.id());
    one.end(DEADLINE).with(0);
    other.end(DEADLINE).with(0);
    let [one, other] = ["one", "other"].map(|name| report(&folder.path().join(name)));
    assert_eq!(count(&one, "met"), 1);
    assert_same(("one", &one), ("the other", &other));
    for id in [one_id, other_id] {
        assert_eq!(containers_of(id), Vec::<String>::new());
    }
}

/// Where that process writes who it is, once its containers are there.
const READY: &str = "FWLAB_TEST_READY";

#[test]
fn a_test_that_panics_leaves_no_container() {
    let Some(_containers) = containers() else {
        return;
    };
    let folder: TempDir = tempfile::tempdir().expect("a folder");
    let ready = folder.path().join("ready");
    let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
    as_here(&mut command);
    command.env(READY, &ready).args([
        "--exact",
        "containers::clean_up::panics_with_containers",
        "--ignored",
        "--nocapture",
    ]);
    let running = Running::start(&mut command);
    let id = running.id();
    let ended = running.end(DEADLINE).with(101);
    assert!(ended.stderr.contains("this test has failed"), "{ended:?}");
    let had = fs::read_to_string(&ready).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert_eq!(had, "2", "proftpd's and the clients'");
    eventually("they have ended, and are removed", SOON, || {
        containers_of(id).is_empty()
    });
}

#[test]
#[ignore = "started by a_test_that_panics_leaves_no_container"]
fn panics_with_containers() {
    let ready = std::env::var_os(READY).expect("the test says where");
    let lab = Lab::client_firewall()
        .server(fwlab::proftpd())
        .client(fwlab::tnftp());
    assert_transferred!(lab.transfer(DataSetup::Pasv).expect("a lab"));
    let count = containers_of(std::process::id()).len();
    fs::write(Path::new(&ready), count.to_string()).expect("it can be written");
    panic!("this test has failed");
}
