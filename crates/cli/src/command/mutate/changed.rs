//! Rules of scenarios with one mistake each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use fwlab_fix::{Mutant, RuleLine, mutants};
use fwlab_model::ruleset::Source;
use fwlab_record::{Backend, Family};
use fwlab_runner::{Listed, Loader, PreparedRuleset};
use fwlab_scenario::plan::Cell;
use fwlab_scenario::{Action, Scenario};
use tokio::runtime::Runtime;

use super::is_of;
use crate::command::trial::Slot;

/// A scenario with one mistake in its rules.
pub(super) struct Changed {
    pub(super) mutant: Mutant,
    /// The text before.
    pub(super) before: Source,
    /// The name of the ruleset.
    pub(super) ruleset: String,
    ruleset_at: usize,
    scenario: Arc<Scenario>,
    /// The places of the cells in which its rules are loaded.
    pub(super) cells: Vec<usize>,
}

impl Changed {
    /// A cell with the mistake.
    pub(super) fn cell(&self, cell: &Cell) -> Cell {
        Cell {
            scenario: Arc::clone(&self.scenario),
            ..cell.clone()
        }
    }

    /// The file or scenario, and the line as it was.
    pub(super) fn line(&self) -> String {
        let text = String::from_utf8_lossy(&self.before.text);
        let place = self.mutant.line.checked_sub(self.before.begins.0.max(1));
        let line = place.and_then(|place| text.lines().nth(place as usize));
        line.unwrap_or_default().trim().to_owned()
    }
}

/// What was not tried, and why.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Rulesets that nobody wrote, so that there is no line to make a mistake in.
    pub(super) unwritten: BTreeSet<String>,
    /// Rulesets that no requirement looks at.
    pub(super) unrequired: BTreeSet<String>,
    /// Mistakes that the loader refuses.
    pub(super) refused: usize,
    /// Mistakes that are none: the kernel lists the same.
    pub(super) same: usize,
    /// Beyond `--mutants`.
    pub(super) beyond: usize,
}

/// Where rules are loaded.
pub(super) struct Lab<'l> {
    pub(super) runtime: &'l Runtime,
    pub(super) loader: &'l Loader,
    pub(super) cells: &'l [Cell],
}

/// A scenario's rules, with one mistake each.
pub(super) fn of_scenario(
    lab: &Lab<'_>,
    scenario: &Arc<Scenario>,
    left: &mut Left,
) -> Vec<Changed> {
    let mut changed = Vec::new();
    for (index, entry) in scenario.rulesets.iter().enumerate() {
        let is_later = scenario
            .steps
            .iter()
            .any(|step| matches!(step.action, Action::Load(later) if later == index));
        let cells = lab.cells.iter().enumerate();
        let cells = cells.filter(|(_, cell)| is_of(cell, scenario));
        let cells = cells.filter(|(_, cell)| is_later || cell.ruleset == index);
        let cells: Vec<usize> = cells.map(|(at, _)| at).collect();
        if cells.is_empty() {
            continue;
        }
        let name = || format!("{} of {}", entry.name, scenario.name);
        if !cells.iter().any(|at| lab.cells[*at].requirement.is_some()) {
            left.unrequired.insert(name());
            continue;
        }
        let lines = lab.lines(scenario, index, &cells);
        let texts: Vec<(Slot, &Source, Vec<RuleLine>)> = lines
            .into_iter()
            .filter_map(|(slot, lines)| Some((slot, slot.text(entry)?, lines)))
            .collect();
        if texts.is_empty() {
            left.unwritten.insert(name());
        }
        for (slot, source, lines) in texts {
            changed.extend(mutants(source, &lines).into_iter().map(|mutant| {
                let mut scenario = Scenario::clone(scenario);
                slot.put(&mut scenario.rulesets[index], mutant.source.clone());
                Changed {
                    mutant,
                    before: source.clone(),
                    ruleset: entry.name.clone(),
                    ruleset_at: index,
                    scenario: Arc::new(scenario),
                    cells: cells.clone(),
                }
            }));
        }
    }
    changed
}

impl Lab<'_> {
    /// The lines that hold rules, of each text, by every backend that loads it.
    fn lines(
        &self,
        scenario: &Arc<Scenario>,
        index: usize,
        cells: &[usize],
    ) -> BTreeMap<Slot, Vec<RuleLine>> {
        let entry = &scenario.rulesets[index];
        let node = entry.at.as_ref().or(scenario.deployment.firewall.as_ref());
        let mut found: BTreeMap<Slot, BTreeMap<u32, RuleLine>> = BTreeMap::new();
        for backend in backends(self.cells, cells) {
            let preparing = self.loader.prepare(scenario, index, backend);
            // It loaded before.
            let prepared = self.runtime.block_on(preparing).unwrap_or_default();
            for part in prepared
                .parts
                .iter()
                .filter(|part| Some(&part.node) == node)
            {
                let (family, asks) = match &part.listed {
                    Listed::Iptables {
                        family, listing, ..
                    } => (*family, listing.asks(&part.lines)),
                    Listed::Native(listing) => (Family::Ipv4, listing.asks(&part.lines)),
                };
                let Some(slot) = Slot::in_entry(entry, part.backend(), family) else {
                    continue;
                };
                for asks in asks {
                    let Some(line) = asks.source_line.map(|source| source.line) else {
                        continue;
                    };
                    let chain = asks.rule.chain.to_string();
                    let lines = found.entry(slot).or_default();
                    lines.entry(line).or_insert(RuleLine { line, chain });
                }
            }
            // A text without a rule may have a policy.
            let text = Slot::in_entry(entry, backend, Family::Ipv4);
            found.entry(text.unwrap_or(Slot::Origin)).or_default();
        }
        let lines = found.into_iter();
        lines
            .map(|(slot, lines)| (slot, lines.into_values().collect()))
            .collect()
    }

    /// Those that load on every backend, and that are other rules to the kernel.
    pub(super) fn loadable(&self, all: Vec<Changed>, left: &mut Left) -> Vec<Changed> {
        let mut before: BTreeMap<(String, usize, Backend), PreparedRuleset> = BTreeMap::new();
        for changed in &all {
            let of = &self.cells[changed.cells[0]].scenario;
            for backend in backends(self.cells, &changed.cells) {
                before
                    .entry((of.name.clone(), changed.ruleset_at, backend))
                    .or_insert_with(|| {
                        let preparing = self.loader.prepare(of, changed.ruleset_at, backend);
                        self.runtime.block_on(preparing).unwrap_or_default()
                    });
            }
        }
        let before = &before;
        let preparing = all.into_iter().map(|changed| async move {
            let mut is_same = true;
            for backend in backends(self.cells, &changed.cells) {
                let at = changed.ruleset_at;
                let loaded = self
                    .loader
                    .prepare(&changed.scenario, at, backend)
                    .await
                    .ok()?;
                let as_it_was = before.get(&(changed.scenario.name.clone(), at, backend))?;
                is_same &= lists(&loaded) == lists(as_it_was);
            }
            Some((changed, is_same))
        });
        let at_a_time = std::thread::available_parallelism().map_or(2, usize::from) * 4;
        let prepared = futures::stream::iter(preparing).buffered(at_a_time);
        let prepared: Vec<_> = self.runtime.block_on(prepared.collect());
        let mut loaded = Vec::new();
        for one in prepared {
            match one {
                None => left.refused += 1,
                Some((_, true)) => left.same += 1,
                Some((changed, false)) => loaded.push(changed),
            }
        }
        loaded
    }
}

/// What the kernel lists of rules.
fn lists(prepared: &PreparedRuleset) -> Vec<&Listed> {
    prepared.parts.iter().map(|part| &part.listed).collect()
}

/// The backends of cells.
fn backends(all: &[Cell], cells: &[usize]) -> BTreeSet<Backend> {
    cells.iter().map(|at| all[*at].axes.backend).collect()
}
