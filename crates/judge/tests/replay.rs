//! The streams of the scenario tree, judged again: what the judge makes of what the kernel told is what it made of it on the
//! day when they were recorded.
//!
//! `scripts/record` records them anew, where a change of the judge is meant to change an outcome.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use fwlab_judge::{Finding, Stream, What};
use fwlab_record::Cause;

const STREAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/streams");
const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");

/// The streams of each scenario.
fn recorded() -> BTreeMap<String, Vec<Stream>> {
    let files = std::fs::read_dir(STREAMS).expect("the streams are there");
    let files = files.map(|file| file.expect("a file").path());
    files
        .filter_map(|file| Some((name(&file, ".jsonl.gz")?, streams(&file))))
        .collect()
}

fn name(file: &Path, ending: &str) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    Some(name.strip_suffix(ending)?.to_owned())
}

fn streams(file: &Path) -> Vec<Stream> {
    let opened = File::open(file).expect("it can be read");
    let lines = BufReader::new(GzDecoder::new(opened)).lines();
    lines
        .map(|line| {
            let line = line.expect("it is text");
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{file:?}: {error}"))
        })
        .collect()
}

/// The names of the scenarios of the tree.
fn scenarios(folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the scenarios are there") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.is_dir() {
            scenarios(&path, names);
        } else {
            names.extend(name(&path, ".toml"));
        }
    }
}

#[test]
fn every_stream_of_the_tree_is_judged_as_it_was() {
    let mut judged = 0;
    let mut differs = Vec::new();
    for stream in recorded().into_values().flatten() {
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
    let mut names = Vec::new();
    scenarios(Path::new(SCENARIOS), &mut names);
    names.retain(|name| !recorded.contains_key(name));
    assert_eq!(names, Vec::<String>::new(), "scripts/record makes them");
}

/// The replay can fail: without what decided a cell, it is not decided so.
#[test]
fn without_the_stops_nothing_was_stopped() {
    let mut without = 0;
    for mut stream in recorded().into_values().flatten() {
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
        stream.events.retain(|event| !is_stop(&event.what));
        assert!(stream.replay().is_err(), "{}", stream.cell);
    }
    assert!(without > 500, "{without} streams");
}
