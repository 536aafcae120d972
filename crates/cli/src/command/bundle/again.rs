use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fwlab_record::{Axes, CellRecord, Judgement};
use fwlab_scenario::Scenario;
use fwlab_scenario::observed::demand;
use fwlab_text::one_line;

use super::Bundled;
use crate::report::named_versions;
use crate::text::Page;

/// As many cells are named that went otherwise.
const NAMED: usize = 10;

/// What cells ran on and with, each once.
pub(in crate::command) fn versions<'a>(
    records: impl Iterator<Item = &'a CellRecord>,
) -> Vec<String> {
    let mut all = BTreeSet::new();
    for CellRecord { axes, versions, .. } in records {
        for (what, version) in named_versions(versions) {
            let what = match what {
                "server" => axes.server.word(),
                "client" => axes.client.word(),
                what => what,
            };
            all.insert(format!("{what} {version}"));
        }
    }
    all.into_iter().collect()
}

/// The same, with the version of fwlab.
fn with<'a>(fwlab: &str, records: impl Iterator<Item = &'a CellRecord>) -> BTreeSet<String> {
    let own = [format!("fwlab {fwlab}")];
    versions(records).into_iter().chain(own).collect()
}

impl Bundled {
    /// What is the same in a run here as in the bundle, and what is not.
    pub(in crate::command) fn compared(
        &self,
        scenario: &Scenario,
        records: &[Arc<CellRecord>],
    ) -> Page {
        let before: BTreeMap<&Axes, &CellRecord> = self
            .records
            .iter()
            .map(|record| (&record.axes, record.as_ref()))
            .collect();
        let both = records.iter().filter_map(|now| {
            let then = before.get(&now.axes)?;
            Some((*then, now.as_ref()))
        });
        let is_run = |record: &CellRecord| !matches!(record.judgement, Judgement::NotRun(_));
        let (pairs, not_run): (Vec<_>, Vec<_>) =
            both.partition(|(then, now)| is_run(then) && is_run(now));
        let others: Vec<_> = pairs
            .iter()
            .filter(|(then, now)| said(scenario, then) != said(scenario, now))
            .collect();
        let mut page = Page::from(format!(
            "as in {}: {} of {} cells",
            self.file.display(),
            pairs.len() - others.len(),
            pairs.len()
        ));
        match not_run.len() {
            0 => page.text('\n'),
            count => page.text(format_args!(", and {count} not run there or here\n")),
        }
        for (then, now) in others.iter().take(NAMED) {
            page.text(format_args!(
                "  {}\n    there: {}\n    here:  {}\n",
                one_line(&now.axes),
                in_words(then),
                in_words(now)
            ));
        }
        if let Some(more @ 1..) = others.len().checked_sub(NAMED) {
            page.text(format_args!("  and {more} more\n"));
        }
        let there = with(&self.about.fwlab, pairs.iter().map(|(then, _)| *then));
        let here = with(env!("CARGO_PKG_VERSION"), pairs.iter().map(|(_, now)| *now));
        for (place, own, other) in [("there", &there, &here), ("here", &here, &there)] {
            let only: Vec<&str> = own.difference(other).map(String::as_str).collect();
            if !only.is_empty() {
                let only = one_line(only.join(", "));
                page.text(format_args!("only {place}: {only}\n"));
            }
        }
        page
    }
}

/// What became of a cell, in all that a requirement could say.
fn said(scenario: &Scenario, record: &CellRecord) -> String {
    match record.judgement.outcome() {
        Some(outcome) => demand(scenario, &record.axes, outcome),
        None => record.judgement.word().to_owned(),
    }
}

fn in_words(record: &CellRecord) -> String {
    match (&record.judgement, record.judgement.outcome()) {
        (_, Some(outcome)) => one_line(outcome),
        (Judgement::Inconclusive { why } | Judgement::Skipped { why }, None) => {
            format!("{}: {}", record.judgement.word(), one_line(why))
        }
        (judgement, None) => judgement.word().to_owned(),
    }
}
