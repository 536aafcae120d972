//! `--color`, `--quiet` and `--verbose`.

use std::process::Command;

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, lab};

/// One scenario is met and one is missed.
fn run(arguments: &[&str], colours: impl FnOnce(&mut Command)) -> Ended {
    let scenario = |policy: &str| {
        format!(
            "description = \"Its policy is {policy}.\"\n[topology]\nshape = \"client-firewall\"\n[[ruleset]]\n\
             name = \"rules\"\ntext = \"iptables -P INPUT {policy}\"\n[matrix]\nservers = [\"libunftp\"]\n\
             data = [\"pasv\"]\n[[require]]\nsymptom = \"transferred\"\n"
        )
    };
    let [open, shut] = ["ACCEPT", "DROP"].map(scenario);
    let folder = folder(&[
        ("open.toml", open.as_bytes()),
        ("shut.toml", shut.as_bytes()),
    ]);
    let mut command = fwlab();
    command.current_dir(folder.path()).args(["run", "."]);
    command.args(["--backend", "nft", "--keep-going"]);
    command.args(arguments);
    colours(&mut command);
    end_of(&mut command).with(1)
}

#[test]
fn colours_are_where_they_were_asked_for() {
    let Some(_lab) = lab() else { return };
    let is_coloured = |ended: &Ended| ended.stdout.contains("\u{1b}[");
    let piped = run(&[], |command| {
        command.env_remove("NO_COLOR");
    });
    assert!(!is_coloured(&piped), "{}", piped.stdout);
    let always = run(&["--color", "always"], |_| {});
    assert!(is_coloured(&always), "{}", always.stdout);
    assert!(always.stdout.contains("\u{1b}[31m"), "{}", always.stdout);
    let never = run(&["--color=never"], |command| {
        command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
    });
    assert!(!is_coloured(&never), "{}", never.stdout);
    let forced = run(&[], |command| {
        command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
    });
    assert!(is_coloured(&forced), "{}", forced.stdout);
}

#[test]
fn a_quiet_run_tells_what_was_missed_and_a_verbose_one_what_was_seen() {
    let Some(_lab) = lab() else { return };
    let titles = ["Its policy is ACCEPT.", "Its policy is DROP."];
    let has = |ended: &Ended| titles.map(|title| ended.stdout.contains(title));
    let usual = run(&[], |_| {});
    assert_eq!(has(&usual), [true, true], "{}", usual.stdout);
    // Of what passed, nothing was seen that is told.
    let [open, _] = usual
        .stdout
        .split_once(titles[1])
        .map_or(["", ""], |(open, shut)| [open, shut]);
    assert!(!open.contains("client: PASV"), "{open}");
    let quiet = run(&["-q"], |_| {});
    assert_eq!(has(&quiet), [false, true], "{}", quiet.stdout);
    assert!(quiet.stdout.contains("2 cells in"), "{}", quiet.stdout);
    let verbose = run(&["--verbose"], |_| {});
    assert_eq!(has(&verbose), [true, true], "{}", verbose.stdout);
    let open = verbose.stdout.split_once(titles[1]);
    let (open, shut) = open.expect("in order of name");
    assert!(open.contains("client: PASV"), "{open}");
    assert!(shut.contains("out: SYN"), "{shut}");
}
