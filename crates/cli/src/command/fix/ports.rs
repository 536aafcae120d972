//! The ports that new connections are tried to, and how those that were opened are said.

use std::collections::BTreeSet;

use fwlab_fix::{Accepts, Remedy};

use crate::command::trial::PORTS;

/// So many ranges of the rules are tried at their ends, at most: a host of containers may have thousands.
const RANGES: usize = 32;

/// Ports to try, and the ranges that rules look at, from which nothing within them is told apart unless by another range.
pub(super) struct Ports {
    pub(super) tried: BTreeSet<u16>,
    ranges: Vec<(u16, u16)>,
    /// Those that the rules look at, too, and that were too many to try.
    beyond: Vec<(u16, u16)>,
}

impl Ports {
    /// The usual ones, and those at the ends of a range that is opened, or that the rules look at: what lets through answers,
    /// as to what is ESTABLISHED, opens whatever they accept.
    pub(super) fn of(remedies: &[Remedy], of_rules: &BTreeSet<(u16, u16)>) -> Ports {
        let opened = remedies.iter().filter_map(|remedy| match remedy {
            Remedy::Accept {
                what: Accepts::Ports { low, high },
                ..
            }
            | Remedy::Forward { low, high, .. } => Some((*low, *high)),
            _ => None,
        });
        let mut ranges: Vec<(u16, u16)> = opened.collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_said_where_all_that_was_tried_of_it_is_open() {
        let ports = Ports::of(
            &[],
            &BTreeSet::from([(21, 21), (8443, 8443), (40_000, 40_100)]),
        );
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
        let inner = Ports::of(&[], &BTreeSet::from([(1024, 65_535), (40_000, 40_100)]));
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
}
