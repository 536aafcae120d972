//! The cells of all classes of peers, run with changed rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use fwlab_check::{Subject, Tried};
use fwlab_record::{CellRecord, Chance, Exit, PeerName, Symptom};
use fwlab_runner::{Loader, PreparedRuleset, RunSettings};
use fwlab_scenario::Scenario;
use fwlab_scenario::plan::Cell;
use tokio::runtime::Runtime;

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
    /// Ports for data connections that no rule tells from the most of them.
    pub(in crate::command) other_ports: Option<(u16, u16)>,
}

/// The ports that data connections are to be to.
#[derive(Debug, Clone, Copy)]
struct DataPorts {
    /// Passive ones; nothing for whichever the server takes.
    of_server: Option<(u16, u16)>,
    /// Active ones.
    of_client: (u16, u16),
}

/// The records of some cells, by their places.
pub(in crate::command) type Records = BTreeMap<usize, Arc<CellRecord>>;

/// Whether a transfer passed.
pub(in crate::command) fn passes(record: &CellRecord) -> bool {
    let outcome = record.judgement.outcome();
    outcome.is_some_and(|outcome| outcome.symptom == Symptom::Transferred)
}

/// A range of so many ports is no exception: what rules make of it, they make of the most.
pub(in crate::command) const MOST: u16 = 30_000;

/// A few ports that are in no range that rules look at, unless in one of the most of them, nor in the one that a server is to
/// keep to.
pub(in crate::command) fn other_ports(
    rules: &PreparedRuleset,
    kept: (u16, u16),
) -> Option<(u16, u16)> {
    let looked_at = rules.by_port.iter().map(|(_, by_port)| by_port.ports);
    let ranges: Vec<(u16, u16)> = looked_at.chain([kept, PASSIVE_PORTS]).collect();
    let windows = (20_000..60_000_u16).step_by(64).map(|low| (low, low + 63));
    let mut free = windows.filter(|(low, high)| {
        let apart = |(first, last): &(u16, u16)| last < low || first > high;
        let of_the_most = |(first, last): &(u16, u16)| {
            (first..=last).contains(&low) && (first..=last).contains(&high) && last - first >= MOST
        };
        ranges
            .iter()
            .all(|range| apart(range) || of_the_most(range))
    });
    free.next()
}

impl Bench<'_> {
    /// Runs some of the cells with a candidate's rules. What passed because a peer happened to pick a port that the rules let
    /// through is run again with one that they do not tell apart from the rest.
    pub(in crate::command) fn run(
        &self,
        candidate: &Candidate,
        which: impl Fn(usize) -> bool,
    ) -> Result<Records, Exit> {
        let mut records = self.run_once(candidate, which, None)?;
        let lucky =
            |record: &CellRecord| passes(record) && record.chance.contains(&Chance::DataPort);
        let lucky: Vec<usize> = records
            .iter()
            .filter(|(_, record)| lucky(record))
            .map(|(at, _)| *at)
            .collect();
        if let (Some(ports), false) = (self.other_ports, lucky.is_empty()) {
            let again = self.run_once(
                candidate,
                |at| lucky.contains(&at),
                Some(DataPorts {
                    of_server: Some(ports),
                    of_client: ports,
                }),
            )?;
            let ran = again
                .into_iter()
                .filter(|(_, record)| record.judgement.outcome().is_some());
            records.extend(ran);
        }
        Ok(records)
    }

    /// The same with clients that announce this port, whatever the rules make of it; and with a server that connects to any, as
    /// not every one does.
    pub(in crate::command) fn run_announcing(
        &self,
        candidate: &Candidate,
        which: impl Fn(usize) -> bool,
        port: u16,
    ) -> Result<Records, Exit> {
        let ports = DataPorts {
            of_server: None,
            of_client: (port, port),
        };
        self.run_once(candidate, which, Some(ports))
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
        ports: Option<DataPorts>,
    ) -> Result<Records, Exit> {
        let places: Vec<usize> = (0..self.planned.len()).filter(|at| which(*at)).collect();
        let mut scenarios: Vec<(Arc<Scenario>, Arc<Scenario>)> = Vec::new();
        let mut cells = Vec::new();
        for at in &places {
            let mut cell = self.planned[*at].clone();
            let known = scenarios
                .iter()
                .rev()
                .find(|(of, _)| Arc::ptr_eq(of, &cell.scenario));
            let changed = match known {
                Some((_, changed)) => Arc::clone(changed),
                None => {
                    let mut changed = candidate.scenario(&cell.scenario);
                    if let Some(ports) = ports {
                        let changed = Arc::make_mut(&mut changed);
                        if ports.of_server.is_some() {
                            changed.server.passive_ports = ports.of_server;
                        }
                        let (low, high) = ports.of_client;
                        changed.client.active_ports = Some(low..=high);
                    }
                    scenarios.push((Arc::clone(&cell.scenario), Arc::clone(&changed)));
                    changed
                }
            };
            cell.scenario = changed;
            if ports.is_some_and(|ports| ports.of_server.is_none()) {
                cell.axes.server = PeerName::Libunftp;
            }
            cells.push(cell);
        }
        let records = ran(self.runtime, cells, &self.loader, &self.settings, None)?;
        let of_places = records.into_iter().map(|(at, record)| (places[at], record));
        Ok(of_places.collect())
    }
}

#[cfg(test)]
mod tests {
    use fwlab_model::ruleset::ByPort;
    use fwlab_record::{ChainId, NodeName, RuleId, RuleOrdinal, TableFamily};

    use super::*;

    fn looking_at(ranges: &[(u16, u16)]) -> PreparedRuleset {
        let input = ChainId {
            family: TableFamily::Ipv4,
            table: "filter".into(),
            chain: "INPUT".into(),
        };
        let of_range = |ports: &(u16, u16)| ByPort {
            rule: RuleId {
                chain: input.clone(),
                ordinal: RuleOrdinal(1),
            },
            source_line: None,
            hooks: std::collections::BTreeSet::new(),
            ports: *ports,
        };
        PreparedRuleset {
            by_port: ranges
                .iter()
                .map(|ports| (NodeName::server(), of_range(ports)))
                .collect(),
            ..PreparedRuleset::default()
        }
    }

    /// `--dport 1024: -j DROP` leaves no port out, and yet a range before it may be one that is let through.
    #[test]
    fn a_rule_about_the_most_ports_leaves_some_that_are_like_them() {
        let found = |ranges: &[(u16, u16)]| other_ports(&looking_at(ranges), PASSIVE_PORTS);
        assert_eq!(found(&[(49_152, 65_535)]), Some((20_000, 20_063)));
        assert_eq!(
            found(&[(1024, 65_535), (49_152, 65_535)]),
            Some((20_000, 20_063))
        );
        assert_eq!(
            found(&[(20_032, 65_535), (1024, 30_000)]),
            Some((30_048, 30_111))
        );
        assert_eq!(found(&[(1024, 31_000), (31_001, 60_500)]), None);
    }
}
