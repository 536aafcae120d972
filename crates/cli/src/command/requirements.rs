//! `--write-requirements`: what was observed, as `[[require]]` blocks for the scenario's file.

use std::collections::BTreeMap;
use std::sync::Arc;

use fwlab_record::{Axes, CellRecord, Judgement, Outcome};
use fwlab_scenario::Scenario;
use fwlab_scenario::observed::requirements;
use fwlab_text::one_line;

use crate::text::Page;

/// As many cells without a requirement are named of each reason.
const NAMED: usize = 3;

/// The blocks of each scenario, in the order of its cells; nothing in it is no TOML.
pub(super) fn written(scenarios: &[Arc<Scenario>], records: &[Arc<CellRecord>]) -> Page {
    let mut page = Page::default();
    for scenario in scenarios {
        let own = records.iter().map(Arc::as_ref);
        let own = own.filter(|record| record.axes.scenario == scenario.name);
        let own: Vec<&CellRecord> = own.collect();
        if !own.is_empty() {
            of_scenario(scenario, &own, &mut page);
        }
    }
    page
}

fn of_scenario(scenario: &Scenario, records: &[&CellRecord], page: &mut Page) {
    let path = one_line(scenario.path.display());
    page.text(format_args!(
        "# {path}: what was observed, by `fwlab run --write-requirements`.\n"
    ));
    if !scenario.requirements.is_empty() {
        page.text("# The file already has requirements: take those out before you put these in.\n");
    }
    let (observed, without) = what_can_be_required(scenario, records);
    for (why, cells) in without {
        page.text(format_args!("# No requirement for {}\n", one_line(&why)));
        for axes in cells.iter().take(NAMED) {
            page.text(format_args!("#   {}\n", one_line(axes)));
        }
        if let Some(more @ 1..) = cells.len().checked_sub(NAMED) {
            page.text(format_args!("#   and {more} more\n"));
        }
    }
    for block in requirements(scenario, observed) {
        page.text(format_args!("\n{block}"));
    }
    page.text('\n');
}

/// Cells with what can be required of them, and those without, by the reason.
pub(super) type Required<'a> = (
    Vec<(&'a Axes, &'a Outcome)>,
    BTreeMap<String, Vec<&'a Axes>>,
);

/// What can be required of cells, and of which nothing can.
pub(super) fn what_can_be_required<'a>(
    scenario: &Scenario,
    records: &[&'a CellRecord],
) -> Required<'a> {
    let mut observed = Vec::new();
    let mut without: BTreeMap<String, Vec<&Axes>> = BTreeMap::new();
    for record in records {
        match outcome(scenario, record) {
            Ok(outcome) => observed.push((&record.axes, outcome)),
            Err(why) => without.entry(why).or_default().push(&record.axes),
        }
    }
    (observed, without)
}

/// What can be required of a cell; or why nothing can.
fn outcome<'a>(scenario: &Scenario, record: &'a CellRecord) -> Result<&'a Outcome, String> {
    if !record.chance.is_empty() {
        let words: Vec<&str> = record.chance.iter().map(|chance| chance.word()).collect();
        return Err(format!(
            "what happened by chance ({}): another run may see something else",
            words.join(", ")
        ));
    }
    match &record.judgement {
        Judgement::Met {
            deviated: true,
            outcome,
        } if outcome.is_none() || scenario.matrix.deviations => {
            Err("what a peer's recorded deviation decides".to_owned())
        }
        Judgement::Met {
            outcome: Some(outcome),
            ..
        }
        | Judgement::Missed { outcome, .. }
        | Judgement::Reported(outcome) => Ok(outcome),
        Judgement::Met { outcome: None, .. } => Err("what was met without an outcome".to_owned()),
        Judgement::Inconclusive { why } => Err(format!("what is unclear: {why}")),
        Judgement::Skipped { why } => Err(format!("what was skipped: {why}")),
        Judgement::NotRun(why) => Err(format!("what was not run: {why}")),
    }
}
