//! What cells tell of a mistake.

use std::collections::{BTreeMap, BTreeSet};

use fwlab_record::{CellRecord, Judgement, Outcome};
use fwlab_scenario::plan::Cell;

use crate::report::Shown;

/// What is known of a mistake.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// A cell that missed its requirement.
    pub(super) noticed_by: Option<String>,
    /// Why a cell is unclear with it, that was not before.
    pub(super) unclear: Option<String>,
    /// How cells end otherwise that require nothing of that, each way with one of them.
    pub(super) otherwise: BTreeMap<(&'static str, &'static str), (usize, String)>,
}

impl Verdict {
    /// Whether a requirement is missed.
    pub(super) fn is_noticed(&self) -> bool {
        self.noticed_by.is_some()
    }
}

/// Adds what a cell tells, with the mistake and without.
pub(super) fn verdict(verdict: &mut Verdict, before: &CellRecord, after: &CellRecord) {
    let name = || after.axes.to_string();
    match &after.judgement {
        Judgement::Missed { .. } => {
            verdict.noticed_by.get_or_insert_with(name);
        }
        Judgement::Inconclusive { why } if before.judgement.outcome().is_some() => {
            verdict.unclear.get_or_insert_with(|| why.clone());
        }
        _ => {}
    }
    let [was, is] = [before, after].map(|record| record.judgement.outcome());
    if let (Some(was), Some(is)) = (was, is)
        && in_short(was) != in_short(is)
    {
        let [was, is] = [before, after].map(|record| Shown::of(&record.judgement).words());
        let (count, _) = verdict
            .otherwise
            .entry((was, is))
            .or_insert_with(|| (0, name()));
        *count += 1;
    }
}

fn in_short(outcome: &Outcome) -> impl PartialEq + use<> {
    (outcome.symptom, outcome.phase, outcome.cause.kind())
}

/// One cell of each kind: the first of each data setup, protection, family and operation, and requirement.
pub(super) fn first_cells(all: &[Cell], cells: &[usize]) -> BTreeSet<usize> {
    let mut first = BTreeMap::new();
    for &at in cells {
        let Cell {
            axes, requirement, ..
        } = &all[at];
        let kind = (
            axes.data,
            axes.protection,
            axes.family,
            axes.operation,
            requirement.is_some(),
        );
        first.entry(kind).or_insert(at);
    }
    first.into_values().collect()
}
