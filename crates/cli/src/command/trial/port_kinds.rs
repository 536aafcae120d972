//! Ports that a side picks by itself, by the kinds that rules tell apart; and a cell with ports of one kind alone.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use fwlab_ftp::port_choice;
use fwlab_model::NodeSpec;
use fwlab_record::{CellRecord, Chance, NodeName};
use fwlab_runner::PreparedRuleset;
use fwlab_scenario::Scenario;
use fwlab_scenario::plan::Cell;

/// Ports of one kind that are tried: programs and kernels try another where one is taken.
const WIDTH: u16 = 8;

/// Ports that rules do not tell from each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct PortKind {
    /// All of them, as ranges.
    pub(in crate::command) all: Vec<(u16, u16)>,
    /// Those of them that are tried.
    pub(in crate::command) tried: (u16, u16),
    /// Whether some rules look at them; others are the rest.
    pub(in crate::command) is_told: bool,
}

impl PortKind {
    /// How many ports are of it.
    pub(in crate::command) fn count(&self) -> u32 {
        let counts = self
            .all
            .iter()
            .map(|(first, last)| u32::from(last - first) + 1);
        counts.sum()
    }

    /// Others of them, as long as there are any: what a peer is to keep to is kept from its kernel.
    fn beside(&self) -> (u16, u16) {
        let low = self.tried.0.saturating_sub(WIDTH);
        let is_of_it =
            |(first, last): &(u16, u16)| (*first..=*last).contains(&low) && *last >= self.tried.0;
        match self.all.iter().any(is_of_it) {
            true => (low, self.tried.0 - 1),
            false => self.tried,
        }
    }
}

/// A cell where a side picks from ports of one kind alone.
pub(in crate::command) struct OfOneKind {
    /// Which side: what was chance.
    pub(in crate::command) chance: Chance,
    pub(in crate::command) kind: PortKind,
    pub(in crate::command) cell: Cell,
}

/// Cells with ports of one kind alone, by the scenarios that they have in common: what is loaded for one is loaded for all.
#[derive(Default)]
pub(in crate::command) struct KindsOfCells {
    scenarios: BTreeMap<Key, Arc<Scenario>>,
}

/// A scenario, whether the cells of it are active, and the ports that are kept to.
type Key = (*const Scenario, bool, Vec<(Chance, (u16, u16))>);

/// Whether ports that a side picked are among the things that a record rests on.
pub(in crate::command) fn rests_on_ports(record: &CellRecord) -> bool {
    record.chance.iter().any(|chance| is_of_ports(*chance))
}

/// Whether a chance is that of a port.
pub(in crate::command) fn is_of_ports(chance: Chance) -> bool {
    matches!(chance, Chance::DataPort | Chance::SourcePort)
}

impl KindsOfCells {
    /// A cell with ports of each kind that rules tell apart, for each of these chances.
    pub(in crate::command) fn of(
        &mut self,
        cell: &Cell,
        rules: &PreparedRuleset,
        chances: &[Chance],
    ) -> Vec<OfOneKind> {
        let usual_data_port = match chances.contains(&Chance::DataPort) {
            true => {
                let kinds = port_kinds(cell, rules, Chance::DataPort).into_iter();
                kinds.max_by_key(PortKind::count)
            }
            false => None,
        };
        let mut all = Vec::new();
        for chance in chances.iter().filter(|chance| is_of_ports(**chance)) {
            for kind in port_kinds(cell, rules, *chance) {
                let mut kept = vec![(*chance, kind.tried)];
                if let (Chance::SourcePort, Some(usual)) = (chance, &usual_data_port) {
                    kept.push((Chance::DataPort, usual.beside()));
                }
                all.push(OfOneKind {
                    chance: *chance,
                    cell: Cell {
                        scenario: self.scenario(cell, kept),
                        ..cell.clone()
                    },
                    kind,
                });
            }
        }
        all
    }

    fn scenario(&mut self, cell: &Cell, kept: Vec<(Chance, (u16, u16))>) -> Arc<Scenario> {
        let key = (
            Arc::as_ptr(&cell.scenario),
            cell.axes.data.is_active(),
            kept.clone(),
        );
        let scenario = self.scenarios.entry(key).or_insert_with(|| {
            let mut scenario = Scenario::clone(&cell.scenario);
            for (chance, ports) in kept {
                keep_to(&mut scenario, cell, chance, ports);
            }
            Arc::new(scenario)
        });
        Arc::clone(scenario)
    }
}

/// The kinds of ports that rules tell apart among those that a side of a cell picks from.
fn port_kinds(cell: &Cell, rules: &PreparedRuleset, chance: Chance) -> Vec<PortKind> {
    let ranges = rules.by_port.iter().map(|(_, rule)| rule.ports);
    let mut ranges: BTreeSet<(u16, u16)> = ranges.collect();
    let is_active = cell.axes.data.is_active();
    // The lab keeps a server's passive ports from its kernel, so none of them can be tried.
    let kept = match chance {
        Chance::SourcePort if connecting(cell).contains(&&cell.scenario.deployment.server) => {
            cell.scenario.server.passive_ports
        }
        _ => None,
    };
    ranges.extend(kept);
    let choice = match chance {
        Chance::SourcePort => ephemeral_ports(cell),
        _ if is_active => {
            let kept = cell.scenario.client.active_ports.clone();
            kept.unwrap_or_else(|| port_choice(cell.axes.client))
        }
        _ => {
            let kept = cell.scenario.server.passive_ports;
            kept.map_or_else(
                || port_choice(cell.axes.server),
                |(first, last)| first..=last,
            )
        }
    };
    let mut kinds = kinds(&ranges, &choice);
    if let Some((first, last)) = kept {
        kinds.retain(|kind| kind.tried.1 < first || kind.tried.0 > last);
    }
    kinds
}

/// The nodes whose kernels pick a port for a connection.
fn connecting(cell: &Cell) -> Vec<&NodeName> {
    let deployment = &cell.scenario.deployment;
    match cell.axes.data.is_active() {
        true => vec![&deployment.client, &deployment.server],
        false => vec![&deployment.client],
    }
}

/// All ports from which one of them picks.
fn ephemeral_ports(cell: &Cell) -> RangeInclusive<u16> {
    let topology = &cell.scenario.deployment.topology;
    let nodes = connecting(cell).into_iter();
    let of_nodes = nodes.filter_map(|name| Some(topology.node(name)?.ephemeral_ports()));
    let joined =
        of_nodes.reduce(|one, other| *one.start().min(other.start())..=*one.end().max(other.end()));
    joined.unwrap_or(NodeSpec::EPHEMERAL_PORTS)
}

/// Makes the side in question pick from these ports alone.
fn keep_to(scenario: &mut Scenario, cell: &Cell, chance: Chance, (first, last): (u16, u16)) {
    match chance {
        Chance::SourcePort => {
            let connecting = connecting(cell);
            let nodes = scenario.deployment.topology.nodes.iter_mut();
            for node in nodes.filter(|node| connecting.contains(&&node.name)) {
                node.sysctls.insert(
                    NodeSpec::EPHEMERAL_PORTS_SYSCTL.to_owned(),
                    format!("{first} {last}"),
                );
            }
        }
        _ if cell.axes.data.is_active() => scenario.client.active_ports = Some(first..=last),
        _ => scenario.server.passive_ports = Some((first, last)),
    }
}

/// The kinds that ranges tell apart, among the ports of a choice: those of one kind are in the same ranges, and out of the same.
fn kinds(ranges: &BTreeSet<(u16, u16)>, choice: &RangeInclusive<u16>) -> Vec<PortKind> {
    let ends = ranges
        .iter()
        .flat_map(|(first, last)| [Some(*first), last.checked_add(1)]);
    let begins: BTreeSet<u16> = ends
        .flatten()
        .filter(|port| choice.contains(port))
        .chain([*choice.start()])
        .collect();
    let next = begins.iter().skip(1).map(|begin| begin - 1);
    let lasts = next.chain([*choice.end()]);
    let mut kinds: BTreeMap<Vec<bool>, Vec<(u16, u16)>> = BTreeMap::new();
    for (first, last) in begins.iter().copied().zip(lasts) {
        let is_in = |(low, high): &(u16, u16)| (*low..=*high).contains(&first);
        let of_kind = kinds.entry(ranges.iter().map(is_in).collect());
        of_kind.or_default().push((first, last));
    }
    let tried = |all: &[(u16, u16)]| {
        let widest = all.iter().max_by_key(|(first, last)| last - first);
        // From the end: ports where an ordinary program listens are mostly low.
        widest.map(|(first, last)| (last.saturating_sub(WIDTH - 1).max(*first), *last))
    };
    let kinds = kinds.into_iter().filter_map(|(is_in, all)| {
        Some(PortKind {
            tried: tried(&all)?,
            all,
            is_told: is_in.contains(&true),
        })
    });
    let mut kinds: Vec<PortKind> = kinds.collect();
    kinds.sort_unstable_by_key(|kind| kind.tried);
    kinds
}

/// The same ports as few ranges, from the lowest: those that overlap or follow one another are one.
pub(in crate::command) fn joined(ranges: impl IntoIterator<Item = (u16, u16)>) -> Vec<(u16, u16)> {
    let mut ranges: Vec<(u16, u16)> = ranges.into_iter().collect();
    ranges.sort_unstable();
    let mut joined: Vec<(u16, u16)> = Vec::new();
    for (low, high) in ranges {
        match joined.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => joined.push((low, high)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_ports_is_tried() {
        let of = |ranges: &[(u16, u16)]| {
            let kinds = kinds(&ranges.iter().copied().collect(), &(1024..=65535));
            assert_eq!(kinds.iter().map(PortKind::count).sum::<u32>(), 64512);
            let tried = kinds.into_iter().map(|kind| kind.tried);
            tried.collect::<Vec<_>>()
        };
        assert_eq!(of(&[]), [(65528, 65535)]);
        assert_eq!(of(&[(40000, 40100)]), [(39992, 39999), (40093, 40100)]);
        assert_eq!(
            of(&[(0, 1023), (60000, 65535)]),
            [(59992, 59999), (65528, 65535)]
        );
        assert_eq!(
            of(&[(2000, 2002), (2001, 3000)]),
            [(2000, 2000), (2001, 2002), (2993, 3000), (65528, 65535)]
        );
    }

    #[test]
    fn ports_beside_those_that_are_tried_are_of_the_same_kind() {
        let kind = |all: &[(u16, u16)], tried| PortKind {
            all: all.to_vec(),
            tried,
            is_told: false,
        };
        let wide = kind(&[(1024, 2000), (2100, 65535)], (65528, 65535));
        assert_eq!(wide.beside(), (65520, 65527));
        let narrow = kind(&[(1024, 2000), (2100, 2110)], (2103, 2110));
        assert_eq!(narrow.beside(), narrow.tried);
    }
}
