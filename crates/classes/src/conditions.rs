//! The conditions of rules, by what they divide where the firewall stands.

use std::collections::BTreeSet;

use fwlab_model::ruleset::{Addresses, Condition, Hook, Told};

use crate::{Position, Question};

/// Conditions on addresses.
pub(crate) type OfAddresses = Vec<Addresses>;

/// The conditions that a transfer's packets can meet.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) interfaces: Vec<BTreeSet<String>>,
    /// On the addresses of the other end; on a router, of both.
    pub(crate) peers: OfAddresses,
    /// On the addresses of the host itself; on a forwarder, on those that clients connect to.
    pub(crate) own: OfAddresses,
    pub(crate) unread: BTreeSet<String>,
}

impl Conditions {
    pub(crate) fn of(told: &[Told], question: &Question) -> Conditions {
        let translates = told.iter().any(|told| told.translates);
        let may_occur = |port: u16| {
            let passive = question.passive_ports;
            port >= 1024
                || [question.control_port, 20].contains(&port)
                || passive
                    .is_some_and(|(low, high)| (low.min(high)..=low.max(high)).contains(&port))
        };
        let mut found = Conditions::default();
        let mut last: Option<(&Told, Vec<Placed>)> = None;
        for told in told {
            let relevant = (translates || told.only.may_be_of_ftp(may_occur))
                && told
                    .hooks
                    .iter()
                    .any(|hook| question.position.passes(*hook));
            if !relevant {
                continue;
            }
            // Of two that say the same otherwise, only what differs is new, and it is as if both were one.
            let joined = last.take().and_then(|(before, placed)| {
                let at = differing(before, told)?;
                found.join(&placed[at], &told.conditions[at]);
                Some(placed)
            });
            let placed = joined.unwrap_or_else(|| {
                let conditions = told.conditions.iter();
                conditions
                    .map(|condition| found.take(told, condition, question.position))
                    .collect()
            });
            last = Some((told, placed));
        }
        found
    }

    fn take(&mut self, told: &Told, condition: &Condition, position: Position) -> Placed {
        let mut placed = Placed::default();
        let at = |hooks: &[Hook]| hooks.iter().any(|hook| told.hooks.contains(hook));
        let arriving = at(&[Hook::Prerouting, Hook::Input]);
        let leaving = at(&[Hook::Output, Hook::Postrouting]);
        match condition {
            Condition::Unread(what) => {
                self.unread.insert(format!("{what} in {}", told.rule));
            }
            Condition::In(names) | Condition::Out(names) => {
                placed.interfaces = Some(self.interfaces.len());
                self.interfaces.push(names.clone());
            }
            Condition::Source(addresses) | Condition::Destination(addresses) => {
                let is_source = matches!(condition, Condition::Source(_));
                let (peers, own) = match position {
                    Position::Client | Position::Server if is_source => (arriving, leaving),
                    Position::Client | Position::Server => (leaving, arriving),
                    Position::Router => (true, false),
                    Position::Forwarder | Position::Hairpin if is_source => (true, false),
                    // What clients connect to is told apart before it is translated.
                    Position::Forwarder | Position::Hairpin => (
                        at(&[Hook::Forward, Hook::Postrouting]),
                        at(&[Hook::Prerouting]),
                    ),
                };
                if peers {
                    placed.peers = Some(self.peers.len());
                    self.peers.push(addresses.clone());
                }
                if own {
                    placed.own = Some(self.own.len());
                    self.own.push(addresses.clone());
                }
            }
        }
        placed
    }

    /// Takes in a condition where another stands that is as one with it.
    fn join(&mut self, placed: &Placed, condition: &Condition) {
        match condition {
            Condition::Unread(_) => {}
            Condition::In(names) | Condition::Out(names) => {
                let place = placed.interfaces.into_iter();
                place.for_each(|at| self.interfaces[at].extend(names.iter().cloned()));
            }
            Condition::Source(addresses) | Condition::Destination(addresses) => {
                let (peers, own) = (placed.peers.into_iter(), placed.own.into_iter());
                peers.for_each(|at| self.peers[at].extend(addresses));
                own.for_each(|at| self.own[at].extend(addresses));
            }
        }
    }
}

/// Where a condition stands in each list.
#[derive(Debug, Clone, Default)]
struct Placed {
    interfaces: Option<usize>,
    peers: Option<usize>,
    own: Option<usize>,
}

/// The place of the only condition in which a rule differs from the one right before it.
fn differing(before: &Told, told: &Told) -> Option<usize> {
    let follows = before.rule.chain == told.rule.chain
        && before.rule.ordinal.0 + 1 == told.rule.ordinal.0
        && before.rest == told.rest
        && told.decides
        && !told.negated
        && before.conditions.len() == told.conditions.len();
    if !follows {
        return None;
    }
    let pairs = before.conditions.iter().zip(&told.conditions).enumerate();
    let mut others = pairs.filter(|(_, (one, other))| one != other);
    let (place, (one, other)) = others.next()?;
    let alike = std::mem::discriminant(one) == std::mem::discriminant(other)
        && !matches!(one, Condition::Unread(_));
    (alike && others.next().is_none()).then_some(place)
}
