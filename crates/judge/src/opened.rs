//! A connection that was opened: what stops its packets for good, and who resets it.

use std::collections::BTreeMap;
use std::time::Duration;

use fwlab_record::{EventId, NodeName, Packet, TcpFlags};

use super::answers::Heard;
use super::failure::{ConnectionFailure, Ender};
use super::track::{Ends, Stopped, Track, is_answer, opens};

/// A retransmission follows its first sending by no less than this. The kernel's
/// smallest timer is 200 ms (`TCP_RTO_MIN`); what comes sooner may be another
/// packet that looks the same.
const RETRANSMISSION_GAP: Duration = Duration::from_millis(150);

/// TCP sends a packet for the fourth time by then (`TCP_RTO_MIN`, doubled each time).
const SILENCE: Duration = Duration::from_millis(2_500);

impl Track {
    pub(super) fn opened_failure(&self, ends: Ends<'_>) -> Option<ConnectionFailure> {
        let rejected = self.opened_stops().filter(|stopped| stopped.stop.rejects);
        let resets = rejected.filter_map(|stopped| self.reset_by(stopped, ends));
        let foreign = self.foreign_reset(ends);
        resets
            .chain(self.stopped_again(ends))
            .chain(foreign)
            .min_by_key(|failure| failure.at)
    }

    fn opened_stops(&self) -> impl Iterator<Item = &Stopped> {
        self.stops
            .iter()
            .filter(|stopped| !opens(&stopped.stop.packet) && !is_answer(&stopped.stop.packet))
    }

    /// A rule rejected a packet with a reset, and the reset came in at the side that had sent the packet. An ICMP error is
    /// none: an open connection takes it for something that will pass (RFC 1122 section 4.2.3.9).
    fn reset_by(&self, stopped: &Stopped, ends: Ends<'_>) -> Option<ConnectionFailure> {
        let heard = self
            .resets(ends)
            .find(|heard| heard.by_opener == stopped.from_opener)?;
        Some(ConnectionFailure {
            event: stopped.stop.event,
            at: heard.at,
            by: Ender::Stop(stopped.stop.clone()),
            heard: heard.by_opener == ends.by_client,
            opening: false,
            settled: true,
        })
    }

    /// A rule rejected a packet with an ICMP error, and that came in at the side that opened. Its TCP goes on, and keeps the
    /// error: a program that asks how its connect ended, and asks after the error came, is told of it (`sk_err_soft`).
    pub(super) fn soft_error(&self, opener: &NodeName) -> Option<&Stopped> {
        let mut heard = self.answers.heard(opener, true);
        heard.find(|heard| matches!(heard.packet, Packet::Icmp { .. }))?;
        let mut rejected = self.opened_stops().filter(|stopped| stopped.stop.rejects);
        rejected.find(|stopped| stopped.from_opener)
    }

    /// The same of the packet that ends the handshake: whether its program asks before or after the error comes is chance.
    pub(super) fn late_error(&self, opener: &NodeName) -> Option<&Stopped> {
        let [opened, accepted] = self.begins;
        let ends_handshake = |packet: &Packet| match packet {
            Packet::Tcp {
                sequence,
                acknowledgement,
                payload: 0,
                flags,
                ..
            } => {
                flags.0 & TcpFlags::FIN == 0
                    && opened.is_none_or(|begin| begin == *sequence)
                    && accepted.is_none_or(|begin| begin == *acknowledgement)
            }
            _ => false,
        };
        let stopped = self.soft_error(opener)?;
        ends_handshake(&stopped.stop.packet).then_some(stopped)
    }

    /// The packet that ends the handshake was stopped, and nothing else of the connection was.
    pub(super) fn stopped_handshake(&self) -> Option<ConnectionFailure> {
        let ends_handshake = |stopped: &Stopped| {
            let packet = &stopped.stop.packet;
            stopped.from_opener
                && matches!(packet, Packet::Tcp { payload: 0, .. })
                && !is_fin(packet)
        };
        let mut stops = self.opened_stops();
        let stopped = stops.next().filter(|stopped| ends_handshake(stopped))?;
        stops.all(ends_handshake).then(|| ConnectionFailure {
            event: stopped.stop.event,
            at: stopped.stop.at,
            by: Ender::Stop(stopped.stop.clone()),
            heard: false,
            opening: false,
            settled: true,
        })
    }

    /// A host that is neither of the two sides reset the connection.
    fn foreign_reset(&self, ends: Ends<'_>) -> Option<ConnectionFailure> {
        let sides = [ends.opener, Some(ends.acceptor)];
        let is_foreign = |heard: &Heard| {
            let origin = heard.origin.as_ref();
            origin.is_some_and(|origin| !sides.contains(&Some(origin)))
        };
        // What a rule sent is the rule's.
        let by_rule = |heard: &Heard| {
            let mut rejected = self.opened_stops().filter(|stopped| stopped.stop.rejects);
            rejected.any(|stopped| heard.origin.as_ref() == Some(&stopped.stop.node))
        };
        let heard = self
            .resets(ends)
            .find(|heard| is_foreign(heard) && !by_rule(heard))?;
        Some(ConnectionFailure {
            event: EventId(heard.place),
            at: heard.at,
            by: Ender::Host {
                node: heard.origin?,
                packet: heard.packet,
            },
            heard: heard.by_opener == ends.by_client,
            opening: false,
            settled: true,
        })
    }

    fn resets<'a>(&'a self, ends: Ends<'a>) -> impl Iterator<Item = Heard> + 'a {
        let opener = ends.opener.map(|opener| (opener, true));
        opener
            .into_iter()
            .chain([(ends.acceptor, false)])
            .flat_map(|(node, by_opener)| self.answers.heard(node, by_opener))
            .filter(|heard| matches!(heard.packet, Packet::Tcp { .. }))
    }

    /// The first packet that was stopped, sent again by its TCP, and stopped again.
    fn stopped_again(&self, ends: Ends<'_>) -> Option<ConnectionFailure> {
        let mut firsts: BTreeMap<Segment, &Stopped> = BTreeMap::new();
        let mut found: Option<(&Stopped, &Stopped)> = None;
        let stops = self.opened_stops().filter(|stopped| {
            // A client that closes its control connection waits for nothing more.
            let leaves = ends.control && stopped.from_opener && is_fin(&stopped.stop.packet);
            !leaves && !self.is_acknowledged(stopped)
        });
        for stopped in stops {
            let Some(segment) = segment(&stopped.stop.packet, stopped.from_opener) else {
                continue;
            };
            let first = *firsts.entry(segment).or_insert(stopped);
            let gap = stopped.stop.at.saturating_sub(first.stop.at);
            let is_earlier = found.is_none_or(|(known, _)| first.place <= known.place);
            if gap >= RETRANSMISSION_GAP && is_earlier {
                found = Some((first, stopped));
            }
        }
        let (first, again) = found?;
        Some(ConnectionFailure {
            event: first.stop.event,
            at: first.stop.at,
            settled: again.stop.is_as(&first.stop)
                && again.stop.can_settle()
                && (is_awaited(again, ends) || is_silent(first, again, ends)),
            by: Ender::Stop(first.stop.clone()),
            heard: false,
            opening: false,
        })
    }

    /// Whether the other side has got what a stopped packet carried, by another packet.
    fn is_acknowledged(&self, stopped: &Stopped) -> bool {
        let Packet::Tcp {
            flags,
            sequence,
            payload,
            ..
        } = stopped.stop.packet
        else {
            return false;
        };
        let length = payload + u32::from(flags.0 & TcpFlags::FIN != 0);
        let by_other = self.acknowledged[usize::from(stopped.from_opener)];
        length > 0
            && by_other.is_some_and(|up_to| is_at_or_after(up_to, sequence.wrapping_add(length)))
    }

    /// A side acknowledged what the other had sent.
    pub(super) fn acknowledges(&mut self, by_opener: bool, packet: &Packet) {
        let Packet::Tcp {
            flags,
            acknowledgement,
            ..
        } = packet
        else {
            return;
        };
        if flags.0 & TcpFlags::ACK == 0 || flags.is_rst() {
            return;
        }
        let known = &mut self.acknowledged[usize::from(!by_opener)];
        if known.is_none_or(|known| is_at_or_after(*acknowledgement, known)) {
            *known = Some(*acknowledgement);
        }
    }
}

/// Whether somebody is sure to wait for what a packet carries. The end of a stream is waited for where data comes from; whether a
/// program cares for the end of the other direction only time tells.
fn is_awaited(stopped: &Stopped, ends: Ends<'_>) -> bool {
    !is_fin(&stopped.stop.packet) || ends.opener_sends == Some(stopped.from_opener)
}

/// Whether a packet is the end of a stream, and nothing more.
fn is_fin(packet: &Packet) -> bool {
    matches!(packet, Packet::Tcp { flags, payload: 0, .. } if flags.0 & TcpFlags::FIN != 0)
}

/// Whether nobody has said anything for long, while a packet was sent again and again. A program that does not care for it goes
/// on at once. (What was said in between may have been under way before: a reply that overtakes the end of the data.)
fn is_silent(first: &Stopped, again: &Stopped, ends: Ends<'_>) -> bool {
    let since = ends.latest_line.max(Some(first.stop.at));
    since.is_some_and(|since| again.stop.at.saturating_sub(since) >= SILENCE)
}

/// Sequence numbers wrap: what is less than half the space ahead comes later.
fn is_at_or_after(one: u32, other: u32) -> bool {
    one.wrapping_sub(other) < 1 << 31
}

/// A packet as its retransmission repeats it: who sent it, where it begins, how long it is, its flags but PSH, which TCP sets
/// or not as it likes, and of one that carries nothing what it acknowledges: that is what is repeated.
type Segment = (bool, u32, u32, u8, Option<u32>);

fn segment(packet: &Packet, from_opener: bool) -> Option<Segment> {
    match packet {
        Packet::Tcp {
            flags,
            sequence,
            payload,
            acknowledgement,
            ..
        } => {
            let is_empty = *payload == 0 && flags.0 & TcpFlags::FIN == 0;
            let only = is_empty.then_some(*acknowledgement);
            let flags = flags.0 & !TcpFlags::PSH;
            Some((from_opener, *sequence, *payload, flags, only))
        }
        Packet::Icmp { kind, code, .. } => {
            Some((from_opener, u32::from(*kind), u32::from(*code), 0, None))
        }
        Packet::Other { .. } => None,
    }
}
