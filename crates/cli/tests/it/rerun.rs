//! `--rerun`: what an earlier report has as not met is run again, and nothing else.

use std::path::Path;
use std::process::Command;

use crate::support::{Ended, end_of, fwlab, lab, report, shared};

/// Two rulesets: the first passes, the second does not; `required` stands below.
fn scenario(folder: &Path, second: &str, required: &str) {
    let text = format!(
        r#"description = "Two."
[topology]
shape = "client-firewall"
[[ruleset]]
name = "open"
text = "iptables -P INPUT ACCEPT"
[[ruleset]]
name = "{second}"
text = "iptables -A INPUT -p tcp -j DROP"
[matrix]
data = ["pasv", "epsv"]
{required}"#
    );
    std::fs::write(folder.join("two.toml"), text).expect("it can be written");
}

const PASSES: &str = "[[require]]\nsymptom = \"transferred\"\n";
const FITS: &str = "[[require]]\nruleset = \"open\"\nsymptom = \"transferred\"\n\
                    [[require]]\nruleset = \"shut\"\nsymptom = \"control-timeout\"\n";

fn run(folder: &Path) -> Command {
    let mut command = fwlab();
    command.current_dir(folder).args(["run", "two.toml"]);
    command
}

/// Runs all cells into `first.json`: those of `shut` miss.
fn first(folder: &Path) {
    scenario(folder, "shut", PASSES);
    let mut command = run(folder);
    command.args(["--keep-going", "--backend", "nft"]);
    end_of(command.args(["--report", "json=first.json"])).with(1);
    assert_eq!(report(&folder.join("first.json")).len(), 4);
}

fn names(file: &Path) -> Vec<String> {
    report(file).into_keys().collect()
}

#[test]
fn only_what_was_not_met_is_run_again() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    first(folder);
    scenario(folder, "shut", FITS);
    let mut command = run(folder);
    command.args(["--rerun", "first.json", "--report", "json=again.json"]);
    let Ended { stdout, stderr, .. } = end_of(&mut command).with(0);
    let again = [
        "two::shut::nft::libunftp::suppaftp::epsv::plain::ipv4::retr",
        "two::shut::nft::libunftp::suppaftp::pasv::plain::ipv4::retr",
    ];
    assert_eq!(names(&folder.join("again.json")), again);
    // Those of the other backend were not in the report.
    let line = "of first.json: 2 cells run again, 4 not in it and not run\n";
    assert!(stdout.contains(line), "{stdout}");
    assert_eq!(stderr, "");

    let ended = end_of(run(folder).args(["--rerun", "again.json"])).with(0);
    let line =
        "nothing to run again: none of the 2 cells of again.json was missed, unclear or not run\n";
    assert_eq!(ended.stdout, line);

    // A filter chooses among them.
    let mut command = run(folder);
    command.args(["--rerun", "first.json", "--filter", "data=pasv"]);
    let ended = end_of(command.args(["--backend", "nft"])).with(0);
    assert!(
        ended.stdout.contains("of first.json: 1 cell run again\n"),
        "{}",
        ended.stdout
    );
    assert_eq!(ended.stderr, "");
}

#[test]
fn cells_that_the_run_did_not_come_to_are_run() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    scenario(
        folder,
        "shut",
        "[[require]]\nsymptom = \"control-timeout\"\n",
    );
    let mut command = run(folder);
    command.args(["--jobs", "1", "--report", "json=first.json"]);
    let ended = end_of(command.args(["--backend", "nft"])).with(1);
    assert!(ended.stdout.contains("3 not run"), "{}", ended.stdout);
    scenario(folder, "shut", FITS);
    let ended = end_of(run(folder).args(["--rerun", "first.json", "--backend", "nft"])).with(0);
    let line = "of first.json: 4 cells run again\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    assert!(ended.stdout.contains(": 4 met\n"), "{}", ended.stdout);
}

#[test]
fn what_no_longer_exists_is_named_and_counted() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    first(folder);
    scenario(folder, "closed", PASSES);
    let ended = end_of(run(folder).args(["--rerun", "first.json"])).with(2);
    assert_eq!(ended.stdout, "");
    let gone = "first.json: 2 cells were not met there and no longer exist here, so nothing is known about them:\n  \
                two::shut::nft::libunftp::suppaftp::pasv::plain::ipv4::retr\n  \
                two::shut::nft::libunftp::suppaftp::epsv::plain::ipv4::retr\n";
    assert!(ended.stderr.contains(gone), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("no cell is chosen"),
        "{}",
        ended.stderr
    );

    // One is left: it is run, and the other is told.
    let text = std::fs::read_to_string(folder.join("first.json")).expect("it was written");
    let text = text
        .replace("\"shut\"", "\"closed\"")
        .replacen("\"closed\"", "\"shut\"", 1);
    std::fs::write(folder.join("mixed.json"), text).expect("it can be written");
    let ended = end_of(run(folder).args(["--rerun", "mixed.json", "--backend", "nft"])).with(1);
    let line = "of mixed.json: 1 cell run again, 1 no longer there, 1 not in it and not run\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
}

#[test]
fn what_cannot_be_run_again_is_told() {
    let _started = shared();
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    scenario(folder, "shut", PASSES);
    std::fs::write(
        folder.join("newer.json"),
        "{\"schema\":3,\"scenario\":\"two\"}\n",
    )
    .expect("a file");
    std::fs::write(folder.join("other.json"), "[]\n").expect("a file");
    for (file, told) in [
        (
            "newer.json",
            "fwlab: --rerun: newer.json:1: this is not a cell of a report that this fwlab can read: a record of version 3, and this reads version 2",
        ),
        (
            "other.json",
            "fwlab: --rerun: other.json is not a JSON report of fwlab",
        ),
        (
            "none.json",
            "fwlab: --rerun: cannot read the report none.json: No such file",
        ),
        (
            "two.toml",
            "fwlab: --rerun: two.toml is not a JSON report of fwlab",
        ),
    ] {
        let ended = end_of(run(folder).args(["--rerun", file])).with(2);
        assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
    }
}

#[test]
fn the_report_that_is_read_is_not_written_over() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    first(folder);
    let before = std::fs::read(folder.join("first.json")).expect("it was written");
    let mut command = run(folder);
    command.args(["--rerun", "first.json", "--report", "json=first.json"]);
    let ended = end_of(&mut command).with(2);
    let told = "first.json is read by this run, so a report would overwrite it";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert_eq!(
        std::fs::read(folder.join("first.json")).expect("it is there"),
        before
    );
}
