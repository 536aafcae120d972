use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use fwlab_ftp::wire::{Announcement, Dialogue, Event as Line, Exchange, Progress, Reply, Side};
use fwlab_model::{DataSetup, Flow, NodeName, Packet, Phase, Protection};

use super::connections::{ConnectionId, Connections};
use super::order::Order;
use super::stop::Stop;
use super::track::{Death, Track};

/// What is known of a session before it begins.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The address and port that the client connects to.
    pub control: SocketAddr,
    /// The address and port that the server listens on: another one behind a translating gateway.
    pub listening: SocketAddr,
    /// The node that the client runs on.
    pub client: NodeName,
    /// The node that the server runs on.
    pub server: NodeName,
    /// The data setup that is asked for.
    pub asked: DataSetup,
    /// What hides the dialogue.
    pub protection: Protection,
    /// Targets of data connections that nobody will announce: a peer's script opens them.
    pub unannounced: Vec<SocketAddr>,
    /// Which node has which address.
    pub owners: BTreeMap<IpAddr, NodeName>,
}

/// What is followed of a cell while it runs. Pure: it is fed, and asked.
#[derive(Debug)]
pub struct Watch {
    terms: Terms,
    client_side: Wire,
    server_side: Wire,
    segments: Vec<(Side, u32, Vec<u8>)>,
    refused: Option<(Phase, Reply)>,
    reported: Option<Progress>,
    connections: Connections,
    order: Order,
    /// Segments on the server's wire, each with its place in the order of packets, for which it is
    /// not known yet that they are the session's.
    unplaced: Vec<(u64, Packet, Vec<u8>)>,
    /// How many announcements were compared between the two wires.
    compared: usize,
}

/// The dialogue as it was on the wire of one of the two nodes.
#[derive(Debug, Default)]
struct Wire {
    dialogue: Dialogue,
    announcements: Vec<Announcement>,
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
}

impl Wire {
    fn announced(&self, active: bool) -> impl Iterator<Item = (&Announcement, bool)> {
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
    /// A watch over a session that is about to begin.
    pub fn new(terms: Terms) -> Watch {
        Watch {
            terms,
            client_side: Wire::default(),
            server_side: Wire::default(),
            segments: Vec::new(),
            refused: None,
            reported: None,
            connections: Connections::default(),
            order: Order::default(),
            unplaced: Vec::new(),
            compared: 0,
        }
    }

    /// What is wrong with a server that never comes to an end.
    pub fn flood(&self) -> Option<String> {
        let reported = self.reported.as_ref().and_then(Progress::flood);
        reported.or_else(|| self.client_side.dialogue.progress().flood())
    }

    /// What was known beforehand.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// A packet was seen on the wire of a node; `inbound`: it came in there.
    pub fn captured(&mut self, at: Instant, node: &NodeName, inbound: bool, packet: &Packet) {
        let Some((id, flow)) = self.connections.place(packet) else {
            return;
        };
        let answerer = match packet {
            Packet::Tcp { flow, .. } => self.terms.owners.get(&flow.from.ip()),
            Packet::Icmp { from, .. } | Packet::Other { from, .. } => self.terms.owners.get(from),
        };
        let answerer = answerer.unwrap_or(node);
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
        let track = &mut self.connections.get_mut(id).track;
        match packet {
            Packet::Tcp { flags, .. } if flags.is_syn() => track.syn.seen(node, inbound, packet),
            Packet::Tcp { flags, .. } if flags.is_syn_ack() => {
                track.syn_ack.seen(node, inbound, packet);
            }
            Packet::Tcp {
                flow: sent, flags, ..
            } if inbound && flags.is_rst() && sent.to == flow.from => {
                track.refused(at, node, answerer, packet);
            }
            Packet::Icmp { .. } if inbound => track.refused(at, node, answerer, packet),
            _ => {}
        }
    }

    /// A packet left a node over an interface behind which nobody is.
    pub fn swallowed(&mut self, at: Instant, node: &NodeName, packet: &Packet) {
        let opens =
            matches!(packet, Packet::Tcp { flags, .. } if flags.is_syn() || flags.is_syn_ack());
        if opens && let Some((id, _)) = self.connections.place(packet) {
            let track = &mut self.connections.get_mut(id).track;
            track.swallowed(at, node, packet);
        }
    }

    /// Payload of the control connection was seen on the wire of the client's node.
    pub fn dialogue(&mut self, packet: &Packet, payload: &[u8]) -> Vec<Line> {
        let Some((side, sequence)) = self.side_of(packet) else {
            return Vec::new();
        };
        let kept: usize = self.segments.iter().map(|(_, _, bytes)| bytes.len()).sum();
        if kept + payload.len() <= KEPT_PAYLOAD {
            self.segments.push((side, sequence, payload.to_vec()));
        }
        let lines = self.client_side.segment(side, sequence, payload);
        for line in &lines {
            if let Line::Reply {
                reply,
                to: Some(command),
            } = line
                && reply.code.is_negative()
            {
                let among = |verbs: &[&str]| verbs.iter().any(|verb| command.is(verb));
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
        }
        lines
    }

    /// Payload of the control connection was seen on the wire of the server's node.
    pub fn dialogue_at_server(&mut self, packet: &Packet, payload: &[u8]) {
        let kept: usize = self.unplaced.iter().map(|(.., bytes)| bytes.len()).sum();
        if kept + payload.len() <= KEPT_PAYLOAD {
            let place = self.order.latest();
            self.unplaced.push((place, *packet, payload.to_vec()));
        }
    }

    /// The announcements that have become known on both wires since this was asked last, and are not the same
    /// on both: first the client's, then the server's.
    pub fn rewritten(&mut self) -> Vec<(Announcement, Announcement)> {
        // Which connection this is becomes known when the client's side of it has been heard of.
        for (place, packet, payload) in std::mem::take(&mut self.unplaced) {
            match self.side_of(&packet) {
                Some((side, sequence)) => {
                    let lines = self.server_side.segment(side, sequence, &payload);
                    if lines.iter().any(grants_setup) {
                        self.order.setup_was_granted(place);
                    }
                }
                None => self.unplaced.push((place, packet, payload)),
            }
        }
        let pairs = self
            .client_side
            .announcements
            .iter()
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

    /// Who sent a packet of the control connection, and its sequence number.
    fn side_of(&self, packet: &Packet) -> Option<(Side, u32)> {
        let Packet::Tcp { flow, sequence, .. } = packet else {
            return None;
        };
        let control = self.control()?;
        if self.connections.find(flow) == Some(control) {
            Some((Side::Client, *sequence))
        } else if self.connections.find(&flow.reversed()) == Some(control) {
            Some((Side::Server, *sequence))
        } else {
            None
        }
    }

    /// What the client itself tells of the dialogue, when it is over.
    pub fn told_by_client(&mut self, progress: Progress) {
        self.reported = Some(progress);
    }

    /// How far the session came: as captured at the client, or, where that is hidden, as the client tells.
    pub fn progress(&self) -> &Progress {
        let captured = self.client_side.dialogue.progress();
        match &self.reported {
            Some(reported) if self.is_hidden() => reported,
            _ => captured,
        }
    }

    /// Whether what is captured of the dialogue is not all of it.
    pub fn is_hidden(&self) -> bool {
        self.terms.protection != Protection::Plain
    }

    /// How far the session had come without what a death on the control connection
    /// kept from the other side.
    pub fn phase_without(&self, death: &Death) -> Phase {
        let (Death::Dropped(stop) | Death::Rejected(stop)) = death else {
            return self.progress().phase();
        };
        let Some((from, dead)) = self.side_of(&stop.packet).filter(|_| !self.is_hidden()) else {
            return self.progress().phase();
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
    pub fn refused_command(&self) -> Option<&(Phase, Reply)> {
        self.refused.as_ref()
    }

    /// The data setup that was asked for.
    pub fn asked(&self) -> DataSetup {
        self.terms.asked
    }

    /// The node that has an address.
    pub fn owner_of(&self, address: IpAddr) -> Option<&NodeName> {
        self.terms.owners.get(&address)
    }

    /// A rule or policy stopped a packet.
    pub fn stopped(&mut self, stop: Stop) {
        if let Some((id, _)) = self.connections.place(&stop.packet) {
            self.connections.get_mut(id).track.stops.push(stop);
        }
    }

    /// The node that opened a connection: its SYN left there and came from nowhere. Where that was
    /// not seen, the node that has the address it comes from.
    pub fn opener(&self, id: ConnectionId) -> Option<&NodeName> {
        let connection = self.connections.get(id);
        let from = connection.flows.first()?.from.ip();
        let syn = &connection.track.syn;
        // On a loopback interface a SYN comes in where it went out.
        let on_loopback = || syn.only_node().filter(|_| from.is_loopback());
        syn.origin()
            .or_else(on_loopback)
            .or_else(|| self.owner_of(from))
    }

    /// What a connection is for, as far as is known by now.
    pub fn role(&self, id: ConnectionId) -> Role {
        if self.control() == Some(id) {
            return Role::Control;
        }
        let targets = |target: SocketAddr| {
            let flows = &self.connections.get(id).flows;
            // Who connects to 0.0.0.0 reaches its own host, by its loopback interface.
            let reaches = |to: SocketAddr| {
                let itself = target.ip().is_unspecified()
                    && to.ip().is_loopback()
                    && to.is_ipv4() == target.is_ipv4();
                to == target || itself && to.port() == target.port()
            };
            flows.iter().any(|flow| reaches(flow.to))
        };
        let announced = [
            (&self.client_side, self.terms.control),
            (&self.server_side, self.terms.listening),
        ]
        .into_iter()
        .flat_map(|(wire, control)| {
            let announcements = wire.announcements.iter();
            announcements.filter(move |one| {
                // A client may as well take the port alone, and the address that it knows.
                let ignoring = SocketAddr::new(control.ip(), one.port);
                targets(one.target(control.ip()))
                    || one.setup == DataSetup::Pasv && targets(ignoring)
            })
        });
        if let Some(announcement) = announced.max_by_key(|one| one.setup == self.terms.asked) {
            return Role::Data(announcement.setup);
        }
        if self.terms.unannounced.iter().copied().any(targets) {
            return Role::Data(self.terms.asked);
        }
        // Nothing but the session runs in the two nodes: what is opened in the
        // direction of the setup is its data connection, though TLS hides who announced it.
        let expected_opener = if self.terms.asked.is_active() {
            &self.terms.server
        } else {
            &self.terms.client
        };
        if self.is_hidden() && self.control().is_some() && self.opener(id) == Some(expected_opener)
        {
            return Role::Data(self.terms.asked);
        }
        Role::Other
    }

    /// The connections that are known to be dead, with what they were for.
    pub fn deaths(&self) -> impl Iterator<Item = (ConnectionId, Role, Death)> + '_ {
        self.connections.iter().filter_map(|(id, connection)| {
            let death = connection.track.death(self.opener(id))?;
            Some((id, self.role(id), death))
        })
    }

    /// The death that decides the cell: of the control connection, or of a data
    /// connection of the setup that was asked for; the first one.
    pub fn deciding(&self) -> Option<(ConnectionId, Role, Death)> {
        let asked = Role::Data(self.terms.asked);
        self.deaths()
            .filter(|(_, role, _)| *role == Role::Control || *role == asked)
            .min_by_key(|(_, _, death)| death.at())
    }

    /// The session's control connection: the client's first one to the server.
    pub fn control(&self) -> Option<ConnectionId> {
        let Terms {
            control,
            listening,
            client,
            ..
        } = &self.terms;
        let is_control = |id: ConnectionId, flow: &Flow| {
            (flow.to == *control || flow.to == *listening) && self.opener(id) == Some(client)
        };
        let mut connections = self.connections.iter();
        connections
            .find(|(id, connection)| connection.flows.iter().any(|flow| is_control(*id, flow)))
            .map(|(id, _)| id)
    }

    /// Data connections of the asked setup that were opened, dead or not.
    pub fn asked_data(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        let ids = self.connections.iter().map(|(id, _)| id);
        ids.filter(|id| self.role(*id) == Role::Data(self.terms.asked))
    }

    /// The connection with this flow on some wire.
    pub(super) fn id_of(&self, flow: &Flow) -> Option<ConnectionId> {
        self.connections.find(flow)
    }

    /// In which order things were seen at one node.
    pub(super) fn order(&self) -> &Order {
        &self.order
    }

    /// The announcements as they were on the server's wire.
    pub(super) fn announced_at_server(&self) -> impl Iterator<Item = &Announcement> {
        self.server_side.announcements.iter()
    }

    /// Commands and answers as they were on the server's wire.
    pub(super) fn exchanges_at_server(&self) -> &[Exchange] {
        &self.server_side.dialogue.progress().exchanges
    }

    /// What was seen of a connection.
    pub fn track(&self, id: ConnectionId) -> &Track {
        &self.connections.get(id).track
    }

    /// The flows that a connection has on one wire or another, seen from the side that opened it.
    pub fn flows(&self, id: ConnectionId) -> &[Flow] {
        &self.connections.get(id).flows
    }

    /// The announcements made so far, each as it was on the wire of the node that made it, and whether
    /// its line began a segment there.
    pub fn announcements(&self) -> impl Iterator<Item = (&Announcement, bool)> {
        let server_side = if self.terms.client == self.terms.server {
            &self.client_side
        } else {
            &self.server_side
        };
        let by_client = self.client_side.announced(true);
        by_client.chain(server_side.announced(false))
    }

    /// Whether this flow is one of the control connection's.
    pub fn is_control(&self, flow: &Flow) -> bool {
        self.control()
            .is_some_and(|control| self.connections.find(flow) == Some(control))
    }
}
