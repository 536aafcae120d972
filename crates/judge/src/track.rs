use fwlab_record::{EventId, Flow, NodeName, Packet, TcpFlags};
use std::collections::BTreeSet;
use std::time::Duration;

use super::answers::Answers;
use super::failure::{ConnectionFailure, Ender};
use super::path::Path;
use super::stop::Stop;

/// What was seen of one TCP connection, on every wire that it crosses.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    /// The packets of it that rules stopped, in the order in which they were heard of.
    pub(super) stops: Vec<Stopped>,
    /// Where its SYN was seen.
    pub(super) syn: Path,
    /// Where its SYN-ACK was seen.
    pub(super) syn_ack: Path,
    /// The places of SYN-ACKs in the order of events, wherever they were seen, sent or stopped.
    pub(super) syn_acks: Vec<u64>,
    /// The flows by which its SYN left the node that opened it.
    pub(super) left_as: BTreeSet<Flow>,
    /// The flow by which its SYN came in at the client, where it is the client that was connected to.
    pub(super) came_as: Option<Flow>,
    /// Resets and ICMP errors.
    pub(super) answers: Answers,
    /// The rules that gave it another destination.
    pub(super) translations: Vec<Stop>,
    /// How often its SYN was sent: by TCP, or by the lab in its place.
    pub(super) rounds: Rounds,
    /// The places in the order of events at which conntrack changed what it knows of it.
    pub(super) changes: Vec<u64>,
    /// The marks that conntrack had for it.
    pub(super) marks: BTreeSet<u32>,
    /// How far each side has acknowledged what the other sent: the opener's acknowledgements, and the acceptor's.
    pub(super) acknowledged: [Option<u32>; 2],
    /// Where each side's stream begins: the opener's, and the acceptor's.
    pub(super) begins: [Option<u32>; 2],
    /// The first packet by which a side closed the connection.
    pub(super) closed: Option<Closed>,
    /// The first SYN or SYN-ACK that left to where nobody is.
    swallowed: Option<Swallowed>,
}

/// The end of a connection as one side made it.
#[derive(Debug, Clone)]
pub(super) struct Closed {
    /// Its place in the order of events.
    pub(super) place: u64,
    pub(super) by_opener: bool,
    /// How many bytes that side had sent; nothing where that is not known.
    pub(super) carried: Option<u32>,
    pub(super) packet: Packet,
}

/// The sendings of a SYN. What becomes of one may be heard of before it is itself, as nodes are not heard in turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rounds {
    /// Which sending the latest is, 1 for the first.
    pub(super) now: u32,
    /// Sendings that are known of and have not been heard of: the first, and the lab's own.
    unheard: u32,
}

impl Default for Rounds {
    fn default() -> Rounds {
        Rounds { now: 1, unheard: 1 }
    }
}

impl Rounds {
    /// A SYN was heard of where it was sent.
    pub(super) fn heard(&mut self) {
        match self.unheard.checked_sub(1) {
            Some(rest) => self.unheard = rest,
            None => self.now += 1,
        }
    }

    /// The lab sends the SYN again.
    pub(super) fn sent_again(&mut self) {
        self.now += 1;
        self.unheard += 1;
    }
}

/// A stop, and where it stands among what else was seen.
#[derive(Debug, Clone)]
pub(super) struct Stopped {
    pub(super) stop: Stop,
    /// Its place in the order of events.
    pub(super) place: u64,
    /// Which sending of the SYN it was heard of after.
    pub(super) round: u32,
    /// Whether the side that opened the connection sent the packet.
    pub(super) from_opener: bool,
}

#[derive(Debug, Clone)]
struct Swallowed {
    place: u64,
    at: Duration,
    node: NodeName,
    packet: Packet,
}

/// The two ends of a connection, as far as is known, and who of them waits to be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends<'a> {
    /// The node that opened it.
    pub(super) opener: Option<&'a NodeName>,
    /// The node that it was opened to.
    pub(super) acceptor: &'a NodeName,
    /// Whether the client opened it.
    pub(super) by_client: bool,
    /// Whether it is the control connection.
    pub(super) control: bool,
    /// Whether the side that opened it is the one whose end of the stream the other waits for. Nothing where neither
    /// does.
    pub(super) opener_sends: Option<bool>,
    /// When the dialogue's latest line was seen.
    pub(super) latest_line: Option<Duration>,
}

impl Track {
    /// A rule, a policy or a helper stopped a packet of it.
    pub(super) fn stopped(&mut self, stop: Stop, from_opener: bool) {
        let place = stop.event.0;
        if is_answer(&stop.packet) {
            self.answers.stopped(place, &stop.node, !from_opener);
        }
        if is_syn_ack(&stop.packet) {
            self.syn_acks.push(place);
        }
        self.stops.push(Stopped {
            stop,
            place,
            round: self.rounds.now,
            from_opener,
        });
        self.stops.sort_by_key(|stopped| stopped.place);
    }

    /// A side's packet was seen at the client: its first, perhaps, or one by which it closes the connection.
    pub(super) fn closes(&mut self, place: u64, by_opener: bool, packet: &Packet) {
        let Packet::Tcp {
            flags,
            sequence,
            payload,
            ..
        } = packet
        else {
            return;
        };
        let begins = &mut self.begins[usize::from(!by_opener)];
        if flags.0 & TcpFlags::SYN != 0 {
            begins.get_or_insert(sequence.wrapping_add(1));
        } else if flags.0 & (TcpFlags::FIN | TcpFlags::RST) != 0 && self.closed.is_none() {
            let end = sequence.wrapping_add(*payload);
            self.closed = Some(Closed {
                place,
                by_opener,
                carried: begins.map(|begins| end.wrapping_sub(begins)),
                packet: *packet,
            });
        }
    }

    /// A SYN or SYN-ACK left to where nobody is.
    pub(super) fn swallowed(&mut self, place: u64, at: Duration, node: &NodeName, packet: &Packet) {
        self.swallowed.get_or_insert_with(|| Swallowed {
            place,
            at,
            node: node.clone(),
            packet: *packet,
        });
    }

    pub(super) fn absorb(&mut self, other: Track) {
        self.stops.extend(other.stops);
        self.stops.sort_by_key(|stopped| stopped.place);
        self.syn.absorb(other.syn);
        self.syn_ack.absorb(other.syn_ack);
        self.syn_acks.extend(other.syn_acks);
        self.left_as.extend(other.left_as);
        self.came_as = self.came_as.or(other.came_as);
        self.translations.extend(other.translations);
        self.answers.absorb(other.answers);
        self.rounds.now = self.rounds.now.max(other.rounds.now);
        self.rounds.unheard = self.rounds.unheard.min(other.rounds.unheard);
        self.changes.extend(other.changes);
        self.marks.extend(other.marks);
        for (known, more) in self.acknowledged.iter_mut().zip(other.acknowledged) {
            *known = known.or(more);
        }
        for (known, more) in self.begins.iter_mut().zip(other.begins) {
            *known = known.or(more);
        }
        self.closed = self.closed.take().or(other.closed);
        self.swallowed = self.swallowed.take().or(other.swallowed);
    }

    /// What ended the connection, as far as is known by now: the first that kept it from going on and was not
    /// overcome since.
    pub(super) fn failure(&self, ends: Ends<'_>) -> Option<ConnectionFailure> {
        if self.is_answered(ends.opener) {
            return self.opened_failure(ends);
        }
        self.opening_failure(ends).or_else(|| {
            let Swallowed {
                place,
                at,
                node,
                packet,
            } = self.swallowed.clone()?;
            Some(ConnectionFailure {
                event: EventId(place),
                at,
                by: Ender::Nobody { node, packet },
                heard: false,
                opening: true,
                settled: true,
            })
        })
    }

    /// Whether a SYN-ACK reached the socket that opened: one came in there, for the
    /// flow by which the SYN had left, that the node's rules did not stop.
    pub(super) fn is_answered(&self, opener: Option<&NodeName>) -> bool {
        let Some(opener) = opener else { return false };
        let stopped = self
            .stops
            .iter()
            .filter(|stopped| stopped.stop.node == *opener && is_syn_ack(&stopped.stop.packet));
        self.syn_ack.times(opener, true) > stopped.count()
    }
}

/// Whether a packet opens a connection: SYN or SYN-ACK.
pub(super) fn opens(packet: &Packet) -> bool {
    matches!(packet, Packet::Tcp { flags, .. } if flags.0 & TcpFlags::SYN != 0)
}

pub(super) fn is_syn_ack(packet: &Packet) -> bool {
    matches!(packet, Packet::Tcp { flags, .. } if flags.is_syn_ack())
}

/// ICMP's *fragmentation needed* and ICMPv6's *packet too big* tell a sender of the path, and end nothing.
pub(super) fn tells_of_the_path(packet: &Packet) -> bool {
    matches!(
        packet,
        Packet::Icmp { from, kind: 3, code: 4, .. } if from.is_ipv4()
    ) || matches!(packet, Packet::Icmp { from, kind: 2, .. } if from.is_ipv6())
}

/// Whether a packet tells a sender that its own was not wanted.
pub(super) fn is_answer(packet: &Packet) -> bool {
    match packet {
        Packet::Tcp { flags, .. } => flags.is_rst(),
        Packet::Icmp { about, .. } => about.is_some() && !tells_of_the_path(packet),
        Packet::Other { .. } => false,
    }
}
