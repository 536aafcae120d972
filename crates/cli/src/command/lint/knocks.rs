//! Which new connections are tried: to ports, and from ports, on both sides of every bound that a rule of TCP has.

use std::collections::BTreeSet;

use fwlab_model::ruleset::Only;
use fwlab_runner::Knock;

use crate::command::trial::PORTS;

/// The port that a server's active data connections come from.
const DATA: u16 = 20;

/// As many ports are connected to.
const TO: usize = 96;

/// As many ports are connected from, beside those that the kernel picks.
const FROM: usize = 6;

/// The ports that the kernel picks from.
const PICKED: (u16, u16) = (32_768, 60_999);

/// The connections that are tried.
pub(super) struct Knocks {
    to: BTreeSet<u16>,
    from: BTreeSet<u16>,
}

impl Knocks {
    /// Those that tell rules apart by their ports. A rule of replies looks at the ports that were connected to.
    pub(super) fn of(rules: &[Only], control_port: u16) -> Knocks {
        let begins = |ports: &[(u16, u16)]| -> Vec<u16> {
            let bounds = ports
                .iter()
                .flat_map(|(low, high)| [Some(*low), high.checked_add(1)]);
            bounds.flatten().filter(|port| *port > 0).collect()
        };
        let mut to: BTreeSet<u16> = PORTS.into();
        to.insert(control_port);
        let mut from = BTreeSet::from([DATA]);
        for only in rules {
            let [sources, destinations] = only.ports();
            for port in begins(destinations.unwrap_or_default()) {
                if to.len() < TO {
                    to.insert(port);
                }
            }
            for port in begins(sources.unwrap_or_default()) {
                if to.len() < TO {
                    to.insert(port);
                }
                // A port that the kernel may pick could be taken.
                if port < PICKED.0 && from.len() < FROM {
                    from.insert(port);
                }
            }
        }
        Knocks { to, from }
    }

    /// Each port from each. Both ends try these, and a connection between two ports that are connected from would be the same
    /// from either.
    pub(super) fn all(&self) -> Vec<Knock> {
        let from = || self.from.iter().copied().map(Some).chain([None]);
        let knocks = self
            .to
            .iter()
            .flat_map(|to| from().map(|from| Knock { from, to: *to }));
        knocks
            .filter(|knock| knock.from.is_none() || !self.from.contains(&knock.to))
            .collect()
    }

    /// How many ports are connected to.
    pub(super) fn ports(&self) -> usize {
        self.to.len()
    }

    /// Whether a packet of one of them can match a rule, as far as ports go: on its way, or on the way back.
    pub(super) fn may_meet(&self, only: &Only) -> bool {
        let [sources, destinations] = only.ports();
        let within = |ports: Option<&[(u16, u16)]>, port: Option<u16>| {
            ports.is_none_or(|ports| {
                let mut ports = ports.iter();
                ports.any(|(low, high)| match port {
                    Some(port) => (*low..=*high).contains(&port),
                    None => *low <= PICKED.0 && *high >= PICKED.1,
                })
            })
        };
        self.all().into_iter().any(|Knock { from, to }| {
            let to = Some(to);
            (within(sources, from) && within(destinations, to))
                || (within(sources, to) && within(destinations, from))
        })
    }
}
