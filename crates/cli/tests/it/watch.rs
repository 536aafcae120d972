//! `run --watch`: again when a file changes.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bad_input::folder;
use crate::support::{fwlab, lab};

const SCENARIO: &str = r#"
description = "watched"
[topology]
shape = "server-firewall"
[[ruleset]]
name = "own"
file = "rules.v4"
backends = "nft"
[matrix]
servers = ["libunftp"]
data = ["pasv"]
families = "ipv4"
"#;

fn rules(policy: &str) -> String {
    format!("*filter\n:INPUT {policy} [0:0]\nCOMMIT\n")
}

#[test]
fn a_change_of_rules_is_run_and_a_signal_ends_it() {
    let Some(_lab) = lab() else { return };
    let other = SCENARIO.replace("rules.v4", "other.v4");
    let folder = folder(&[
        ("watched.toml", SCENARIO.as_bytes()),
        ("other.toml", other.as_bytes()),
        ("rules.v4", rules("ACCEPT").as_bytes()),
        ("other.v4", rules("ACCEPT").as_bytes()),
    ]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["run", "--watch", "."])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = command.spawn().expect("fwlab runs");
    let mut told = BufReader::new(running.stderr.take().expect("piped")).lines();
    let mut watching = || told.next().expect("it goes on").expect("text");
    assert_eq!(watching(), "watching 4 files; Ctrl-C ends it");
    std::fs::write(folder.path().join("rules.v4"), rules("DROP")).expect("written");
    assert_eq!(watching(), "watching 4 files; Ctrl-C ends it");
    let id = Pid::from_raw(running.id().try_into().expect("an id"));
    kill(id, Signal::SIGINT).expect("it runs");
    let ended = running.wait().expect("it ends");
    let mut printed = String::new();
    let mut stdout = running.stdout.take().expect("piped");
    stdout.read_to_string(&mut printed).expect("text");
    let cells: Vec<&str> = printed
        .lines()
        .filter(|line| line.contains("cell"))
        .collect();
    assert!(cells[0].starts_with("2 cells"), "{printed}");
    assert!(
        cells[1].starts_with("1 cell "),
        "only the scenario whose rules changed: {printed}"
    );
    assert_eq!(ended.code(), Some(0), "the last run's: {printed}");
}
