//! The streams of the scenario tree, judged again: what the judge makes of what the kernel told is what it made of it on the
//! day when they were recorded.
//!
//! `scripts/record` records them anew, where a change of the judge is meant to change an outcome.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use fwlab_judge::{Finding, Stream, What};
use fwlab_record::Cause;

use crate::recorded::{STREAMS, streams};

mod recorded;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");

/// The streams of each scenario, read once for all tests.
fn recorded() -> &'static BTreeMap<String, Vec<Stream>> {
    static RECORDED: LazyLock<BTreeMap<String, Vec<Stream>>> = LazyLock::new(|| {
        let files = names(Path::new(STREAMS), ".jsonl.gz").into_iter();
        files
            .map(|name| {
                let streams = streams(&name);
                (name, streams)
            })
            .collect()
    });
    &RECORDED
}

/// The names of the files below a folder that end so, without the ending.
fn names(folder: &Path, ending: &str) -> Vec<String> {
    fn look(folder: &Path, ending: &str, prefix: &str, names: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str());
            let name = format!("{prefix}{}", name.expect("text"));
            if path.is_dir() {
                look(&path, ending, &format!("{name}/"), names);
            } else {
                names.extend(name.strip_suffix(ending).map(str::to_owned));
            }
        }
    }
    let mut names = Vec::new();
    look(folder, ending, "", &mut names);
    names
}

#[test]
fn every_stream_of_the_tree_is_judged_as_it_was() {
    let mut judged = 0;
    let mut differs = Vec::new();
    for stream in recorded().values().flatten() {
        judged += 1;
        if let Err(difference) = stream.replay() {
            differs.push(format!("{}: {difference}", stream.cell));
        }
    }
    assert!(
        differs.is_empty(),
        "{} of {judged}:\n{}",
        differs.len(),
        differs.join("\n")
    );
    assert!(judged > 2_000, "{judged} streams");
}

/// Only what needs a container engine to be run at all has none.
#[test]
fn every_scenario_has_its_streams() {
    let recorded = recorded();
    let mut names = names(Path::new(SCENARIOS), ".toml");
    names.retain(|name| !recorded.contains_key(name));
    assert_eq!(names, Vec::<String>::new(), "scripts/record makes them");
}

/// The replay can fail: without what decided a cell, it is not decided so.
#[test]
fn without_the_stops_nothing_was_stopped() {
    let mut without = 0;
    for stream in recorded().values().flatten() {
        let Finding::Outcome(outcome) = &stream.finding else {
            continue;
        };
        let by_rules = matches!(outcome.cause, Cause::Rule { .. } | Cause::Policy { .. });
        if !by_rules {
            continue;
        }
        without += 1;
        let is_stop = |what: &What| {
            matches!(
                what,
                What::Stopped { .. } | What::HandedOn { .. } | What::Translated { .. }
            )
        };
        let mut stream = stream.clone();
        stream.events.retain(|event| !is_stop(&event.what));
        assert!(stream.replay().is_err(), "{}", stream.cell);
    }
    assert!(without > 500, "{without} streams");
}
