use std::path::Path;
use std::sync::Arc;

use fwlab_record::{CellRecord, Judgement};
use fwlab_runner::{Loader, Run, RunEvent, RunSettings};
use fwlab_scenario::Scenario;
use fwlab_scenario::plan::{Cell, Overrides, cells, idle_requirements};
use tokio::sync::mpsc::unbounded_channel;

use crate::builds::builds;
use crate::lab::block_on;
use fwlab_text::{lines, rendered};

/// Runs every cell of a scenario that is written in place, as its file would be, and fails
/// with the evidence of each that missed its requirement. For what a [`Lab`](crate::Lab) has no words for:
/// steps, scripted peers, nodes and links of one's own. Files that it names are relative to where
/// the test runs: the package.
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
/// When a cell misses its requirement, or nothing can be told of it; when every cell is skipped;
/// when the scenario or a ruleset has mistakes; when there can be no lab here.
#[track_caller]
pub fn assert_met(scenario: &str) {
    let told = planned(scenario).and_then(|cells| block_on(run(cells)));
    let told = told.and_then(|records| failures(&records));
    if let Err(failures) = told {
        panic!("{}", lines(&failures));
    }
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

async fn run(cells: Vec<Cell>) -> Result<Vec<CellRecord>, String> {
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
    Ok(records)
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
