use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fwlab_model::{Flow, NodeName, Packet, TcpFlags};

use super::stop::Stop;

/// A retransmission follows its first sending by no less than this. The kernel's
/// smallest timer is 200 ms (`TCP_RTO_MIN`); what comes sooner may be another
/// packet that looks the same, as two equal acknowledgements do.
const RETRANSMISSION_GAP: Duration = Duration::from_millis(150);

/// What was seen of one TCP connection.
#[derive(Debug, Clone, Default)]
pub struct Track {
    /// The node that opened it, where that is known.
    pub opener: Option<NodeName>,
    /// The packets of it, or about it, that rules stopped.
    pub stops: Vec<Stop>,
    /// Where its SYN was seen on a wire, in order, each node and direction (`true`: inbound) once.
    pub syn_seen: Vec<(NodeName, bool)>,
    /// The sequence number of its latest SYN.
    pub syn_sequence: u32,
    /// How many SYN-ACKs came in at the node that opened, before its rules saw them.
    pub syn_acks: usize,
    /// The first reset or ICMP error that came in at the node that opened.
    pub refused: Option<(Instant, NodeName, Packet)>,
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
}

impl Death {
    /// When it was known.
    pub fn at(&self) -> Instant {
        match self {
            Death::Dropped(stop) | Death::Rejected(stop) => stop.at,
            Death::Refused { at, .. } => *at,
        }
    }

    /// Whether it happened while the connection was being opened.
    pub fn in_handshake(&self) -> bool {
        match self {
            Death::Dropped(stop) | Death::Rejected(stop) => opens(&stop.packet),
            Death::Refused { .. } => true,
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
    /// What ended the connection, as far as is known by now.
    ///
    /// A SYN or SYN-ACK counts at once: in a pure ruleset the same packet meets the
    /// same fate again. A later packet counts when it was stopped a second time.
    pub fn death(&self) -> Option<Death> {
        if !self.is_answered() {
            // Only the latest fate counts: an impure ruleset may stop the first SYN and
            // let the second pass.
            if let Some(stop) = self.stops.iter().rfind(|stop| opens(&stop.packet)) {
                return Some(self.rejected_or_dropped(stop));
            }
            let (at, node, packet) = self.refused.clone()?;
            return Some(Death::Refused { at, node, packet });
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
    pub fn is_answered(&self) -> bool {
        let stopped = self.stops.iter().filter(|stop| {
            Some(&stop.node) == self.opener.as_ref()
                && matches!(stop.packet, Packet::Tcp { flags, .. } if flags.is_syn_ack())
        });
        self.syn_acks > stopped.count()
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
fn is_answer(packet: &Packet) -> bool {
    match packet {
        Packet::Tcp { flags, .. } => flags.is_rst(),
        Packet::Icmp { about, .. } => about.is_some(),
        Packet::Other { .. } => false,
    }
}
