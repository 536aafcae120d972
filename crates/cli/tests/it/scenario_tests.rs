//! `scenario_tests!`, as `cargo test` and nextest see it: `tests/scenarios.rs` of this package.

use fwlab_skipped::{Need, skipped};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Ended, as_here, end_of, fwlab, lab, shared};

/// The newest build of `tests/scenarios.rs`, which stands beside this test's own.
fn built() -> Option<PathBuf> {
    let own = std::env::current_exe().expect("this program has a file");
    let beside = own.parent().expect("a file is in a folder").read_dir();
    let built = beside
        .expect("the folder can be read")
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("scenarios-") && !name.contains('.')
        });
    let newest = built.max_by_key(|entry| entry.metadata().and_then(|file| file.modified()).ok());
    if newest.is_none() {
        skipped(
            Need::Machine,
            "the test target `scenarios` was not built with this one",
        );
    }
    newest.map(|entry| entry.path())
}

fn scenarios(program: &PathBuf, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program);
    as_here(&mut command);
    end_of(command.args(arguments))
}

const CELL: &str = "passive-client::verbatim::nft::libunftp::suppaftp::pasv::plain::ipv4::retr";

/// The calls that nextest makes to list tests.
#[test]
fn cells_are_listed_as_tests_and_skipped_ones_as_ignored() {
    let (_machine, Some(program)) = (shared(), built()) else {
        return;
    };
    let all = scenarios(&program, &["--list", "--format", "terse"])
        .with(0)
        .stdout;
    let ignored = scenarios(&program, &["--list", "--format", "terse", "--ignored"])
        .with(0)
        .stdout;
    let cells = end_of(fwlab().args(["list", "scenarios/seed", "--cells"])).with(0);
    let listed: BTreeSet<&str> = all
        .lines()
        .filter_map(|line| line.strip_suffix(": test")?.rsplit(' ').next())
        .collect();
    assert_eq!(listed, cells.stdout.lines().collect());
    assert!(
        all.lines().any(|line| line == format!("{CELL}: test")),
        "{all}"
    );
    assert!(ignored.contains("libunftp::suppaftp::eprt"), "{ignored}");
    assert!(!ignored.contains(CELL));
    for line in ignored.lines() {
        assert!(all.lines().any(|known| known == line), "{line}");
        assert!(
            line.contains("skipped: "),
            "an ignored test tells why: {line}"
        );
    }
}

#[test]
fn a_filter_runs_the_cells_that_it_names() {
    let Some(_lab) = lab() else { return };
    let Some(program) = built() else { return };
    let ended = scenarios(&program, &["verbatim::nft::libunftp::suppaftp::pasv"]).with(0);
    assert!(ended.stdout.contains("running 4 tests"), "{}", ended.stdout);
    assert!(
        ended
            .stdout
            .contains("test result: ok. 4 passed; 0 failed; 0 ignored"),
        "{}",
        ended.stdout
    );
    // As nextest runs one.
    let ended = scenarios(&program, &["--exact", CELL, "--nocapture"]).with(0);
    assert!(
        ended.stdout.contains("1 passed; 0 failed; 0 ignored"),
        "{}",
        ended.stdout
    );
    let ended = scenarios(&program, &["no-such-cell"]).with(0);
    assert!(ended.stdout.contains("running 0 tests"), "{}", ended.stdout);
    let ended = scenarios(&program, &["nft::libunftp::suppaftp::eprt"]).with(0);
    assert!(
        ended.stdout.contains("0 passed; 0 failed; 8 ignored"),
        "{}",
        ended.stdout
    );
    // One that is run all the same has not passed.
    let forced = [
        "active-client::verbatim::nft::libunftp::suppaftp::eprt",
        "--include-ignored",
    ];
    let ended = scenarios(&program, &forced).with(101);
    assert!(
        ended.stdout.contains("not run: not supported by libunftp"),
        "{}",
        ended.stdout
    );
}
