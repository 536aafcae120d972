//! A connection that is being opened: what stops it, and whether sending the SYN again would help.

use std::time::Duration;

use fwlab_record::{EventId, NodeName, Packet};

use super::answers::Heard;
use super::failure::{ConnectionFailure, Ender};
use super::track::{Ends, Stopped, Track, is_answer, is_syn_ack, opens};

/// The lab sends a SYN again so often at most. More than that only a ruleset needs that keeps changing its mind; then
/// TCP's own timers decide.
const MOST_ROUNDS: u32 = 6;

/// A host's reset or ICMP error.
struct No {
    at: Duration,
    event: EventId,
    node: NodeName,
    packet: Packet,
}

impl Track {
    pub(super) fn opening_failure(&self, ends: Ends<'_>) -> Option<ConnectionFailure> {
        let opener = ends.opener?;
        let first = self.first_impediment();
        if let Some(heard) = self.answers.heard(opener, true).next() {
            return Some(self.heard_while_opening(heard, first));
        }
        let (event, at, by) = match first {
            Some(stopped) => {
                let stop = stopped.stop.clone();
                (stop.event, stop.at, Ender::Stop(stop))
            }
            None => {
                let No {
                    at,
                    event,
                    node,
                    packet,
                } = self.unheard_noes(opener).into_iter().next()?;
                (event, at, Ender::Host { node, packet })
            }
        };
        Some(ConnectionFailure {
            event,
            at,
            by,
            heard: false,
            opening: true,
            settled: self.is_settled(opener),
        })
    }

    /// The side that opened was told no: by the host itself, or by the rule that stopped its SYN.
    fn heard_while_opening(&self, heard: Heard, first: Option<&Stopped>) -> ConnectionFailure {
        let (event, by) = match first {
            Some(stopped) if stopped.place < heard.place || stopped.stop.rejects => {
                (stopped.stop.event, Ender::Stop(stopped.stop.clone()))
            }
            _ => {
                let node = heard.origin.unwrap_or_else(|| heard.node.clone());
                let packet = heard.packet;
                (EventId(heard.place), Ender::Host { node, packet })
            }
        };
        ConnectionFailure {
            event,
            at: heard.at,
            by,
            heard: true,
            opening: true,
            settled: true,
        }
    }

    /// The first SYN or SYN-ACK that was stopped where none has got past since.
    fn first_impediment(&self) -> Option<&Stopped> {
        self.opening_stops()
            .find(|stopped| !self.is_overcome(stopped))
    }

    fn opening_stops(&self) -> impl Iterator<Item = &Stopped> {
        self.stops
            .iter()
            .filter(|stopped| opens(&stopped.stop.packet))
    }

    /// A SYN got past when it was answered later. A SYN-ACK that got past is no impediment any more: then the
    /// connection is open.
    fn is_overcome(&self, stopped: &Stopped) -> bool {
        !is_syn_ack(&stopped.stop.packet)
            && self.syn_acks.iter().any(|place| *place > stopped.place)
    }

    /// Hosts' noes that the side which opened does not hear: those that rules stopped on their way, and its own, where a
    /// SYN-ACK came in for a connection that its TCP does not know.
    fn unheard_noes(&self, opener: &NodeName) -> Vec<No> {
        let own = self.answers.sent_by(opener).map(|(place, at, packet)| No {
            at,
            event: EventId(place),
            node: opener.clone(),
            packet,
        });
        let stopped = self
            .stops
            .iter()
            .filter(|stopped| is_answer(&stopped.stop.packet) && !stopped.from_opener);
        let stopped = stopped.map(|stopped| No {
            at: stopped.stop.at,
            event: stopped.stop.event,
            node: self
                .answers
                .origin(&stopped.stop.packet)
                .unwrap_or_else(|| stopped.stop.node.clone()),
            packet: stopped.stop.packet,
        });
        let mut noes: Vec<No> = own.chain(stopped).collect();
        noes.sort_by_key(|no| no.at);
        noes
    }

    /// What each sending of the SYN came to: the first stop of each round.
    fn fates(&self) -> Vec<&Stopped> {
        let mut fates: Vec<&Stopped> = Vec::new();
        for stopped in self.opening_stops() {
            if fates.last().is_none_or(|last| last.round != stopped.round) {
                fates.push(stopped);
            }
        }
        fates
    }

    /// Whether the SYN, sent again, met the same fate as before, and conntrack changed nothing in between; or was answered no twice
    /// since it was stopped, and nobody heard that.
    fn is_settled(&self, opener: &NodeName) -> bool {
        let fates = self.fates();
        let noes_since = |stopped: &Stopped| {
            let noes = self.unheard_noes(opener).into_iter();
            noes.filter(|no| no.at > stopped.stop.at).count()
        };
        if fates.last().is_some_and(|last| noes_since(last) > 1) {
            return true;
        }
        match fates.as_slice() {
            [.., before, last] => {
                let undisturbed = || {
                    let mut changes = self.changes.iter();
                    !changes.any(|place| (before.place..last.place).contains(place))
                };
                last.stop.is_as(&before.stop) && last.stop.can_settle() && undisturbed()
            }
            [] => self.unheard_noes(opener).len() > 1,
            [_] => false,
        }
    }

    /// Whether the lab shall send the SYN again, in TCP's place: it was stopped, nobody was told, and what becomes of
    /// the next one is not known.
    pub(super) fn wants_syn_again(&self, opener: Option<&NodeName>) -> bool {
        let Some(opener) = opener else { return false };
        if self.is_answered(Some(opener))
            || self.rounds.now >= MOST_ROUNDS
            || self.answers.heard(opener, true).next().is_some()
        {
            return false;
        }
        let wanted = match self.opening_stops().last() {
            Some(last) if last.round != self.rounds.now || !last.stop.can_be_copied() => false,
            // The sender of a SYN that is rejected may yet be told.
            Some(last) if last.stop.rejects && last.from_opener => {
                self.answers.was_stopped_since(last.place, true)
            }
            Some(_) => true,
            None => self.unheard_noes(opener).len() as u32 >= self.rounds.now,
        };
        wanted && !self.is_settled(opener)
    }
}
