use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use fwlab_ftp::wire::{Announcement, Dialogue, Event as Line, Reply, Side};
use fwlab_model::{DataSetup, Flow, NodeName, Packet, Phase};

use super::stop::Stop;
use super::track::{Death, Track};

/// What is followed of a cell while it runs. Pure: it is fed, and asked.
#[derive(Debug)]
pub struct Watch {
    control: SocketAddr,
    asked: DataSetup,
    owners: BTreeMap<IpAddr, NodeName>,
    written: Vec<SocketAddr>,
    dialogue: Dialogue,
    segments: Vec<(Side, u32, Vec<u8>)>,
    announcements: Vec<Announcement>,
    refused: Option<(Phase, Reply)>,
    control_flow: Option<Flow>,
    tracks: BTreeMap<Flow, Track>,
}

/// The most bytes of control payload that are kept of one cell: a session is some
/// hundred; a peer that floods is no reason to hold more.
const KEPT_PAYLOAD: usize = 1 << 20;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The session's control connection.
    Control,
    /// A data connection that one side announced.
    Data(DataSetup),
    /// Nothing that the session announced.
    Other,
}

impl Role {
    /// Whether the session depends on the connection.
    pub fn is_watched(self) -> bool {
        self != Role::Other
    }
}

impl Watch {
    /// A watch over a session with a control port, in which a data setup is asked for.
    /// `owners` says which node has which address.
    pub fn new(control: SocketAddr, asked: DataSetup, owners: BTreeMap<IpAddr, NodeName>) -> Watch {
        Watch {
            control,
            asked,
            owners,
            written: Vec::new(),
            dialogue: Dialogue::default(),
            segments: Vec::new(),
            announcements: Vec::new(),
            refused: None,
            control_flow: None,
            tracks: BTreeMap::new(),
        }
    }

    /// Takes connections to these targets for data connections of the setup that is
    /// asked for, although nobody announces them.
    #[must_use]
    pub fn with_written_targets(self, written: Vec<SocketAddr>) -> Watch {
        Watch { written, ..self }
    }

    /// A packet was seen on the wire of a node; `inbound`: it came in there.
    pub fn captured(&mut self, at: Instant, node: &NodeName, inbound: bool, packet: &Packet) {
        let Some(flow) = self.flow_of(packet) else {
            return;
        };
        if matches!(packet, Packet::Tcp { flags, .. } if flags.is_syn()) {
            let seen = (node.clone(), inbound);
            let track = self.track_of(flow);
            if let Packet::Tcp { sequence, .. } = packet {
                track.syn_sequence = *sequence;
            }
            if !track.syn_seen.contains(&seen) {
                track.syn_seen.push(seen);
            }
            return;
        }
        let answerer = match packet {
            Packet::Tcp { flow, .. } => self.owners.get(&flow.from.ip()),
            Packet::Icmp { from, .. } | Packet::Other { from, .. } => self.owners.get(from),
        };
        let answerer = answerer.unwrap_or(node).clone();
        let track = self.track_of(flow);
        if !inbound || track.opener.as_ref() != Some(node) {
            return;
        }
        match packet {
            Packet::Tcp { flags, .. } if flags.is_syn_ack() => track.syn_acks += 1,
            Packet::Tcp {
                flow: sent, flags, ..
            } if flags.is_rst() && sent.to == flow.from => {
                track.refused.get_or_insert((at, answerer, *packet));
            }
            Packet::Icmp { .. } => {
                track.refused.get_or_insert((at, answerer, *packet));
            }
            _ => {}
        }
    }

    fn track_of(&mut self, flow: Flow) -> &mut Track {
        if flow.to == self.control {
            self.control_flow.get_or_insert(flow);
        }
        let opener = self.owners.get(&flow.from.ip());
        self.tracks.entry(flow).or_insert_with(|| Track {
            opener: opener.cloned(),
            ..Track::default()
        })
    }

    /// Payload of the control connection was seen on the wire of the client's node.
    pub fn dialogue(&mut self, packet: &Packet, payload: &[u8]) -> Vec<Line> {
        let (Some(control), Packet::Tcp { flow, sequence, .. }) = (self.control_flow, packet)
        else {
            return Vec::new();
        };
        let side = if *flow == control {
            Side::Client
        } else if *flow == control.reversed() {
            Side::Server
        } else {
            return Vec::new();
        };
        let kept: usize = self.segments.iter().map(|(_, _, bytes)| bytes.len()).sum();
        if kept + payload.len() <= KEPT_PAYLOAD {
            self.segments.push((side, *sequence, payload.to_vec()));
        }
        let lines = self.dialogue.segment(side, *sequence, payload);
        for line in &lines {
            match line {
                Line::Announced(announcement) if !self.announcements.contains(announcement) => {
                    self.announcements.push(*announcement);
                }
                Line::Reply {
                    reply,
                    to: Some(command),
                } if reply.code.is_negative() => {
                    let phase = if ["USER", "PASS", "ACCT"].iter().any(|verb| command.is(verb)) {
                        Phase::Login
                    } else if ["TYPE", "REST"].iter().any(|verb| command.is(verb)) {
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

    /// How far the session had come without what a death on the control connection
    /// kept from the other side.
    pub fn phase_without(&self, death: &Death) -> Phase {
        let (Death::Dropped(stop) | Death::Rejected(stop)) = death else {
            return self.dialogue.progress().phase();
        };
        let Packet::Tcp {
            flow,
            sequence: dead,
            payload,
            ..
        } = stop.packet
        else {
            return self.dialogue.progress().phase();
        };
        let from = if self.control_flow == Some(flow) {
            Side::Client
        } else {
            Side::Server
        };
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
            Phase::Transfer if from == Side::Server && payload > 0 => Phase::Completion,
            phase => phase,
        }
    }

    /// A reply that refused a command of the login, or TYPE or REST; the last one.
    pub fn refused_command(&self) -> Option<&(Phase, Reply)> {
        self.refused.as_ref()
    }

    /// The data setup that was asked for.
    pub fn asked(&self) -> DataSetup {
        self.asked
    }

    /// The node that has an address.
    pub fn owner_of(&self, address: IpAddr) -> Option<&NodeName> {
        self.owners.get(&address)
    }

    /// A rule or policy stopped a packet.
    pub fn stopped(&mut self, stop: Stop) {
        if let Some(flow) = self.flow_of(&stop.packet) {
            self.track_of(flow).stops.push(stop);
        }
    }

    /// The connection that a packet is of, or, for an ICMP error, about; seen from the side that opened it.
    fn flow_of(&self, packet: &Packet) -> Option<Flow> {
        let flow = match packet {
            Packet::Tcp { flow, flags, .. } if flags.is_syn() => return Some(*flow),
            Packet::Tcp { flow, flags, .. } if flags.is_syn_ack() => return Some(flow.reversed()),
            Packet::Tcp { flow, .. } => *flow,
            Packet::Icmp { about, .. } => (*about)?,
            Packet::Other { .. } => return None,
        };
        [flow, flow.reversed()]
            .into_iter()
            .find(|flow| self.tracks.contains_key(flow))
    }

    /// What a connection is for, as far as was announced by now.
    pub fn role(&self, flow: &Flow) -> Role {
        if self.control_flow == Some(*flow) {
            return Role::Control;
        }
        let announced = self
            .announcements
            .iter()
            .filter(|one| one.target(self.control.ip()) == flow.to);
        match announced.max_by_key(|one| one.setup == self.asked) {
            Some(announcement) => Role::Data(announcement.setup),
            None if self.written.contains(&flow.to) => Role::Data(self.asked),
            None => Role::Other,
        }
    }

    /// The connections that are known to be dead, with what they were for.
    pub fn deaths(&self) -> impl Iterator<Item = (Flow, Role, Death)> + '_ {
        self.tracks
            .iter()
            .filter_map(|(flow, track)| Some((*flow, self.role(flow), track.death()?)))
    }

    /// The death that decides the cell: of the control connection, or of a data
    /// connection of the setup that was asked for; the first one.
    pub fn deciding(&self) -> Option<(Flow, Role, Death)> {
        self.deaths()
            .filter(|(_, role, _)| matches!(role, Role::Control) || *role == Role::Data(self.asked))
            .min_by_key(|(_, _, death)| death.at())
    }

    /// The session's control connection.
    pub fn control_flow(&self) -> Option<Flow> {
        self.control_flow
    }

    /// Data connections of the asked setup that were opened, dead or not.
    pub fn asked_data(&self) -> impl Iterator<Item = (&Flow, &Track)> {
        self.tracks
            .iter()
            .filter(|(flow, _)| self.role(flow) == Role::Data(self.asked))
    }

    /// What was seen of a connection.
    pub fn track(&self, flow: &Flow) -> Option<&Track> {
        self.tracks.get(flow)
    }

    /// What was said, as captured at the client's node.
    pub fn dialogue_so_far(&self) -> &Dialogue {
        &self.dialogue
    }

    /// The announcements made so far.
    pub fn announcements(&self) -> &[Announcement] {
        &self.announcements
    }
}
