//! The ports that new connections are tried to, and how those that were opened are said.

use std::collections::{BTreeMap, BTreeSet};

use fwlab_fix::{Accepts, Remedy};
use fwlab_model::ruleset::PortEnd;

use crate::command::trial::PORTS;

/// So many ranges of the rules are tried at their ends, at most: a host of containers may have thousands.
const RANGES: usize = 32;

/// Ports to try, and the ranges that rules look at, from which nothing within them is told apart unless by another range.
pub(super) struct Ports {
    pub(super) tried: BTreeSet<u16>,
    ranges: Vec<(u16, u16)>,
    /// Those of the ranges that are opened.
    opened: Vec<(u16, u16)>,
    /// Those that the rules look at, too, and that were too many to try.
    beyond: Vec<(u16, u16)>,
}

/// All that a program may take without being root: a range that no rule need name to be one.
const HIGH: (u16, u16) = (1024, u16::MAX);

impl Ports {
    /// The usual ones, and those at the ends of a range that is opened, or that the rules look at: what lets through answers,
    /// as to what is ESTABLISHED, opens whatever they accept.
    pub(super) fn of(remedies: &[Remedy], of_rules: &BTreeSet<(PortEnd, (u16, u16))>) -> Ports {
        let opened = remedies.iter().filter_map(|remedy| match remedy {
            Remedy::Accept {
                what: Accepts::Ports { low, high },
                ..
            }
            | Remedy::Forward { low, high, .. } => Some((*low, *high)),
            _ => None,
        });
        let of_rules: BTreeSet<(u16, u16)> = of_rules.iter().map(|(_, ports)| *ports).collect();
        let opened: Vec<(u16, u16)> = opened.collect();
        let mut ranges = opened.clone();
        ranges.extend(of_rules.iter().take(RANGES));
        let ends = ranges.iter().flat_map(|(low, high)| {
            let beside = (low < high).then_some([low.checked_sub(1), high.checked_add(1)]);
            let beside = beside.into_iter().flatten().flatten();
            beside.chain([*low, *high])
        });
        let tried = ends.chain(PORTS).filter(|port| *port > 0).collect();
        Ports {
            tried,
            ranges,
            opened,
            beyond: of_rules.iter().skip(RANGES).copied().collect(),
        }
    }

    /// Those that were opened, in words: a range where all that was tried of it is.
    pub(super) fn listed(&self, opened: &BTreeSet<u16>) -> String {
        let mut words = Vec::new();
        let mut from = 0;
        while let Some(&port) = opened.range(from..).next() {
            let whole = |(low, high): &&(u16, u16)| {
                let apart = |(first, last): &(u16, u16)| last < low || first > high;
                *low == port
                    && self.beyond.iter().all(apart)
                    && self.tried.range(low..=high).all(|one| opened.contains(one))
            };
            let widest = self
                .ranges
                .iter()
                .chain([&HIGH])
                .filter(whole)
                .map(|(_, high)| *high)
                .max();
            let last = widest.unwrap_or(port);
            words.push(match port < last {
                true => format!("{port}-{last}"),
                false => port.to_string(),
            });
            let Some(next) = last.checked_add(1) else {
                break;
            };
            from = next;
        }
        words.join(", ")
    }
}

/// The port that a server's active data connections come from: who connects from there is often let in.
const DATA: u16 = 20;

/// So many ranges that rules look at are connected from, at most, of each end of a packet.
const RANGES_FROM: usize = 4;

/// The ports that are connected from.
pub(super) struct Sources {
    /// One that no rule tells from the others, so that nothing depends on which the kernel picks. Where rules leave none, the
    /// kernel does.
    pub(super) usual: Option<u16>,
    /// The one that data comes from, and one of each range of rules, with the range that it is of. A rule looks at it where the
    /// connection is opened, or where its answers go.
    pub(super) certain: BTreeMap<u16, (u16, u16)>,
}

impl Sources {
    pub(super) fn of(ports: &Ports, of_rules: &BTreeSet<(PortEnd, (u16, u16))>) -> Sources {
        let mut usual = (33_333..=60_999).chain(10_000..33_333);
        let is_apart = |port: &u16| {
            let mut ranges = ports.ranges.iter().chain(&ports.beyond);
            !ports.tried.contains(port) && ranges.all(|(low, high)| port < low || port > high)
        };
        // Rather one that is not connected to.
        let one_of = |(low, high): (u16, u16)| {
            let mut within = (low..=high).filter(|port| !ports.tried.contains(port));
            within.next().unwrap_or(low)
        };
        let at = |end: PortEnd| {
            let here = of_rules.iter().filter(move |(at, _)| *at == end);
            let ranges = here.map(|(_, ports)| *ports);
            ranges
                .filter(|ports| ports.0 > 0 && *ports != (DATA, DATA))
                .take(RANGES_FROM)
        };
        // What is opened lets answers in to who connects from there.
        let opened = ports.opened.iter().copied();
        let ranges = opened
            .chain(at(PortEnd::Destination))
            .chain(at(PortEnd::Source));
        let certain = ranges.map(|ports| (one_of(ports), ports));
        Sources {
            usual: usual.find(is_apart),
            certain: certain.chain([(DATA, (DATA, DATA))]).collect(),
        }
    }

    /// Both ends try the same. A connection between two ports that are each connected from is the same whichever end opens it:
    /// of both ways, one is tried first, and the other in a lab of its own.
    pub(super) fn is_first(&self, from: Option<u16>, to: u16) -> bool {
        from == self.usual || !self.certain.contains_key(&to) || from < Some(to)
    }

    /// A port that was connected from, in words, with the range that it stands for.
    pub(super) fn named(&self, port: u16) -> String {
        match self.certain.get(&port) {
            Some((low, high)) if low < high => format!("the ports {low}-{high}"),
            _ => format!("port {port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(ports: impl IntoIterator<Item = (u16, u16)>) -> BTreeSet<(PortEnd, (u16, u16))> {
        let ports = ports.into_iter();
        ports.map(|ports| (PortEnd::Destination, ports)).collect()
    }

    #[test]
    fn a_range_is_said_where_all_that_was_tried_of_it_is_open() {
        let ports = Ports::of(&[], &to([(21, 21), (8443, 8443), (40_000, 40_100)]));
        for port in [20, 8443, 39_999, 40_000, 40_100, 40_101, 65_535] {
            assert!(ports.tried.contains(&port), "{port}");
        }
        assert!(!ports.tried.contains(&8442) && !ports.tried.contains(&0));
        let listed = |opened: &[u16]| ports.listed(&opened.iter().copied().collect());
        assert_eq!(
            listed(&[80, 40_000, 40_100, 65_535]),
            "80, 40000-40100, 65535"
        );
        assert_eq!(listed(&[40_000]), "40000");
        let inner = Ports::of(&[], &to([(1024, 65_535), (40_000, 40_100)]));
        let within: BTreeSet<u16> = inner.tried.range(1024..).copied().collect();
        assert_eq!(inner.listed(&within), "1024-65535");
        let closed: BTreeSet<u16> = within
            .into_iter()
            .filter(|port| !(40_000..=40_100).contains(port))
            .collect();
        assert!(
            !inner.listed(&closed).contains('-'),
            "{}",
            inner.listed(&closed)
        );
    }

    #[test]
    fn who_connects_does_so_from_each_port_that_rules_name() {
        let mut of_rules = to([(20, 20), (21, 21), (2000, 2999)]);
        of_rules.extend([
            (PortEnd::Source, (53, 53)),
            (PortEnd::Source, (40_000, 40_100)),
        ]);
        let ports = Ports::of(&[], &of_rules);
        let from = Sources::of(&ports, &of_rules);
        let certain: Vec<u16> = from.certain.keys().copied().collect();
        assert_eq!(certain, [20, 21, 53, 2001, 40_001]);
        assert_eq!(from.named(53), "port 53");
        assert_eq!(from.named(40_001), "the ports 40000-40100");
        assert!(from.is_first(Some(20), 21) && !from.is_first(Some(21), 20));
        assert!(from.is_first(Some(53), 22) && from.is_first(from.usual, 20));
    }
}
