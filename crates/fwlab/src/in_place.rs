use std::path::Path;
use std::sync::Arc;

use fwlab_record::{CellRecord, Judgement};
use fwlab_runner::{Loader, Present, Run, RunEvent, RunSettings};
use fwlab_scenario::Scenario;
use fwlab_scenario::plan::{Cell, Overrides, cells, idle_requirements};
use tokio::sync::mpsc::unbounded_channel;

use crate::builds::builds;
use crate::lab::block_on;
use crate::{LabError, Observed};
use fwlab_text::{lines, rendered};

/// Runs every cell of a scenario written in place, as in its file, and fails with the evidence of each cell
/// that missed its requirement. For what a [`Lab`](crate::Lab) cannot express: steps, scripted peers, your own
/// nodes and links. File names are relative to where the test runs: the package.
///
/// ```no_run
/// fwlab::assert_met(r#"
///     description = "The helper cannot read a PORT that comes in two pieces."
///     topology.shape = "gateway"
///     client.script = "@login\n{setup verb}{pause 50ms} {setup argument}\n2yz\n@transfer"
///     ruleset = [{ name = "helper", helper = true, text = "iptables -P INPUT DROP" }]
///     matrix = { clients = "scripted-client", data = "port" }
///     require = [{ symptom = "control-timeout", cause = { kind = "helper" } }]
/// "#);
/// ```
///
/// # Panics
/// When a cell misses its requirement or is unclear; when every cell is skipped; when the scenario or a ruleset
/// has mistakes; when a lab cannot run here.
#[track_caller]
pub fn assert_met(scenario: &str) {
    let told = planned(scenario).and_then(|cells| block_on(run(cells)));
    let told = told.and_then(|ran| failures(&ran.records));
    if let Err(failures) = told {
        panic!("{}", lines(&failures));
    }
}

/// Runs every cell of a scenario written in place, and returns what happened in each, in the order of their names: with its
/// evidence and notes, for assertions of your own. Where a [`Lab`](crate::Lab) has not enough: your own nodes and links, steps,
/// sysctls, several clients. A cell whose peers cannot do what it asks for is left out.
///
/// ```no_run
/// # fn main() -> Result<(), fwlab::LabError> {
/// let observed = fwlab::observe_in_place(r#"
///     description = "Conntrack is flushed under a live session."
///     topology.shape = "server-firewall"
///     ruleset = [{ name = "rules", text = "iptables -P INPUT ACCEPT" }]
///     step = [{ at = "logged-in", flush-conntrack = "server" }]
///     matrix = { data = "pasv" }
/// "#)?;
/// for cell in observed {
///     fwlab::assert_transferred!(cell);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When the scenario or a ruleset has mistakes, a lab cannot run here, a cell has no outcome, or all are left out.
pub fn observe_in_place(scenario: &str) -> Result<Vec<Observed>, LabError> {
    let ran = planned(scenario).and_then(|cells| block_on(run(cells)));
    let Ran { records, peers } = ran.map_err(LabError::Scenario)?;
    let mut left_out = None;
    let mut all = Vec::new();
    for record in records {
        let axes = record.axes.clone();
        let of_cell =
            |present: &&Present| present.peer == axes.server || present.peer == axes.client;
        let peers = peers.iter().filter(of_cell).cloned().collect();
        match Observed::of(record, peers) {
            Ok(observed) => all.push(observed),
            Err(LabError::NotSupported(why)) => left_out = Some(why),
            Err(LabError::Inconclusive(why)) => {
                return Err(LabError::Inconclusive(format!("{axes}: {why}")));
            }
            Err(error) => return Err(error),
        }
    }
    match left_out {
        Some(why) if all.is_empty() => Err(LabError::NotSupported(why)),
        _ => Ok(all),
    }
}

/// What came of a scenario's cells, and the peers that were there.
struct Ran {
    records: Vec<CellRecord>,
    peers: Vec<Present>,
}

/// What is wrong with a cell's end; `None` where nothing is.
pub(crate) fn failure(record: &CellRecord) -> Option<String> {
    match &record.judgement {
        Judgement::Met { .. } | Judgement::Reported(_) | Judgement::Skipped { .. } => None,
        Judgement::Missed { outcome, why } => {
            Some(format!("{}\n{outcome}\n{}", why, record.evidence))
        }
        Judgement::Inconclusive { why } => {
            Some(format!("inconclusive: {why}\n{}", record.evidence))
        }
        Judgement::NotRun(why) => Some(format!("not run: {why}")),
    }
}

/// Prepares cells to be run with all their evidence kept. In words: why not.
pub(crate) async fn prepared(cells: Vec<Cell>) -> Result<Run, String> {
    fwlab_fabric::Privilege::current().map_err(|error| format!("{error}\n  {}", error.help))?;
    let loader = Loader::find().map_err(|error| format!("{error}\n  {}", error.help()))?;
    let settings = RunSettings {
        keep_evidence: true,
        builds: Some(builds()),
        ..RunSettings::default()
    };
    let run = Run::prepare(cells, loader, settings).await;
    run.map_err(|errors| {
        errors
            .iter()
            .map(|error| rendered(error))
            .collect::<Vec<_>>()
            .join("\n")
    })
}

fn planned(text: &str) -> Result<Vec<Cell>, String> {
    let scenario = Scenario::prepare("in-place", Path::new("in-place.toml"), text);
    let scenario = Arc::new(scenario.map_err(|error| rendered(&error))?);
    let idle = idle_requirements(&scenario);
    if !idle.is_empty() {
        let idle = idle.iter().map(|idle| {
            let requirement = &scenario.requirements[idle.index];
            format!("`{requirement}` is never held against a cell: {}", idle.why)
        });
        return Err(idle.collect::<Vec<_>>().join("\n"));
    }
    let planned = cells(&scenario, &Overrides::default(), &Default::default());
    Ok(planned)
}

async fn run(cells: Vec<Cell>) -> Result<Ran, String> {
    // Few files are enough for one scenario; a refusal shows where it matters.
    let _ = fwlab_fabric::raise_open_file_limit();
    let run = prepared(cells).await?;
    let (sender, mut events) = unbounded_channel();
    run.all(sender).await;
    // A test's process may end at once.
    Run::cleared().await;
    let mut records = Vec::new();
    while let Some(event) = events.recv().await {
        if let RunEvent::Finished { record, .. } = event {
            records.push(CellRecord::clone(&record));
        }
    }
    records.sort_by_cached_key(|record| record.axes.to_string());
    let found = run.peers().inventory().into_iter();
    let peers = found.filter_map(Result::ok).collect();
    Ok(Ran { records, peers })
}

fn failures(records: &[CellRecord]) -> Result<(), String> {
    let failed = records.iter().filter_map(|record| {
        let why = failure(record)?;
        Some(format!("{}\n{why}", record.axes))
    });
    let failed: Vec<String> = failed.collect();
    if !failed.is_empty() {
        return Err(failed.join("\n"));
    }
    let mut skipped = Vec::new();
    for record in records {
        match &record.judgement {
            Judgement::Skipped { why } => skipped.push(format!("{}: {why}", record.axes)),
            _ => return Ok(()),
        }
    }
    Err(format!("every cell was skipped:\n{}", skipped.join("\n")))
}
