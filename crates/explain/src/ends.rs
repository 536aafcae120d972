//! How a connection's first packet left whoever opened it, and how it came to whom it was for: address translation shows
//! in the difference.

use std::net::IpAddr;

use fwlab_record::{EventId, Evidence, Fact, Flow, NodeName, Packet, Role, Seen, Way};

/// A first packet at one end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End<'a> {
    pub(crate) node: &'a NodeName,
    pub(crate) flow: &'a Flow,
    pub(crate) event: EventId,
}

/// Both ends of the last connection of a role.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends<'a> {
    /// As it left the host that opened it.
    pub(crate) sent: Option<End<'a>>,
    /// As it came to a host that sent it no further.
    pub(crate) came: Option<End<'a>>,
}

impl<'a> Ends<'a> {
    pub(crate) fn of(evidence: &'a Evidence, role: Role) -> Ends<'a> {
        let first = |fact: &'a Fact| match &fact.what {
            Seen::Packet {
                way,
                packet: Packet::Tcp { flow, flags, .. },
            } if fact.connection == Some(role) && flags.is_syn() => Some((
                *way,
                End {
                    node: &fact.node,
                    flow,
                    event: fact.event,
                },
            )),
            _ => None,
        };
        let seen: Vec<(Way, End<'_>)> = evidence.facts.iter().filter_map(first).collect();
        let end = |way: Way| {
            let passes_on = |node: &NodeName| {
                let mut others = seen.iter();
                others.any(|(other, end)| *other != way && end.node == node)
            };
            let mut ends = seen.iter().rev();
            let found = ends.find(|(other, end)| *other == way && !passes_on(end.node));
            found.map(|(_, end)| *end)
        };
        Ends {
            sent: end(Way::Out),
            came: end(Way::In),
        }
    }

    /// The address that the opener knows the other end by.
    pub(crate) fn known_as(&self) -> Option<IpAddr> {
        self.sent.map(|sent| sent.flow.to.ip())
    }

    /// The address that the other end knows the opener by.
    pub(crate) fn opener(&self) -> Option<IpAddr> {
        self.came.map(|came| came.flow.from.ip())
    }

    /// Whether address translation led it to another address or port.
    pub(crate) fn is_led_on(&self) -> bool {
        match (self.sent, self.came) {
            (Some(sent), Some(came)) => sent.flow.to != came.flow.to,
            _ => false,
        }
    }
}
