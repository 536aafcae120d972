//! Who watches a run is told what a cell waits for while it does, and not only in the end.

use std::collections::BTreeMap;

use fwlab_runner::{Loader, Run, RunEvent, RunSettings};
use fwlab_scenario::collect::scenarios;
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Overrides, cells};

use crate::support::{DEADLINE, lab, root};

/// The events of all cells of a scenario that a filter admits, in order.
async fn events(path: &str, filter: &str) -> Vec<RunEvent> {
    let read = scenarios(&[root().join(path)]).expect("it can be read");
    let filter = Filter::parse(&[filter]).expect("a filter");
    let planned = cells(&read[0], &Overrides::default(), &filter);
    let loader = Loader::find().expect("`lab` has looked");
    let run = Run::prepare(planned, loader, RunSettings::default()).await;
    let run = run.expect("the rulesets load");
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let all = tokio::time::timeout(DEADLINE, run.all(sender));
    all.await.expect("the run ends");
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(event);
    }
    told
}

/// What each cell waited for, by its place; told between its begin and its end.
fn waited(events: &[RunEvent]) -> BTreeMap<usize, Vec<String>> {
    let mut running = BTreeMap::new();
    let mut waited = BTreeMap::new();
    for event in events {
        match event {
            RunEvent::Started { index } => {
                running.insert(*index, Vec::new());
            }
            RunEvent::Waits { index, why } => {
                let own = running.get_mut(index).expect("it runs");
                own.push(why.clone());
            }
            RunEvent::Finished { index, record, .. } => {
                let own = running.remove(index).expect("it was begun");
                let notes = record.notes.iter();
                let noted: Vec<&String> = notes
                    .filter(|note| note.starts_with("full patience: "))
                    .collect();
                assert!(
                    noted.iter().all(|note| own.contains(note)),
                    "{noted:?}: {own:?}"
                );
                waited.insert(*index, own);
            }
            RunEvent::Planned { .. } | RunEvent::NotRun { .. } => {}
        }
    }
    waited
}

#[test]
fn a_doubt_is_told_while_the_cell_waits() {
    let Some(_lab) = lab() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    let told = runtime.block_on(events("scenarios/state/impure.toml", "statistic pasv nft"));
    let waited = waited(&told);
    let said: Vec<&String> = waited.values().flatten().collect();
    let [said] = said[..] else {
        panic!("{waited:?}")
    };
    let why = "full patience: `-m statistic` depends on chance (";
    assert!(said.starts_with(why), "{said}");
}

#[test]
fn a_step_that_waits_is_told() {
    let Some(_lab) = lab() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    let told = runtime.block_on(events("scenarios/state/expiry.toml", "nft pasv"));
    let waited = waited(&told);
    assert!(!waited.is_empty());
    for (index, own) in waited {
        let says = |why: &String| why.ends_with("has forgotten its connections");
        assert!(own.iter().any(says), "{index}: {own:?}");
    }
}
