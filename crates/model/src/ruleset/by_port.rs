use std::collections::{BTreeMap, BTreeSet};

use super::native::NativeListing;
use super::only::PortRange;
use super::purity::{looked_at, ports_of};
use super::walk::{Walk, walk};
use super::{Correspondence, Hook, Listing, SourceLine};
use fwlab_record::{ChainId, RuleId, RuleOrdinal};

/// An end of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortEnd {
    /// Where it comes from.
    Source,
    /// Where it goes to.
    Destination,
}

/// A rule that looks at some ports of TCP, and at others not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByPort {
    /// The rule; of several that are a range, the first.
    pub rule: RuleId,
    /// The line that it came from.
    pub source_line: Option<SourceLine>,
    /// The hooks from which its chain is known to be reached.
    pub hooks: BTreeSet<Hook>,
    /// At which end of a packet it looks.
    pub end: PortEnd,
    /// The first and the last of the ports.
    pub ports: (u16, u16),
}

impl ByPort {
    /// Whether it is about one port alone.
    pub fn is_single(&self) -> bool {
        self.ports.0 == self.ports.1
    }
}

impl Listing {
    /// The rules that look at a range of ports, one for each range.
    pub fn by_port(&self, lines: &Correspondence) -> Vec<ByPort> {
        let hooks = self.reached();
        let mut found = Found::default();
        for (id, rule) in self.rules() {
            let words = rule.words();
            let ports = ports_apart(&walk(&words, self.family()));
            found.add(&id.chain, ports, |end, ports| ByPort {
                rule: id.clone(),
                source_line: lines.source_of(&id),
                hooks: hooks.of(&id.chain),
                end,
                ports,
            });
        }
        found.ranges()
    }

    /// The ports of TCP that rules tell from others, as ranges, and the end at which they look: those of one port, too.
    pub fn ports(&self) -> BTreeSet<(PortEnd, PortRange)> {
        let of_rules = self.rules().flat_map(|(_, rule)| {
            let words = rule.words();
            ports_apart(&walk(&words, self.family()))
        });
        of_rules
            .filter(|(_, ports)| !is_all_that_is_picked(*ports))
            .collect()
    }
}

impl NativeListing {
    /// The rules that look at a range of ports, one for each range; what is in a named set is as it is listed.
    pub fn by_port(&self, lines: &Correspondence) -> Vec<ByPort> {
        let hooks = self.reached();
        let mut found = Found::default();
        for (chain, ordinal, ports) in self.ports_apart() {
            let rule = RuleId {
                chain: chain.clone(),
                ordinal: RuleOrdinal(ordinal),
            };
            found.add(chain, ports.iter().copied(), |end, ports| ByPort {
                source_line: lines.source_of(&rule),
                rule: rule.clone(),
                hooks: hooks.of(chain),
                end,
                ports,
            });
        }
        found.ranges()
    }

    /// The ports of TCP that rules tell from others, as ranges, and the end at which they look: those of one port, too, and
    /// those in named sets.
    pub fn ports(&self) -> BTreeSet<(PortEnd, PortRange)> {
        let of_rules = self.ports_apart().flat_map(|(.., ports)| ports);
        of_rules
            .filter(|(_, ports)| !is_all_that_is_picked(*ports))
            .copied()
            .collect()
    }
}

/// Whether a range has every port that a peer or a kernel may pick.
fn is_all_that_is_picked((first, last): PortRange) -> bool {
    first <= 1024 && last == u16::MAX
}

/// The ports of TCP that a rule tells from others, negated or not.
fn ports_apart(walk: &Walk<'_>) -> Vec<(PortEnd, PortRange)> {
    if !looked_at(walk).is_of_tcp() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (ends, ports) in walk.pieces.iter().filter_map(ports_of) {
        for ports in ports.into_iter().flatten() {
            found.extend(ends.iter().map(|end| (*end, ports)));
        }
    }
    found
}

/// As many rules of one port each, one port behind the other, are a range: Docker publishes one so.
const FEWEST: usize = 3;

/// Rules by the ports that they look at.
#[derive(Default)]
struct Found {
    ranges: Vec<ByPort>,
    /// Those of one port, by their chain and the end at which they look.
    single: BTreeMap<(ChainId, PortEnd), BTreeMap<u16, ByPort>>,
}

impl Found {
    fn add(
        &mut self,
        chain: &ChainId,
        ports: impl IntoIterator<Item = (PortEnd, PortRange)>,
        rule: impl Fn(PortEnd, PortRange) -> ByPort,
    ) {
        for (end, (first, last)) in ports {
            if is_all_that_is_picked((first, last)) {
                continue;
            }
            let found = rule(end, (first, last));
            match first < last {
                true => self.ranges.push(found),
                false => {
                    let of_chain = self.single.entry((chain.clone(), end)).or_default();
                    of_chain.entry(first).or_insert(found);
                }
            }
        }
    }

    /// The ranges; of single ports, those that follow one another are one.
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
            for run in runs {
                match &run[..] {
                    [first, .., last] if run.len() >= FEWEST => self.ranges.push(ByPort {
                        ports: (first.ports.0, last.ports.1),
                        ..first.clone()
                    }),
                    _ => self.ranges.extend(run),
                }
            }
        }
        self.ranges
    }
}

#[cfg(test)]
mod tests {
    use super::{ByPort, PortEnd};
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
-A INPUT -p udp -m udp ! --dport 1:1022 -j DROP
-A INPUT -p tcp -m tcp --sport 1024:65535 -j ACCEPT
-A INPUT -p tcp -m tcp --sport 1024:5000 --dport 2000:2999 -j ACCEPT
-A FORWARD -j ftp
-A FORWARD -p tcp -m multiport --ports 60000:60100 -j DROP
-A ftp -p tcp -m multiport --dports 20,21,50000:50010 -j ACCEPT
COMMIT
";
        let listing = Listing::parse(saved, Family::Ipv4).expect("a listing");
        let (single, found): (Vec<ByPort>, Vec<ByPort>) = listing
            .by_port(&Correspondence::default())
            .into_iter()
            .partition(ByPort::is_single);
        let single: Vec<_> = single.into_iter().map(|one| one.ports.0).collect();
        assert_eq!(single, [21, 20, 21]);
        let found: Vec<_> = found
            .into_iter()
            .map(|one| {
                (
                    one.end,
                    one.ports,
                    one.hooks.into_iter().collect::<Vec<_>>(),
                )
            })
            .collect();
        let to = PortEnd::Destination;
        assert_eq!(
            found,
            [
                (PortEnd::Source, (60000, 60100), vec![Hook::Forward]),
                (to, (60000, 60100), vec![Hook::Forward]),
                (to, (40000, 40100), vec![Hook::Input]),
                (to, (1, 1023), vec![Hook::Input]),
                (PortEnd::Source, (1024, 5000), vec![Hook::Input]),
                (to, (2000, 2999), vec![Hook::Input]),
                (to, (50000, 50010), vec![Hook::Input, Hook::Forward])
            ]
        );
        let all: Vec<(PortEnd, (u16, u16))> = listing.ports().into_iter().collect();
        let from = PortEnd::Source;
        assert_eq!(
            all,
            [
                (from, (1024, 5000)),
                (from, (60000, 60100)),
                (to, (1, 1023)),
                (to, (20, 20)),
                (to, (21, 21)),
                (to, (2000, 2999)),
                (to, (40000, 40100)),
                (to, (50000, 50010)),
                (to, (60000, 60100))
            ]
        );
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
        let single = [21, 50000, 50001].map(|port| (port, port));
        assert_eq!(
            found,
            [&single[..1], &[(40000, 40003)], &single[1..]].concat()
        );
    }
}
