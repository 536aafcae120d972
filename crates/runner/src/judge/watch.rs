use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use fwlab_ftp::wire::{Announcement, Dialogue, Event as Line, Exchange, Progress, Reply, Side};
use fwlab_model::{DataSetup, Flow, NodeName, Packet, Phase, Protection};

use super::answers::Sighting;
use super::connections::{ConnectionId, Connections};
use super::death::{Death, Ender};
use super::order::Order;
use super::stop::Stop;
use super::track::{Ends, Track, is_answer, is_syn_ack, opens};

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
    /// Whether the client is the one that sends data.
    pub upload: bool,
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
    /// How many events were taken in: the place of the latest in their order.
    events: u64,
    /// When the dialogue's latest line was seen at the client.
    latest_line: Option<Instant>,
    /// The place of the client's QUIT.
    quit: Option<u64>,
    /// Packets that were handed to something that may stop them: of which connection, and the place of the stop.
    handed_on: BTreeMap<(NodeName, u64), (ConnectionId, u64)>,
    /// The first neighbour solicitation or advertisement that was stopped.
    neighbour: Option<Stop>,
    /// What was heard of packets before it is known what connection they are of.
    early: Vec<Early>,
}

/// Something that was heard of a packet before it is known what connection that is of: one node may be heard before
/// another, and its wire before its rules.
#[derive(Debug)]
enum Early {
    Stop(u64, Stop),
    Answer(Sighting),
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

/// The most that is kept of packets that are of no known connection.
const KEPT_EARLY: usize = 1 << 10;

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
            events: 0,
            latest_line: None,
            quit: None,
            handed_on: BTreeMap::new(),
            neighbour: None,
            early: Vec::new(),
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

    /// A node's TCP made a packet that opens a connection; no rule has seen it yet.
    pub fn sent(&mut self, packet: &Packet) {
        let place = self.next_place();
        let Some((id, _)) = self.connections.place(packet) else {
            return;
        };
        let track = &mut self.connections.get_mut(id).track;
        if is_syn_ack(packet) {
            track.syn_acks.push(place);
        } else {
            track.rounds.heard();
        }
        self.place_early();
    }

    /// A packet was seen on the wire of a node; `inbound`: it came in there.
    pub fn captured(&mut self, at: Instant, node: &NodeName, inbound: bool, packet: &Packet) {
        let sighting = Sighting {
            place: self.next_place(),
            at,
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
        let place = sighting.place;
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
                if !inbound && !track.syn.reached(node) {
                    track.left_as.insert(*flow);
                }
                track.syn.seen(node, inbound, packet);
            }
            Packet::Tcp { flow, flags, .. } if flags.is_syn_ack() => {
                track.syn_acks.push(place);
                // What answers another flow than the one that left is no answer to the socket that waits.
                let is_foreign = inbound
                    && is_opener
                    && !track.left_as.is_empty()
                    && !track.left_as.contains(&flow.reversed());
                if !is_foreign {
                    track.syn_ack.seen(node, inbound, packet);
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

    fn next_place(&mut self) -> u64 {
        self.events += 1;
        self.events
    }

    /// Conntrack of some node changed what it knows of a connection: that it is there, or its mark.
    pub fn tracked(&mut self, flow: &Flow, is_new: bool, mark: Option<u32>) {
        let place = self.next_place();
        let known = self
            .connections
            .find(flow)
            .or_else(|| self.connections.find(&flow.reversed()));
        if let Some(id) = known {
            let track = &mut self.connections.get_mut(id).track;
            let is_marked = mark.is_some_and(|mark| track.marks.insert(mark));
            if is_new || is_marked {
                track.changes.push(place);
            }
        }
    }

    /// Conntrack of some node expects something else than before. Which connection that is for nobody can tell.
    pub fn expected(&mut self) {
        let place = self.next_place();
        for connection in self.connections.iter_mut() {
            connection.track.changes.push(place);
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
    pub fn dialogue(&mut self, at: Instant, packet: &Packet, payload: &[u8]) -> Vec<Line> {
        let Some((side, sequence)) = self.side_of(packet) else {
            return Vec::new();
        };
        let kept: usize = self.segments.iter().map(|(_, _, bytes)| bytes.len()).sum();
        if kept + payload.len() <= KEPT_PAYLOAD {
            self.segments.push((side, sequence, payload.to_vec()));
        }
        let lines = self.client_side.segment(side, sequence, payload);
        if !lines.is_empty() {
            self.latest_line = Some(at);
        }
        let quits = |line: &Line| matches!(line, Line::Command(command) if command.is("QUIT"));
        if lines.iter().any(quits) {
            self.quit.get_or_insert(self.events);
        }
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
        let stop = match &death.by {
            Ender::Stop(stop) => stop,
            // The server's host was told no when it sent its final reply.
            Ender::Host { .. } if !death.heard && self.progress().phase() == Phase::Transfer => {
                return Phase::Completion;
            }
            _ => return self.progress().phase(),
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

    /// A rule, a policy or a helper stopped a packet.
    pub fn stopped(&mut self, stop: Stop) {
        let place = self.next_place();
        if finds_neighbours(&stop.packet) {
            self.neighbour.get_or_insert(stop);
            return;
        }
        if let Some(early) = self.place(Early::Stop(place, stop)) {
            self.keep_early(early);
        }
        self.place_early();
    }

    /// A packet of a node was handed to something that may stop it. Until it is seen to go on, it is taken for stopped.
    pub fn may_be_stopped(&mut self, packet_id: u64, stop: Stop) {
        if let Some((id, _)) = self.connections.place(&stop.packet) {
            self.handed_on
                .insert((stop.node.clone(), packet_id), (id, self.events + 1));
        }
        self.stopped(stop);
        if self.handed_on.len() > KEPT_EARLY {
            self.handed_on.pop_first();
        }
    }

    /// A packet takes another step at a node.
    pub fn goes_on(&mut self, node: &NodeName, packet_id: u64) {
        if self.handed_on.is_empty() {
            return;
        }
        if let Some((id, place)) = self.handed_on.remove(&(node.clone(), packet_id)) {
            let stops = &mut self.connections.get_mut(id).track.stops;
            stops.retain(|stopped| stopped.place != place);
        }
    }

    /// A packet that opens a connection left a node: whatever it was handed to there let it go on.
    fn left(&mut self, node: &NodeName, id: ConnectionId, packet: &Packet) {
        let flags = |packet: &Packet| match packet {
            Packet::Tcp { flags, .. } => Some(*flags),
            _ => None,
        };
        let places: Vec<u64> = self
            .handed_on
            .iter()
            .filter(|((at, _), (of, _))| at == node && *of == id)
            .map(|(_, (_, place))| *place)
            .collect();
        let stops = &mut self.connections.get_mut(id).track.stops;
        stops.retain(|stopped| {
            !places.contains(&stopped.place) || flags(&stopped.stop.packet) != flags(packet)
        });
    }

    /// A rule gave a connection another destination.
    pub fn translated(&mut self, rule: Stop) {
        if let Some((id, _)) = self.connections.place(&rule.packet) {
            let translations = &mut self.connections.get_mut(id).track.translations;
            if translations.len() < KEPT_EARLY {
                translations.push(rule);
            }
        }
    }

    /// Whether a final reply to the transfer was read, one that says that it came to a good end.
    pub fn is_complete(&self) -> bool {
        self.progress().is_complete()
    }

    /// The stop of a packet of the control connection, or of a data connection of the asked setup, of which the side that
    /// opened was told by an ICMP error when the connection was open.
    pub fn soft_error(&self) -> Option<(Role, &Stop)> {
        let asked = Role::Data(self.terms.asked);
        self.connections.iter().find_map(|(id, connection)| {
            let role = self.role(id);
            let stopped = connection.track.soft_error(self.opener(id)?)?;
            (role == Role::Control || role == asked).then_some((role, &stopped.stop))
        })
    }

    /// The packet by which the server closed a data connection of the asked setup before it had carried anything: a server
    /// that takes no stranger at the other end does that, and does not say why.
    pub fn data_closed_early(&self) -> Option<Packet> {
        self.asked_data().find_map(|id| {
            let closed = self.connections.get(id).track.closed.as_ref()?;
            let opened_by_server = self.opener(id) == Some(&self.terms.server);
            let by_server = closed.by_opener == opened_by_server;
            let carried_nothing = closed.carried.is_none_or(|bytes| bytes == 0);
            (by_server && (self.terms.upload || carried_nothing)).then_some(closed.packet)
        })
    }

    /// The packet by which the server closed the control connection, where it was the first to do so and not asked to.
    pub fn control_closed_by_server(&self) -> Option<Packet> {
        let control = self.control()?;
        let closed = self.connections.get(control).track.closed.as_ref()?;
        let was_asked = self.quit.is_some_and(|quit| quit < closed.place);
        (!closed.by_opener && !was_asked).then_some(closed.packet)
    }

    /// What stopped a packet by which a node asks for the hardware address of another, or answers.
    pub fn neighbour(&self) -> Option<&Stop> {
        self.neighbour.as_ref()
    }

    /// The rule that sent a connection to where nobody waits for it.
    pub fn sent_away(&self, id: ConnectionId, role: Role) -> Option<&Stop> {
        let connection = self.connections.get(id);
        let rule = connection.track.translations.first()?;
        let Packet::Tcp { flow: before, .. } = rule.packet else {
            return None;
        };
        let is_meant = |to: SocketAddr| match role {
            Role::Control => to == self.terms.listening,
            _ => {
                let sides = [
                    (&self.client_side, self.terms.control),
                    (&self.server_side, self.terms.listening),
                ];
                sides.into_iter().any(|(wire, control)| {
                    let mut announced = wire.announcements.iter();
                    announced.any(|one| one.target(control.ip()) == to)
                })
            }
        };
        let arrives = |flow: &Flow| flow.to != before.to && is_meant(flow.to);
        (!connection.flows.iter().any(arrives)).then_some(rule)
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
            Early::Stop(_, stop) => stop.packet,
            Early::Answer(sighting) => sighting.packet,
        };
        let Some((id, flow)) = self.connections.place(&packet) else {
            return Some(early);
        };
        let to_opener = is_to_opener(&packet, &flow);
        let track = &mut self.connections.get_mut(id).track;
        match early {
            Early::Stop(place, stop) => track.stopped(place, stop, !to_opener),
            Early::Answer(sighting) => track.answers.seen(sighting, to_opener),
        }
        None
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
            let role = self.role(id);
            let death = connection.track.death(self.ends(id, role))?;
            Some((id, role, death))
        })
    }

    fn ends(&self, id: ConnectionId, role: Role) -> Ends<'_> {
        let opener = self.opener(id);
        Ends {
            opener,
            acceptor: if opener == Some(&self.terms.server) {
                &self.terms.client
            } else {
                &self.terms.server
            },
            by_client: opener != Some(&self.terms.server),
            control: role == Role::Control,
            opener_sends: match role {
                Role::Data(_) => Some((opener == Some(&self.terms.client)) == self.terms.upload),
                _ => None,
            },
            latest_line: self.latest_line,
        }
    }

    /// The connections of which the lab shall send the SYN again, in TCP's place.
    pub fn wanted_again(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.connections
            .iter()
            .filter(|(id, connection)| {
                connection.track.wants_syn_again(self.opener(*id)) && self.role(*id).is_watched()
            })
            .map(|(id, _)| id)
    }

    /// The lab sends a connection's SYN again.
    pub fn sent_again(&mut self, id: ConnectionId) {
        self.connections.get_mut(id).track.rounds.sent_again();
    }

    /// The death that decides the cell: of the control connection, or of a data
    /// connection of the setup that was asked for; the first one.
    pub fn deciding(&self) -> Option<(ConnectionId, Role, Death)> {
        let asked = Role::Data(self.terms.asked);
        self.deaths()
            .filter(|(_, role, _)| *role == Role::Control || *role == asked)
            .min_by_key(|(_, _, death)| death.at)
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
