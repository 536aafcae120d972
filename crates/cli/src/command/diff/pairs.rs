//! The cells of both rulesets, each beside its other.

use std::collections::BTreeMap;

use fwlab_check::{Expectation, Tried};
use fwlab_record::{
    Backend, CellRecord, DataSetup, Exit, Family, Judgement, Operation, PeerName, Protection,
};

/// A transfer under both rulesets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) old: &'a CellRecord,
    pub(super) new: &'a CellRecord,
    pub(super) change: Change,
}

/// What another ruleset makes of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The client's user sees the same.
    None,
    /// Something else, which is meant.
    Allowed,
    /// Something else.
    Unexpected,
    /// One of the two is not known.
    Unknown,
    /// It cannot be tried here, under either.
    Skipped,
}

impl Change {
    /// Whether the client's user sees something else.
    pub(super) fn is_change(self) -> bool {
        matches!(self, Change::Allowed | Change::Unexpected)
    }
}

/// All transfers, and the class that each is for.
pub(super) struct Compared<'a> {
    pub(super) pairs: Vec<(&'a Tried, Pair<'a>)>,
}

/// A transfer, whichever backend loads the rules.
type Transfer = (
    Family,
    usize,
    PeerName,
    PeerName,
    Operation,
    Protection,
    DataSetup,
);

impl<'a> Compared<'a> {
    /// Of the cells of both, with the class that each is for.
    pub(super) fn of(
        old: (&'a [Tried], &[&'a CellRecord]),
        new: (&'a [Tried], &[&'a CellRecord]),
        allowed: &[Expectation],
    ) -> Compared<'a> {
        let mut since: BTreeMap<Transfer, Vec<&CellRecord>> = BTreeMap::new();
        for (tried, record) in new.0.iter().zip(new.1) {
            since
                .entry(transfer(tried, record))
                .or_default()
                .push(record);
        }
        let backends = |records: &[&CellRecord]| -> Vec<Backend> {
            records.iter().map(|record| record.axes.backend).collect()
        };
        let (before, after) = (backends(old.1), backends(new.1));
        let in_common = before.iter().any(|backend| after.contains(backend));
        let mut pairs = Vec::new();
        for (tried, record) in old.0.iter().zip(old.1.iter().copied()) {
            let others = since.get(&transfer(tried, record)).into_iter().flatten();
            for other in others.copied() {
                // Where both languages are loaded by one backend, that is compared with itself.
                if in_common && other.axes.backend != record.axes.backend {
                    continue;
                }
                let change = change(record, other, allowed);
                let pair = Pair {
                    old: record,
                    new: other,
                    change,
                };
                pairs.push((tried, pair));
            }
        }
        Compared { pairs }
    }

    /// How many there are of a kind.
    pub(super) fn count(&self, of: impl Fn(Change) -> bool) -> usize {
        self.pairs
            .iter()
            .filter(|(_, pair)| of(pair.change))
            .count()
    }

    /// How the comparison ends.
    pub(super) fn exit(&self) -> Exit {
        let is = |change: Change| self.count(|one| one == change);
        if is(Change::Unexpected) > 0 {
            Exit::Missed
        } else if is(Change::Unknown) > 0 || is(Change::Skipped) == self.pairs.len() {
            Exit::Lab
        } else {
            Exit::Good
        }
    }
}

fn transfer(tried: &Tried, record: &CellRecord) -> Transfer {
    let axes = &record.axes;
    (
        tried.family,
        tried.class,
        axes.server,
        axes.client,
        axes.operation,
        axes.protection,
        axes.data,
    )
}

fn change(old: &CellRecord, new: &CellRecord, allowed: &[Expectation]) -> Change {
    let is_skipped = |record: &CellRecord| matches!(record.judgement, Judgement::Skipped { .. });
    match (old.judgement.outcome(), new.judgement.outcome()) {
        (Some(before), Some(after)) if before.symptom == after.symptom => Change::None,
        (Some(_), Some(_)) => match allowed.iter().any(|one| one.names(new)) {
            true => Change::Allowed,
            false => Change::Unexpected,
        },
        _ if is_skipped(old) && is_skipped(new) => Change::Skipped,
        _ => Change::Unknown,
    }
}
