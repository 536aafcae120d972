use std::collections::{BTreeMap, BTreeSet};

use super::native::NativeListing;
use super::only::Only;
use super::purity::looked_at;
use super::walk::walk;
use super::{Correspondence, Hook, Listing, SourceLine};
use fwlab_record::{ChainId, RuleId, RuleOrdinal};

/// A rule that looks at a range of destination ports of TCP, and at others not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByPort {
    /// The rule; of several that are a range, the first.
    pub rule: RuleId,
    /// The line that it came from.
    pub source_line: Option<SourceLine>,
    /// The hooks from which its chain is known to be reached.
    pub hooks: BTreeSet<Hook>,
    /// The first and the last of the ports.
    pub ports: (u16, u16),
}

impl Listing {
    /// The rules that look at a range of destination ports, one for each range.
    pub fn by_port(&self, lines: &Correspondence) -> Vec<ByPort> {
        let hooks = self.reached();
        let mut found = Found::default();
        for (id, rule) in self.rules() {
            let words = rule.words();
            let only = looked_at(&walk(&words, self.family()));
            found.add(&id.chain, &only, || ByPort {
                rule: id.clone(),
                source_line: lines.source_of(&id),
                hooks: hooks.of(&id.chain),
                ports: (0, 0),
            });
        }
        found.ranges()
    }

    /// The destination ports of TCP that rules look at, as ranges: those of one port, too.
    pub fn ports(&self) -> BTreeSet<(u16, u16)> {
        let of_rules = self.rules().map(|(_, rule)| {
            let words = rule.words();
            looked_at(&walk(&words, self.family()))
        });
        of_rules.flat_map(|only| ports(&only)).collect()
    }
}

impl NativeListing {
    /// The rules that look at a range of destination ports, one for each range. What is in a set of its own is not known.
    pub fn by_port(&self, lines: &Correspondence) -> Vec<ByPort> {
        let hooks = self.reached();
        let mut found = Found::default();
        for (chain, ordinal, only) in self.looked_at() {
            let rule = RuleId {
                chain: chain.clone(),
                ordinal: RuleOrdinal(ordinal),
            };
            found.add(chain, only, || ByPort {
                source_line: lines.source_of(&rule),
                rule: rule.clone(),
                hooks: hooks.of(chain),
                ports: (0, 0),
            });
        }
        found.ranges()
    }

    /// The destination ports of TCP that rules look at, as ranges: those of one port, too. What is in a set of its own is not
    /// known.
    pub fn ports(&self) -> BTreeSet<(u16, u16)> {
        self.looked_at()
            .flat_map(|(_, _, only)| ports(only))
            .collect()
    }
}

/// The destination ports of TCP that a rule looks at.
fn ports(only: &Only) -> impl Iterator<Item = (u16, u16)> + use<> {
    let ports = only.to_ports.clone().filter(|_| only.is_of_tcp());
    ports.into_iter().flatten()
}

/// As many rules of one port each, one port behind the other, are a range: Docker publishes one so.
const FEWEST: usize = 3;

/// Rules by the ports that they look at.
#[derive(Default)]
struct Found {
    ranges: Vec<ByPort>,
    /// Those of one port, by their chain.
    single: BTreeMap<ChainId, BTreeMap<u16, ByPort>>,
}

impl Found {
    fn add(&mut self, chain: &ChainId, only: &Only, rule: impl Fn() -> ByPort) {
        for (first, last) in ports(only) {
            let found = ByPort {
                ports: (first, last),
                ..rule()
            };
            match first < last {
                true => self.ranges.push(found),
                false => {
                    let of_chain = self.single.entry(chain.clone()).or_default();
                    of_chain.entry(first).or_insert(found);
                }
            }
        }
    }

    /// The ranges of more than one port.
    fn ranges(mut self) -> Vec<ByPort> {
        for of_chain in self.single.into_values() {
            let mut runs: Vec<Vec<ByPort>> = Vec::new();
            for (port, found) in of_chain {
                match runs.last_mut() {
                    Some(run) if run.last().is_some_and(|last| last.ports.1 + 1 == port) => {
                        run.push(found);
                    }
                    _ => runs.push(vec![found]),
                }
            }
            for run in runs.iter().filter(|run| run.len() >= FEWEST) {
                let [first, .., last] = &run[..] else {
                    continue;
                };
                self.ranges.push(ByPort {
                    ports: (first.ports.0, last.ports.1),
                    ..first.clone()
                });
            }
        }
        self.ranges
    }
}

#[cfg(test)]
mod tests {
    use crate::ruleset::{Correspondence, Hook, Listing};
    use fwlab_record::Family;

    #[test]
    fn ranges_of_tcp_alone() {
        let saved = "*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:ftp - [0:0]
-A INPUT -p tcp -m tcp --dport 40000:40100 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ftp
-A INPUT -p udp -m udp --dport 5000:6000 -j ACCEPT
-A INPUT -p tcp -m tcp ! --dport 1:1023 -j DROP
-A INPUT -p tcp -m tcp --sport 1024:65535 -j ACCEPT
-A FORWARD -j ftp
-A ftp -p tcp -m multiport --dports 20,21,50000:50010 -j ACCEPT
COMMIT
";
        let listing = Listing::parse(saved, Family::Ipv4).expect("a listing");
        let found = listing.by_port(&Correspondence::default());
        let found: Vec<_> = found
            .into_iter()
            .map(|one| (one.ports, one.hooks.into_iter().collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            found,
            [
                ((40000, 40100), vec![Hook::Input]),
                ((50000, 50010), vec![Hook::Input, Hook::Forward])
            ]
        );
        let all: Vec<(u16, u16)> = listing.ports().into_iter().collect();
        assert_eq!(all, [(20, 20), (21, 21), (40000, 40100), (50000, 50010)]);
    }

    #[test]
    fn rules_of_one_port_each_that_follow_one_another_are_a_range() {
        let rules: String = [21, 40002, 40000, 40001, 40003, 50000, 50001]
            .iter()
            .map(|port| format!("-A INPUT -p tcp -m tcp --dport {port} -j ACCEPT\n"))
            .collect();
        let saved = format!("*filter\n:INPUT ACCEPT [0:0]\n{rules}COMMIT\n");
        let listing = Listing::parse(&saved, Family::Ipv4).expect("a listing");
        let found = listing.by_port(&Correspondence::default());
        let found: Vec<_> = found.into_iter().map(|one| one.ports).collect();
        assert_eq!(found, [(40000, 40003)]);
    }
}
