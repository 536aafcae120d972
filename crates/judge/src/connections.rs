use std::collections::BTreeMap;
use std::net::SocketAddr;

use fwlab_record::{Flow, Packet};

use super::track::Track;

/// A connection that a [`SessionTracker`](super::SessionTracker) follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(usize);

/// The TCP connections of a cell, each known by every flow that it has on some wire.
///
/// Address translation gives one connection another flow on each side of a gateway. What stays is
/// the sequence number of its SYN: netfilter changes no sequence number before the first
/// payload. So two SYNs with one sequence number are one connection, whoever dropped,
/// rewrote or repeated them, and also where conntrack never confirmed it.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: Vec<Connection>,
    by_flow: BTreeMap<Flow, ConnectionId>,
    by_first_sequence: BTreeMap<u32, ConnectionId>,
}

/// What is known of one connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// Its flows, seen from the side that opened it; the first one heard of comes first.
    pub(super) flows: Vec<Flow>,
    /// What became of it.
    pub(super) track: Track,
}

impl Connections {
    pub(super) fn get(&self, id: ConnectionId) -> &Connection {
        &self.all[id.0]
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> &mut Connection {
        &mut self.all[id.0]
    }

    /// Every connection, in the order in which they were heard of.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        let all = self.all.iter().enumerate();
        all.filter(|(_, connection)| !connection.flows.is_empty())
            .map(|(index, connection)| (ConnectionId(index), connection))
    }

    /// Every connection.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.all.iter_mut()
    }

    /// The connection that a packet is of, or, for an ICMP error, about; and its flow there, seen from the
    /// side that opened. A SYN or SYN-ACK of a connection that nobody has heard of makes one.
    pub(super) fn place(&mut self, packet: &Packet) -> Option<(ConnectionId, Flow)> {
        match packet {
            Packet::Tcp {
                flow,
                flags,
                sequence,
                ..
            } if flags.is_syn() => Some((self.opened_by(*flow, *sequence), *flow)),
            Packet::Tcp {
                flow,
                flags,
                acknowledgement,
                ..
            } if flags.is_syn_ack() => {
                let flow = flow.reversed();
                Some((self.answered_by(flow, *acknowledgement), flow))
            }
            Packet::Tcp { flow, .. } => self.find_either_way(*flow),
            Packet::Icmp { about, .. } => self.find_either_way((*about)?),
            Packet::Other { .. } => None,
        }
    }

    fn find_either_way(&self, flow: Flow) -> Option<(ConnectionId, Flow)> {
        [flow, flow.reversed()]
            .into_iter()
            .find_map(|flow| Some((self.find(&flow)?, flow)))
    }

    /// The connection with this flow. Between the translation of its source and that of its
    /// destination, a packet has the one end from one wire and the other from another.
    pub(super) fn find(&self, flow: &Flow) -> Option<ConnectionId> {
        let mixed = |connection: &Connection| {
            let has = |end: fn(&Flow) -> SocketAddr| {
                let flows = connection.flows.iter();
                flows.map(end).any(|known| known == end(flow))
            };
            connection.flows.len() > 1 && has(|flow| flow.from) && has(|flow| flow.to)
        };
        let known = self.by_flow.get(flow).copied();
        known.or_else(|| {
            let mut found = self.iter().filter(|(_, connection)| mixed(connection));
            found.next().map(|(id, _)| id)
        })
    }

    fn opened_by(&mut self, flow: Flow, sequence: u32) -> ConnectionId {
        let by_flow = self.by_flow.get(&flow).copied();
        let by_sequence = self.by_first_sequence.get(&sequence).copied();
        let id = match (by_flow, by_sequence) {
            (Some(one), Some(other)) if one != other => self.join(one, other),
            (Some(id), _) => id,
            (None, Some(id)) => {
                self.by_flow.insert(flow, id);
                self.get_mut(id).flows.push(flow);
                id
            }
            (None, None) => self.add(flow),
        };
        self.by_first_sequence.insert(sequence, id);
        id
    }

    /// The connection that a SYN-ACK answers. Where a node itself gives a connection another destination, no SYN was seen
    /// on any wire with this flow: what is acknowledged tells which one it was.
    fn answered_by(&mut self, flow: Flow, acknowledgement: u32) -> ConnectionId {
        if let Some(id) = self.find(&flow) {
            return id;
        }
        let first = acknowledgement.wrapping_sub(1);
        match self.by_first_sequence.get(&first).copied() {
            Some(id) => {
                self.by_flow.insert(flow, id);
                self.get_mut(id).flows.push(flow);
                id
            }
            None => {
                let id = self.add(flow);
                self.by_first_sequence.insert(first, id);
                id
            }
        }
    }

    fn add(&mut self, flow: Flow) -> ConnectionId {
        let id = ConnectionId(self.all.len());
        self.all.push(Connection {
            flows: vec![flow],
            track: Track::default(),
        });
        self.by_flow.insert(flow, id);
        id
    }

    /// Two that turn out to be one: an answer was heard of before its SYN.
    fn join(&mut self, one: ConnectionId, other: ConnectionId) -> ConnectionId {
        let (kept, gone) = (one.min(other), one.max(other));
        let Connection { flows, track } = std::mem::take(self.get_mut(gone));
        let ids = self
            .by_flow
            .values_mut()
            .chain(self.by_first_sequence.values_mut());
        ids.filter(|id| **id == gone).for_each(|id| *id = kept);
        let connection = self.get_mut(kept);
        connection.flows.extend(flows);
        connection.track.absorb(track);
        kept
    }
}
