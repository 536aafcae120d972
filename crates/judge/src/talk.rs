//! The dialogue of a session, as it was on the wires of its two ends.

use std::time::Duration;

use fwlab_ftp::wire::{Dialogue, Event as Line, Exchange, Progress, Reply, Side};
use fwlab_record::{Announcement, DataSetup, EventId, Packet, Phase};

use super::failure::{ConnectionFailure, Ender};

/// The most bytes of control payload that are kept of one cell: a session is some
/// hundred; a peer that floods is no reason to hold more.
const KEPT_PAYLOAD: usize = 1 << 20;

/// The most refusals that are kept: a session has a handful.
const KEPT_REFUSALS: usize = 64;

/// The dialogue at both ends.
#[derive(Debug, Default)]
pub(super) struct Talk {
    pub(super) client_side: Wire,
    pub(super) server_side: Wire,
    /// What one side said and the other was there to hear.
    segments: Vec<(Side, u32, Vec<u8>)>,
    refused: Option<(Phase, Reply)>,
    /// Replies that say no, each with its event.
    refusals: Vec<(EventId, Reply)>,
    reported: Option<Progress>,
    /// Segments on the server's wire, each with its place in the order of packets, for which it is
    /// not known yet that they are the session's.
    unplaced: Vec<(u64, Packet, Vec<u8>)>,
    /// How many announcements were compared between the two wires.
    compared: usize,
    /// When the latest line was seen at the client.
    pub(super) latest_line: Option<Duration>,
    /// The client's QUIT.
    pub(super) quit: Option<EventId>,
}

/// The dialogue as it was on the wire of one of the two nodes.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) dialogue: Dialogue,
    pub(super) announcements: Vec<Announcement>,
    /// Of each announcement, whether its line began a segment.
    at_start: Vec<bool>,
}

impl Wire {
    fn segment(&mut self, side: Side, sequence: u32, payload: &[u8]) -> Vec<Line> {
        let lines = self.dialogue.segment(side, sequence, payload);
        for line in &lines {
            if let Line::Announced(announcement) = line
                && !self.announcements.contains(announcement)
            {
                self.announcements.push(*announcement);
                self.at_start.push(begins_with(payload, announcement.setup));
            }
        }
        lines
    }

    pub(super) fn announced(&self, active: bool) -> impl Iterator<Item = (&Announcement, bool)> {
        let pairs = self.announcements.iter().zip(self.at_start.iter().copied());
        pairs.filter(move |(one, _)| one.setup.is_active() == active)
    }
}

/// Whether a segment begins with the line that announces: the command, or the reply's code.
fn begins_with(payload: &[u8], setup: DataSetup) -> bool {
    let word = match setup {
        DataSetup::Port => "PORT",
        DataSetup::Eprt => "EPRT",
        DataSetup::Pasv => "227",
        DataSetup::Epsv => "229",
    };
    let start = payload.get(..word.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether a line grants PORT or EPRT.
fn grants_setup(line: &Line) -> bool {
    matches!(line, Line::Reply { reply, to: Some(command) }
        if reply.code.is_completion() && (command.is("PORT") || command.is("EPRT")))
}

impl Talk {
    /// Payload was seen on the wire of the client's node. What the server says when the client has left is heard by nobody.
    pub(super) fn at_client(
        &mut self,
        (event, at): (EventId, Duration),
        (side, sequence): (Side, u32),
        payload: &[u8],
        is_heard: bool,
    ) -> Vec<Line> {
        let kept: usize = self.segments.iter().map(|(_, _, bytes)| bytes.len()).sum();
        if is_heard && kept + payload.len() <= KEPT_PAYLOAD {
            self.segments.push((side, sequence, payload.to_vec()));
        }
        let lines = self.client_side.segment(side, sequence, payload);
        if !lines.is_empty() {
            self.latest_line = Some(at);
        }
        for line in &lines {
            match line {
                Line::Command(command) if command.is("QUIT") => {
                    self.quit.get_or_insert(event);
                }
                Line::Reply { reply, to } if reply.code.is_negative() => {
                    if self.refusals.len() < KEPT_REFUSALS {
                        self.refusals.push((event, reply.clone()));
                    }
                    let among = |verbs: &[&str]| {
                        let command = to.as_ref();
                        command.is_some_and(|command| verbs.iter().any(|verb| command.is(verb)))
                    };
                    let phase = if among(&["USER", "PASS", "ACCT"]) {
                        Phase::Login
                    } else if among(&["AUTH", "PBSZ", "PROT", "CCC"]) {
                        Phase::AuthTls
                    } else if among(&["TYPE", "REST"]) {
                        Phase::Negotiate
                    } else {
                        continue;
                    };
                    self.refused = Some((phase, reply.clone()));
                }
                _ => {}
            }
        }
        lines
    }

    /// Payload was seen on the wire of the server's node, at a place in the order of packets.
    pub(super) fn at_server(&mut self, place: u64, packet: &Packet, payload: &[u8]) {
        let kept: usize = self.unplaced.iter().map(|(.., bytes)| bytes.len()).sum();
        if kept + payload.len() <= KEPT_PAYLOAD {
            self.unplaced.push((place, *packet, payload.to_vec()));
        }
    }

    /// Reads what came on the server's wire and is known by now to be the session's. Gives the places of the answers that
    /// granted a setup.
    pub(super) fn place(&mut self, side_of: impl Fn(&Packet) -> Option<(Side, u32)>) -> Vec<u64> {
        let mut granted = Vec::new();
        // Which connection this is becomes known when the client's side of it has been heard of.
        for (place, packet, payload) in std::mem::take(&mut self.unplaced) {
            match side_of(&packet) {
                Some((side, sequence)) => {
                    let lines = self.server_side.segment(side, sequence, &payload);
                    if lines.iter().any(grants_setup) {
                        granted.push(place);
                    }
                }
                None => self.unplaced.push((place, packet, payload)),
            }
        }
        granted
    }

    /// The announcements that have become known on both wires since this was asked last, and are not the same
    /// on both: first the client's, then the server's.
    pub(super) fn rewritten(&mut self) -> Vec<(Announcement, Announcement)> {
        let client = self.client_side.announcements.iter();
        let pairs = client
            .zip(&self.server_side.announcements)
            .skip(self.compared);
        let pairs: Vec<_> = pairs.map(|(client, server)| (*client, *server)).collect();
        // One side is heard before the other, either of them.
        self.compared += pairs.len();
        let differs = |(client, server): &(Announcement, Announcement)| {
            client.setup == server.setup && client != server
        };
        pairs.into_iter().filter(differs).collect()
    }

    /// What the client itself tells of the dialogue, when it is over.
    pub(super) fn take_client_report(&mut self, progress: Progress) {
        self.reported = Some(progress);
    }

    /// How far the session came: as captured at the client, or, where that is hidden, as the client tells.
    pub(super) fn progress(&self, hidden: bool) -> &Progress {
        let captured = self.client_side.dialogue.progress();
        match &self.reported {
            Some(reported) if hidden => reported,
            _ => captured,
        }
    }

    /// What is wrong with a server that never comes to an end.
    pub(super) fn flood(&self) -> Option<String> {
        let reported = self.reported.as_ref().and_then(Progress::flood);
        reported.or_else(|| self.client_side.dialogue.progress().flood())
    }

    /// How far the session had come without what a death on the control connection
    /// kept from the other side.
    pub(super) fn phase_without(
        &self,
        failure: &ConnectionFailure,
        hidden: bool,
        side_of: impl Fn(&Packet) -> Option<(Side, u32)>,
    ) -> Phase {
        let come = self.progress(hidden).phase();
        let stop = match &failure.by {
            Ender::Stop(stop) => stop,
            // The server's host was told no when it sent its final reply.
            Ender::Host { .. } if !failure.heard && come == Phase::Transfer => {
                return Phase::Completion;
            }
            _ => return come,
        };
        let Some((from, dead)) = side_of(&stop.packet).filter(|_| !hidden) else {
            return come;
        };
        let has_payload = matches!(stop.packet, Packet::Tcp { payload, .. } if payload > 0);
        let mut dialogue = Dialogue::default();
        for (side, sequence, bytes) in &self.segments {
            // Sequence numbers wrap; what is less than half the space ahead comes later.
            let later = sequence.wrapping_sub(dead) < 1 << 31;
            if *side != from || !later {
                dialogue.segment(*side, *sequence, bytes);
            }
        }
        match dialogue.progress().phase() {
            // Between the preliminary reply and the final one a server says nothing.
            Phase::Transfer if from == Side::Server && has_payload => Phase::Completion,
            phase => phase,
        }
    }

    /// A reply that refused a command of the login, or AUTH, TYPE or REST; the last one.
    pub(super) fn refused_command(&self) -> Option<&(Phase, Reply)> {
        self.refused.as_ref()
    }

    /// The event that showed a reply which says no; the latest one.
    pub(super) fn event_of(&self, reply: &Reply) -> Option<EventId> {
        let mut refusals = self.refusals.iter();
        refusals
            .rfind(|(_, known)| known == reply)
            .map(|(event, _)| *event)
    }

    /// Commands and answers as they were on the server's wire.
    pub(super) fn exchanges_at_server(&self) -> &[Exchange] {
        &self.server_side.dialogue.progress().exchanges
    }
}
