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

    /// Those that a node sent by itself.
    pub(super) fn sent_by(&self, node: &NodeName) -> impl Iterator<Item = (u64, Duration, Packet)> {
        self.seen
            .iter()
            .map(|(seen, _)| seen)
            .filter(move |seen| !seen.inbound && self.origin(&seen.packet).as_ref() == Some(node))
            .map(|seen| (seen.place, seen.at, seen.packet))
    }

    /// The node that a packet went out of without having come in there.
    pub(super) fn origin(&self, packet: &Packet) -> Option<NodeName> {
        let all = self.seen.iter().map(|(seen, _)| seen);
        let same = all.filter(|seen| is_same(&seen.packet, packet));
        let came_in: BTreeSet<&NodeName> = same
            .clone()
            .filter(|seen| seen.inbound)
            .map(|seen| &seen.node)
            .collect();
        let mut went_out = same.filter(|seen| !seen.inbound);
        let first = went_out.clone().map(|seen| &seen.node).next();
        let origin = went_out.find(|seen| !came_in.contains(&seen.node));
        // On a loopback interface it comes in where it went out.
        origin.map(|seen| &seen.node).or(first).cloned()
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
