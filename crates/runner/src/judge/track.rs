use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fwlab_model::{Flow, NodeName, Packet, TcpFlags};

use super::stop::Stop;

/// A retransmission follows its first sending by no less than this. The kernel's
/// smallest timer is 200 ms (`TCP_RTO_MIN`); what comes sooner may be another
/// packet that looks the same, as two equal acknowledgements do.
const RETRANSMISSION_GAP: Duration = Duration::from_millis(150);

/// What was seen of one TCP connection, on every wire that it crosses.
#[derive(Debug, Clone, Default)]
pub struct Track {
    /// The packets of it, or about it, that rules stopped.
    pub stops: Vec<Stop>,
    /// Where its SYN was seen.
    pub syn: Path,
    /// Where its SYN-ACK was seen.
    pub syn_ack: Path,
    /// Resets and ICMP errors that came in somewhere and tell the side that opened of a failure.
    refusals: Vec<Refusal>,
    /// The first SYN or SYN-ACK that left to where nobody is.
    swallowed: Option<Swallowed>,
}

/// The way of one packet of a handshake: each node and direction once, in the order in
/// which they were heard of.
#[derive(Debug, Clone, Default)]
pub struct Path {
    places: Vec<Place>,
    latest: Option<Packet>,
}

#[derive(Debug, Clone)]
struct Place {
    node: NodeName,
    inbound: bool,
    times: usize,
}

impl Path {
    pub(super) fn seen(&mut self, node: &NodeName, inbound: bool, packet: &Packet) {
        self.latest = Some(*packet);
        let place = self
            .places
            .iter_mut()
            .find(|place| place.node == *node && place.inbound == inbound);
        match place {
            Some(place) => place.times += 1,
            None => self.places.push(Place {
                node: node.clone(),
                inbound,
                times: 1,
            }),
        }
    }

    fn times(&self, node: &NodeName, inbound: bool) -> usize {
        let mut places = self.places.iter();
        places
            .find(|place| place.node == *node && place.inbound == inbound)
            .map_or(0, |place| place.times)
    }

    /// The node that it went out of without having come in there.
    pub fn origin(&self) -> Option<&NodeName> {
        let mut out = self.places.iter().filter(|place| !place.inbound);
        out.find(|place| self.times(&place.node, true) == 0)
            .map(|place| &place.node)
    }

    /// The node that it was seen at, where there is no other.
    pub fn only_node(&self) -> Option<&NodeName> {
        let first = &self.places.first()?.node;
        let mut nodes = self.places.iter().map(|place| &place.node);
        nodes.all(|node| node == first).then_some(first)
    }

    /// Whether it came in at a node.
    pub fn reached(&self, node: &NodeName) -> bool {
        self.times(node, true) > 0
    }

    /// Whether it came in at a node and did not go on from there.
    pub fn ends_at(&self, node: &NodeName) -> bool {
        self.reached(node) && self.times(node, false) == 0
    }

    /// The last node on its way, and the packet.
    pub fn end(&self) -> Option<(&NodeName, Packet)> {
        Some((&self.places.last()?.node, self.latest?))
    }

    fn absorb(&mut self, other: Path) {
        for place in other.places {
            let Place {
                node,
                inbound,
                times,
            } = place;
            let known = self
                .places
                .iter_mut()
                .find(|place| place.node == node && place.inbound == inbound);
            match known {
                Some(known) => known.times += times,
                None => self.places.push(Place {
                    node,
                    inbound,
                    times,
                }),
            }
        }
        self.latest = self.latest.or(other.latest);
    }
}

#[derive(Debug, Clone)]
struct Refusal {
    at: Instant,
    heard_at: NodeName,
    answerer: NodeName,
    packet: Packet,
}

#[derive(Debug, Clone)]
struct Swallowed {
    at: Instant,
    node: NodeName,
    packet: Packet,
}

/// How a connection ended without having carried what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// Rules drop its packets, and nobody is told.
    Dropped(Stop),
    /// Rules reject its packets, and the sender is told.
    Rejected(Stop),
    /// A host answered no, and no rule had a part in it.
    Refused {
        /// When.
        at: Instant,
        /// The node that answered.
        node: NodeName,
        /// The answer.
        packet: Packet,
    },
    /// Its SYN or SYN-ACK left to where nobody is, and no rule had a part in it.
    Swallowed {
        /// When.
        at: Instant,
        /// The node that it left from.
        node: NodeName,
        /// The packet.
        packet: Packet,
    },
}

impl Death {
    /// When it was known.
    pub fn at(&self) -> Instant {
        match self {
            Death::Dropped(stop) | Death::Rejected(stop) => stop.at,
            Death::Refused { at, .. } | Death::Swallowed { at, .. } => *at,
        }
    }

    /// Whether nobody is told of it, so that it would be waited for in vain.
    pub fn is_silent(&self) -> bool {
        matches!(self, Death::Dropped(_) | Death::Swallowed { .. })
    }

    /// Whether it happened while the connection was being opened.
    pub fn in_handshake(&self) -> bool {
        match self {
            Death::Dropped(stop) | Death::Rejected(stop) => opens(&stop.packet),
            Death::Refused { .. } | Death::Swallowed { .. } => true,
        }
    }
}

fn opens(packet: &Packet) -> bool {
    matches!(packet, Packet::Tcp { flags, .. } if flags.0 & TcpFlags::SYN != 0)
}

/// A packet as its retransmission repeats it.
type Segment = (Flow, u32, u32, u8);

fn segment(packet: &Packet) -> Option<Segment> {
    match packet {
        Packet::Tcp {
            flow,
            flags,
            sequence,
            payload,
        } => Some((*flow, *sequence, *payload, flags.0)),
        _ => None,
    }
}

impl Track {
    /// A reset or ICMP error came in at a node, on its way to the side that opened.
    pub(super) fn refused(
        &mut self,
        at: Instant,
        heard_at: &NodeName,
        answerer: &NodeName,
        packet: &Packet,
    ) {
        self.refusals.push(Refusal {
            at,
            heard_at: heard_at.clone(),
            answerer: answerer.clone(),
            packet: *packet,
        });
    }

    /// A SYN or SYN-ACK left to where nobody is.
    pub(super) fn swallowed(&mut self, at: Instant, node: &NodeName, packet: &Packet) {
        self.swallowed.get_or_insert_with(|| Swallowed {
            at,
            node: node.clone(),
            packet: *packet,
        });
    }

    pub(super) fn absorb(&mut self, other: Track) {
        self.stops.extend(other.stops);
        self.stops.sort_by_key(|stop| stop.at);
        self.syn.absorb(other.syn);
        self.syn_ack.absorb(other.syn_ack);
        self.refusals.extend(other.refusals);
        self.refusals.sort_by_key(|refusal| refusal.at);
        self.swallowed = self.swallowed.take().or(other.swallowed);
    }

    /// What ended the connection that a node opened, as far as is known by now.
    ///
    /// A SYN or SYN-ACK counts at once: in a pure ruleset the same packet meets the
    /// same fate again. A later packet counts when it was stopped a second time.
    pub fn death(&self, opener: Option<&NodeName>) -> Option<Death> {
        if !self.is_answered(opener) {
            // Only the latest fate counts: an impure ruleset may stop the first SYN and
            // let the second pass.
            if let Some(stop) = self.stops.iter().rfind(|stop| opens(&stop.packet)) {
                return Some(self.rejected_or_dropped(stop));
            }
            let mut refusals = self.refusals.iter();
            if let Some(refusal) = refusals.find(|refusal| Some(&refusal.heard_at) == opener) {
                return Some(Death::Refused {
                    at: refusal.at,
                    node: refusal.answerer.clone(),
                    packet: refusal.packet,
                });
            }
            let Swallowed { at, node, packet } = self.swallowed.clone()?;
            return Some(Death::Swallowed { at, node, packet });
        }
        let mut first: BTreeMap<Segment, Instant> = BTreeMap::new();
        for stop in self
            .stops
            .iter()
            .filter(|stop| !opens(&stop.packet) && !is_answer(&stop.packet))
        {
            let Some(segment) = segment(&stop.packet) else {
                continue;
            };
            let since = *first.entry(segment).or_insert(stop.at);
            if stop.rejects || stop.at.duration_since(since) >= RETRANSMISSION_GAP {
                return Some(self.rejected_or_dropped(stop));
            }
        }
        None
    }

    /// Whether a SYN-ACK reached the socket that opened: one came in there that its
    /// node's rules did not stop.
    pub fn is_answered(&self, opener: Option<&NodeName>) -> bool {
        let Some(opener) = opener else { return false };
        let stopped = self.stops.iter().filter(|stop| {
            stop.node == *opener
                && matches!(stop.packet, Packet::Tcp { flags, .. } if flags.is_syn_ack())
        });
        self.syn_ack.times(opener, true) > stopped.count()
    }

    /// A rejected packet is a dropped one when the answer is stopped on its way back.
    fn rejected_or_dropped(&self, stop: &Stop) -> Death {
        let answer_stopped = || self.stops.iter().any(|other| is_answer(&other.packet));
        if stop.rejects && !answer_stopped() {
            Death::Rejected(stop.clone())
        } else {
            Death::Dropped(stop.clone())
        }
    }
}

/// Whether a packet tells a sender that its own was not wanted.
pub(super) fn is_answer(packet: &Packet) -> bool {
    match packet {
        Packet::Tcp { flags, .. } => flags.is_rst(),
        Packet::Icmp { about, .. } => about.is_some(),
        Packet::Other { .. } => false,
    }
}
