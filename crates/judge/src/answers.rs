use std::collections::BTreeSet;
use std::time::Duration;

use fwlab_record::{NodeName, Packet};

/// The resets and ICMP errors of one connection: where each was seen, and who heard it.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    /// Each with whether it is on its way to the side that opened.
    seen: Vec<(Sighting, bool)>,
    stopped: Vec<(u64, NodeName, bool)>,
}

/// A packet on the wire of a node.
#[derive(Debug, Clone)]
pub(super) struct Sighting {
    /// Its place in the order of events.
    pub(super) place: u64,
    pub(super) at: Duration,
    pub(super) node: NodeName,
    pub(super) inbound: bool,
    pub(super) packet: Packet,
}

/// An answer that came in where one of the two sides of the connection is, and that no rule stopped there.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// Its place in the order of events.
    pub(super) place: u64,
    pub(super) at: Duration,
    /// Whether the side that opened the connection heard it.
    pub(super) by_opener: bool,
    /// Where it was heard.
    pub(super) node: NodeName,
    /// The node that sent it.
    pub(super) origin: Option<NodeName>,
    pub(super) packet: Packet,
}

impl Answers {
    /// One was seen on the wire of a node.
    pub(super) fn seen(&mut self, sighting: Sighting, to_opener: bool) {
        self.seen.push((sighting, to_opener));
        self.seen.sort_by_key(|(sighting, _)| sighting.place);
    }

    /// One was stopped by the rules of a node.
    pub(super) fn stopped(&mut self, place: u64, node: &NodeName, to_opener: bool) {
        self.stopped.push((place, node.clone(), to_opener));
    }

    /// Whether one on its way to a side was stopped, later than this place in the order of events.
    pub(super) fn was_stopped_since(&self, place: u64, to_opener: bool) -> bool {
        self.stopped
            .iter()
            .any(|(at, _, to)| *at > place && *to == to_opener)
    }

    /// Those that came in at a node on their way to a side, as many of them as its rules did not stop. Which of
    /// several equal ones was stopped makes no difference: the later ones count.
    pub(super) fn heard(&self, node: &NodeName, by_opener: bool) -> impl Iterator<Item = Heard> {
        let stopped = self
            .stopped
            .iter()
            .filter(|(_, at, to)| at == node && *to == by_opener)
            .count();
        self.seen
            .iter()
            .filter(move |(seen, to_opener)| {
                seen.inbound && seen.node == *node && *to_opener == by_opener
            })
            .skip(stopped)
            .map(move |(seen, _)| Heard {
                place: seen.place,
                at: seen.at,
                by_opener,
                node: seen.node.clone(),
                origin: self.origin(&seen.packet),
                packet: seen.packet,
            })
    }

    /// The first that says that its sender found no neighbour to hand a packet on to.
    pub(super) fn no_neighbour(&self) -> Option<&Packet> {
        let mut packets = self.seen.iter().map(|(seen, _)| &seen.packet);
        packets.find(|packet| tells_of_no_neighbour(packet))
    }

    /// Those that a node sent by itself.
    pub(super) fn sent_by(&self, node: &NodeName) -> impl Iterator<Item = (u64, Duration, Packet)> {
        self.seen
            .iter()
            .map(|(seen, _)| seen)
            .filter(move |seen| !seen.inbound && self.origin(&seen.packet).as_ref() == Some(node))
            .map(|seen| (seen.place, seen.at, seen.packet))
    }

    /// The node that a packet went out of before it came in there, if it ever did: what passes through comes in first, and
    /// what a node sends to itself goes out first. Nothing as long as that was not seen: a packet may be told of by the
    /// nodes behind before it is by the one that sent it.
    pub(super) fn origin(&self, packet: &Packet) -> Option<NodeName> {
        let mut seen_at: BTreeSet<&NodeName> = BTreeSet::new();
        let same =
            (self.seen.iter().map(|(seen, _)| seen)).filter(|seen| is_same(&seen.packet, packet));
        for seen in same {
            if seen_at.insert(&seen.node) && !seen.inbound {
                return Some(seen.node.clone());
            }
        }
        None
    }

    pub(super) fn absorb(&mut self, other: Answers) {
        self.seen.extend(other.seen);
        self.seen.sort_by_key(|(seen, _)| seen.place);
        self.stopped.extend(other.stopped);
        self.stopped.sort();
    }
}

/// Whether two packets seen at two places are one, whatever address translation made of it in between.
fn is_same(one: &Packet, other: &Packet) -> bool {
    let numbers = |packet: &Packet| match packet {
        Packet::Tcp {
            flags,
            sequence,
            acknowledgement,
            ..
        } => Some((*flags, *sequence, *acknowledgement)),
        _ => None,
    };
    match (one, other) {
        (Packet::Tcp { .. }, Packet::Tcp { .. }) => numbers(one) == numbers(other),
        (
            Packet::Icmp { kind, code, .. },
            Packet::Icmp {
                kind: other_kind,
                code: other_code,
                ..
            },
        ) => (kind, code) == (other_kind, other_code),
        _ => false,
    }
}

/// ICMP's *host unreachable* and ICMPv6's *address unreachable*: nobody told a hardware address (RFC 1812 section 4.3.3.1,
/// RFC 4443 section 3.1).
fn tells_of_no_neighbour(packet: &Packet) -> bool {
    matches!(packet, Packet::Icmp { from, kind, code, .. }
        if (*kind, *code) == if from.is_ipv4() { (3, 1) } else { (1, 3) })
}

#[cfg(test)]
mod tests {
    use fwlab_record::{Flow, TcpFlags};

    use super::*;

    const RESET: Packet = Packet::Tcp {
        flow: Flow {
            from: std::net::SocketAddr::new(
                std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
                20,
            ),
            to: std::net::SocketAddr::new(
                std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)),
                21,
            ),
        },
        flags: TcpFlags(TcpFlags::RST),
        sequence: 7,
        acknowledgement: 0,
        payload: 0,
    };

    /// Where a reset came from that was seen at these nodes in this order, inbound or not.
    fn origin(seen: &[(&str, bool)]) -> Option<String> {
        let mut answers = Answers::default();
        for (place, (node, inbound)) in (0..).zip(seen) {
            let sighting = Sighting {
                place,
                at: Duration::ZERO,
                node: NodeName::new(*node).expect("a name"),
                inbound: *inbound,
                packet: RESET,
            };
            answers.seen(sighting, true);
        }
        answers.origin(&RESET).map(String::from)
    }

    #[test]
    fn what_passes_through_a_node_is_not_its_own() {
        let late = [("server", true), ("gateway", true), ("gateway", false)];
        assert_eq!(origin(&late), None, "who sent it was not told yet");
        let told = [&late[..], &[("client", false)]].concat();
        assert_eq!(origin(&told).as_deref(), Some("client"));
        let own = [("gateway", false), ("server", true)];
        assert_eq!(origin(&own).as_deref(), Some("gateway"));
        let loopback = [("server", false), ("server", true)];
        assert_eq!(origin(&loopback).as_deref(), Some("server"));
    }
}
