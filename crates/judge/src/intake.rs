//! How a watch takes in what is reported, event by event.

use std::time::Duration;

use fwlab_ftp::wire::Event as Line;
use fwlab_record::{Announcement, EventId, Flow, NodeName, Packet, Way};

use super::answers::Sighting;
use super::connections::ConnectionId;
use super::event::{Event, What};
use super::stop::Stop;
use super::track::{is_answer, is_syn_ack, opens};
use super::tracker::SessionTracker;

/// The most that is kept of packets that are of no known connection.
const KEPT_EARLY: usize = 1 << 10;

/// Something that was heard of a packet before it is known what connection that is of: one node may be heard before
/// another, and its wire before its rules.
#[derive(Debug)]
pub(super) enum Early {
    Stop(Stop),
    Answer(Sighting),
}

/// What an event told of the dialogue.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What was said, at the client.
    pub lines: Vec<Line>,
    /// Announcements that came to the other side as others: first the client's, then the server's.
    pub rewritten: Vec<(Announcement, Announcement)>,
}

/// Where and when something was seen.
#[derive(Clone, Copy)]
struct Place<'a> {
    at: Duration,
    node: &'a NodeName,
}

impl SessionTracker {
    /// Takes in an event. They come in the order of their numbers.
    pub fn take(&mut self, event: &Event) -> Said {
        self.now = event.id;
        let seen = Place {
            at: event.at,
            node: &event.node,
        };
        match &event.what {
            What::Sent { packet } => self.sent(packet),
            What::Captured {
                way,
                packet,
                swallowed,
                payload,
            } => {
                self.captured(seen, *way == Way::In, packet);
                if *swallowed {
                    self.swallowed(seen, packet);
                }
                if !payload.is_empty() {
                    return self.dialogue(seen, packet, payload);
                }
            }
            What::Stopped { .. } | What::HandedOn { .. } | What::Translated { .. } => {
                self.met_a_rule(event);
            }
            What::WentOn { number } => self.went_on(seen.node, *number),
            What::Tracked { flow, is_new, mark } => self.tracked(flow, *is_new, *mark),
            What::Expected => self.expected(),
            What::Unread { why } => {
                self.unread.get_or_insert_with(|| why.clone());
            }
            What::Lost => self.lost = true,
            What::SentAgain { flow } => {
                if let Some(id) = self.connections.find(flow) {
                    self.connections.get_mut(id).track.rounds.sent_again();
                }
            }
            What::Ended { flow } => {
                let id = self.connections.find(flow);
                self.ended.extend(id);
            }
        }
        Said::default()
    }

    /// Whether it makes a difference that a packet takes another step at a node.
    pub fn awaits(&self, node: &NodeName, number: u64) -> bool {
        !self.handed_on.is_empty() && self.handed_on.contains_key(&(node.clone(), number))
    }

    fn sent(&mut self, packet: &Packet) {
        let Some((id, _)) = self.connections.place(packet) else {
            return;
        };
        let track = &mut self.connections.get_mut(id).track;
        if is_syn_ack(packet) {
            track.syn_acks.push(self.now.0);
        } else {
            track.rounds.heard();
        }
        self.place_early();
    }

    fn captured(&mut self, seen: Place<'_>, inbound: bool, packet: &Packet) {
        let node = seen.node;
        let place = self.now.0;
        let sighting = Sighting {
            place,
            at: seen.at,
            node: node.clone(),
            inbound,
            packet: *packet,
        };
        let Some((id, flow)) = self.connections.place(packet) else {
            if is_answer(packet) {
                self.keep_early(Early::Answer(sighting));
            }
            return;
        };
        self.order.next();
        if *node == self.terms.server
            && let Packet::Tcp { flow, flags, .. } = packet
            && flags.is_syn()
        {
            self.order.syn_at_server(*flow, inbound);
        }
        if *node == self.terms.client
            && let Some((side, _)) = self.side_of(packet)
        {
            self.order.control(side, packet);
        }
        if !inbound && opens(packet) && !self.handed_on.is_empty() {
            self.left(node, id, packet);
        }
        let is_opener = self.opener(id) == Some(node);
        let track = &mut self.connections.get_mut(id).track;
        // In the order of one wire, as two are not heard in turn.
        if *node == self.terms.client {
            track.closes(place, !is_to_opener(packet, &flow), packet);
        }
        match packet {
            Packet::Tcp { flow, flags, .. } if flags.is_syn() => {
                if inbound && *node == self.terms.client {
                    track.came_as.get_or_insert(*flow);
                }
                if !inbound && !track.syn.reached(node) {
                    track.left_as.insert(*flow);
                }
                track.syn.seen(place, node, inbound, packet);
            }
            Packet::Tcp { flow, flags, .. } if flags.is_syn_ack() => {
                track.syn_acks.push(place);
                // What answers another flow than the one that left is no answer to the socket that waits.
                let is_foreign = inbound
                    && is_opener
                    && !track.left_as.is_empty()
                    && !track.left_as.contains(&flow.reversed());
                if !is_foreign {
                    track.syn_ack.seen(place, node, inbound, packet);
                }
            }
            _ if is_answer(packet) => {
                track.answers.seen(sighting, is_to_opener(packet, &flow));
            }
            Packet::Tcp { flow: sent, .. } => {
                track.acknowledges(sent.from == flow.from, packet);
            }
            _ => {}
        }
        if opens(packet) {
            self.place_early();
        }
    }

    fn swallowed(&mut self, seen: Place<'_>, packet: &Packet) {
        if opens(packet)
            && let Some((id, _)) = self.connections.place(packet)
        {
            let track = &mut self.connections.get_mut(id).track;
            track.swallowed(self.now.0, seen.at, seen.node, packet);
        }
    }

    /// Payload of the control connection was seen on the wire of the client's node, or of the server's.
    fn dialogue(&mut self, seen: Place<'_>, packet: &Packet, payload: &[u8]) -> Said {
        let mut said = Said::default();
        if *seen.node == self.terms.client
            && let Some(from) = self.side_of(packet)
        {
            let closed = self.control().and_then(|id| self.track(id).closed.as_ref());
            let is_heard = closed.is_none_or(|closed| !closed.by_opener);
            said.lines = self
                .talk
                .at_client((self.now, seen.at), from, payload, is_heard);
        }
        if *seen.node == self.terms.server {
            self.talk.at_server(self.order.latest(), packet, payload);
        }
        let mut talk = std::mem::take(&mut self.talk);
        for place in talk.place(|packet| self.side_of(packet)) {
            self.order.setup_was_granted(place);
        }
        said.rewritten = talk.rewritten();
        self.talk = talk;
        said
    }

    fn tracked(&mut self, flow: &Flow, is_new: bool, mark: Option<u32>) {
        let known = self
            .connections
            .find(flow)
            .or_else(|| self.connections.find(&flow.reversed()));
        if let Some(id) = known {
            let track = &mut self.connections.get_mut(id).track;
            let is_marked = mark.is_some_and(|mark| track.marks.insert(mark));
            if is_new || is_marked {
                track.changes.push(self.now.0);
            }
        }
    }

    fn expected(&mut self) {
        for connection in self.connections.iter_mut() {
            connection.track.changes.push(self.now.0);
        }
    }

    fn met_a_rule(&mut self, event: &Event) {
        let (by, rejects, packet, doubt) = match &event.what {
            What::Stopped {
                by,
                rejects,
                packet,
                doubt,
                state: _,
            } => (by, *rejects, packet, doubt.clone()),
            What::HandedOn {
                by, packet, doubt, ..
            } => (by, false, packet, doubt.clone()),
            What::Translated { by, packet } => (by, false, packet, None),
            _ => return,
        };
        let stop = Stop {
            event: event.id,
            at: event.at,
            node: event.node.clone(),
            by: by.clone(),
            rejects,
            packet: *packet,
            doubt,
        };
        match &event.what {
            What::HandedOn { number, .. } => self.may_be_stopped(*number, stop),
            What::Translated { .. } => self.translated(stop),
            _ => self.stopped(stop),
        }
    }

    fn stopped(&mut self, stop: Stop) {
        if finds_neighbours(&stop.packet) {
            self.neighbour.get_or_insert(stop);
            return;
        }
        if let Some(early) = self.place(Early::Stop(stop)) {
            self.keep_early(early);
        }
        self.place_early();
    }

    /// A packet of a node was handed to something that may stop it. Until it is seen to go on, it is taken for stopped.
    fn may_be_stopped(&mut self, number: u64, stop: Stop) {
        if let Some((id, _)) = self.connections.place(&stop.packet) {
            self.handed_on
                .insert((stop.node.clone(), number), (id, stop.event));
        }
        self.stopped(stop);
        if self.handed_on.len() > KEPT_EARLY {
            self.handed_on.pop_first();
        }
    }

    fn went_on(&mut self, node: &NodeName, number: u64) {
        if let Some((id, event)) = self.handed_on.remove(&(node.clone(), number)) {
            let stops = &mut self.connections.get_mut(id).track.stops;
            stops.retain(|stopped| stopped.stop.event != event);
        }
    }

    /// A packet that opens a connection left a node: whatever it was handed to there let it go on.
    fn left(&mut self, node: &NodeName, id: ConnectionId, packet: &Packet) {
        let flags = |packet: &Packet| match packet {
            Packet::Tcp { flags, .. } => Some(*flags),
            _ => None,
        };
        let events: Vec<EventId> = self
            .handed_on
            .iter()
            .filter(|((at, _), (of, _))| at == node && *of == id)
            .map(|(_, (_, event))| *event)
            .collect();
        let stops = &mut self.connections.get_mut(id).track.stops;
        stops.retain(|stopped| {
            !events.contains(&stopped.stop.event) || flags(&stopped.stop.packet) != flags(packet)
        });
    }

    fn translated(&mut self, rule: Stop) {
        if let Some((id, _)) = self.connections.place(&rule.packet) {
            let translations = &mut self.connections.get_mut(id).track.translations;
            if translations.len() < KEPT_EARLY {
                translations.push(rule);
            }
        }
    }

    fn keep_early(&mut self, early: Early) {
        if self.early.len() < KEPT_EARLY {
            self.early.push(early);
        }
    }

    fn place_early(&mut self) {
        for early in std::mem::take(&mut self.early) {
            if let Some(early) = self.place(early) {
                self.early.push(early);
            }
        }
    }

    /// Gives what was heard to the connection that it is of; gives it back where that is not known.
    fn place(&mut self, early: Early) -> Option<Early> {
        let packet = match &early {
            Early::Stop(stop) => stop.packet,
            Early::Answer(sighting) => sighting.packet,
        };
        let Some((id, flow)) = self.connections.place(&packet) else {
            return Some(early);
        };
        let to_opener = is_to_opener(&packet, &flow);
        let track = &mut self.connections.get_mut(id).track;
        match early {
            Early::Stop(stop) => track.stopped(stop, !to_opener),
            Early::Answer(sighting) => track.answers.seen(sighting, to_opener),
        }
        None
    }
}

/// Whether a packet of this flow, or an ICMP error about one, goes to the side that opened the connection. An error goes
/// to the sender of what it is about.
fn is_to_opener(packet: &Packet, flow: &Flow) -> bool {
    match packet {
        Packet::Tcp { flow: sent, .. } => sent.from != flow.from || sent.to != flow.to,
        Packet::Icmp { about, .. } => about.as_ref() == Some(flow),
        Packet::Other { .. } => false,
    }
}

/// ICMPv6's neighbour solicitation and advertisement (RFC 4861).
fn finds_neighbours(packet: &Packet) -> bool {
    matches!(packet, Packet::Icmp { from, kind: 135 | 136, .. } if from.is_ipv6())
}
