//! The cells of all classes of peers, run with changed rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use fwlab_check::{Subject, Tried};
use fwlab_record::{CellRecord, Exit, Judgement, PeerName, Symptom};
use fwlab_runner::{Loader, RunSettings};
use fwlab_scenario::Scenario;
use fwlab_scenario::plan::Cell;
use tokio::runtime::Runtime;

use super::port_kinds::{KindsOfCells, rests_on_ports};
use super::{Candidate, ran};

/// Passive ports that no program takes by itself: above those that Linux gives to clients they would be, were there enough.
pub(in crate::command) const PASSIVE_PORTS: (u16, u16) = (50_000, 50_100);

/// Where changed rules are tried: the cells of all classes of peers.
pub(in crate::command) struct Bench<'a> {
    pub(in crate::command) subject: &'a Subject,
    pub(in crate::command) settings: RunSettings,
    pub(in crate::command) loader: Loader,
    pub(in crate::command) runtime: &'a Runtime,
    pub(in crate::command) tried: &'a [Tried],
    pub(in crate::command) planned: &'a [Cell],
    /// How many of the cells are for all classes of peers; those behind them are for the ones that were chosen.
    pub(in crate::command) everybody: usize,
}

/// The records of some cells, by their places.
pub(in crate::command) type Records = BTreeMap<usize, Arc<CellRecord>>;

/// Whether a transfer passed.
pub(in crate::command) fn passes(record: &CellRecord) -> bool {
    let outcome = record.judgement.outcome();
    outcome.is_some_and(|outcome| outcome.symptom == Symptom::Transferred)
}

/// Scenarios as they were, and as they were changed: cells have them in common.
#[derive(Default)]
struct Changed(Vec<(Arc<Scenario>, Arc<Scenario>)>);

impl Changed {
    fn of(
        &mut self,
        scenario: &Arc<Scenario>,
        change: impl FnOnce() -> Arc<Scenario>,
    ) -> Arc<Scenario> {
        let mut known = self.0.iter().rev();
        if let Some((_, changed)) = known.find(|(of, _)| Arc::ptr_eq(of, scenario)) {
            return Arc::clone(changed);
        }
        let changed = change();
        self.0.push((Arc::clone(scenario), Arc::clone(&changed)));
        changed
    }
}

impl Bench<'_> {
    /// Runs some of the cells with a candidate's rules. What passed because a peer, or a kernel, happened to pick a port that the
    /// rules let through is run again with ports of each kind that they tell apart: only what passes with all of them passes.
    pub(in crate::command) fn run(
        &self,
        candidate: &Candidate,
        which: impl Fn(usize) -> bool,
    ) -> Result<Records, Exit> {
        let mut records = self.run_once(candidate, which, None)?;
        for (at, record) in self.with_other_ports(candidate, &records)? {
            records.insert(at, record);
        }
        Ok(records)
    }

    /// Of the cells that passed with a port that a side picked: those that do not pass with another, or of which that is not known.
    fn with_other_ports(&self, candidate: &Candidate, records: &Records) -> Result<Records, Exit> {
        let (mut cells, mut places) = (Vec::new(), Vec::new());
        let mut kinds = KindsOfCells::default();
        let mut scenarios = Changed::default();
        for (at, record) in records {
            if !passes(record) || !rests_on_ports(record) {
                continue;
            }
            let mut cell = self.planned[*at].clone();
            cell.scenario = scenarios.of(&cell.scenario, || candidate.scenario(&cell.scenario));
            let (scenario, backend) = (&cell.scenario, cell.axes.backend);
            let rules = self.loader.prepare(scenario, cell.ruleset, backend);
            // They were prepared before, for the cell itself.
            let Ok(rules) = self.runtime.block_on(rules) else {
                continue;
            };
            for one in kinds.of(&cell, &rules, &record.chance) {
                cells.push(one.cell);
                places.push(*at);
            }
        }
        let mut others = ran(self.runtime, cells, &self.loader, &self.settings, None)?;
        others.sort_unstable_by_key(|(index, _)| std::cmp::Reverse(*index));
        // A client may have no way to choose its ports.
        let is_skipped =
            |record: &CellRecord| matches!(record.judgement, Judgement::Skipped { .. });
        let others = others
            .into_iter()
            .filter(|(_, other)| !passes(other) && !is_skipped(other));
        Ok(others
            .map(|(index, other)| (places[index], other))
            .collect())
    }

    /// The same with clients that announce this port, whatever the rules make of it; and with a server that connects to any, as
    /// not every one does.
    pub(in crate::command) fn run_announcing(
        &self,
        candidate: &Candidate,
        which: impl Fn(usize) -> bool,
        port: u16,
    ) -> Result<Records, Exit> {
        self.run_once(candidate, which, Some(port))
    }

    /// Whether two cells are for one class of peers.
    pub(in crate::command) fn is_one_class(&self, one: usize, other: usize) -> bool {
        let class = |at: usize| (self.tried[at].family, self.tried[at].class);
        class(one) == class(other)
    }

    fn run_once(
        &self,
        candidate: &Candidate,
        which: impl Fn(usize) -> bool,
        announced: Option<u16>,
    ) -> Result<Records, Exit> {
        let places: Vec<usize> = (0..self.planned.len()).filter(|at| which(*at)).collect();
        let mut scenarios = Changed::default();
        let mut cells = Vec::new();
        for at in &places {
            let mut cell = self.planned[*at].clone();
            let changed = || {
                let mut changed = candidate.scenario(&cell.scenario);
                if let Some(port) = announced {
                    Arc::make_mut(&mut changed).client.active_ports = Some(port..=port);
                }
                changed
            };
            cell.scenario = scenarios.of(&cell.scenario, changed);
            if announced.is_some() {
                cell.axes.server = PeerName::Libunftp;
            }
            cells.push(cell);
        }
        let records = ran(self.runtime, cells, &self.loader, &self.settings, None)?;
        let of_places = records.into_iter().map(|(at, record)| (places[at], record));
        Ok(of_places.collect())
    }
}
