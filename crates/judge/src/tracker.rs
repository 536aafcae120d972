use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fwlab_ftp::wire::{Exchange, Progress, Reply, Side};
use fwlab_record::{
    Announcement, DataSetup, EventId, Flow, NodeName, Packet, Phase, Protection, Role,
};

use super::connections::{ConnectionId, Connections};
use super::failure::ConnectionFailure;
use super::intake::Early;
use super::order::Order;
use super::stop::Stop;
use super::talk::Talk;
use super::terms::Terms;
use super::track::{Closed, Track};

/// What is followed of a session while it runs. Pure: it [takes](SessionTracker::take) events, and is asked.
#[derive(Debug)]
pub struct SessionTracker {
    pub(super) terms: Terms,
    pub(super) talk: Talk,
    pub(super) connections: Connections,
    pub(super) order: Order,
    /// The event that is being taken in: the place of the latest in their order.
    pub(super) now: EventId,
    /// Packets that were handed to something that may stop them: of which connection, and the event.
    pub(super) handed_on: BTreeMap<(NodeName, u64), (ConnectionId, EventId)>,
    /// The first neighbour solicitation or advertisement that was stopped.
    pub(super) neighbour: Option<Stop>,
    /// What was heard of packets before it is known what connection they are of.
    pub(super) early: Vec<Early>,
    /// Whether events were lost.
    pub(super) lost: bool,
    /// The connections that the lab itself has ended.
    pub(super) ended: BTreeSet<ConnectionId>,
    /// The first thing that stopped a packet, or may have, and could not be read.
    pub(super) unread: Option<String>,
}

impl SessionTracker {
    /// A watch over a session that is about to begin.
    pub fn new(terms: Terms) -> SessionTracker {
        SessionTracker {
            terms,
            talk: Talk::default(),
            connections: Connections::default(),
            order: Order::default(),
            now: EventId(0),
            handed_on: BTreeMap::new(),
            neighbour: None,
            early: Vec::new(),
            lost: false,
            ended: BTreeSet::new(),
            unread: None,
        }
    }

    /// What was known beforehand.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The data setup that was asked for.
    pub fn asked(&self) -> DataSetup {
        self.terms.asked
    }

    /// Whether what is captured of the dialogue is not all of it.
    pub fn is_hidden(&self) -> bool {
        self.terms.protection != Protection::Plain
    }

    /// How many bytes of the control connection, as they were at the client, TLS has hidden by now, of those that this side sent.
    pub fn hidden(&self, from: Side) -> u64 {
        self.talk.client_side.dialogue.hidden(from)
    }

    /// Whether a side has spoken TLS on the control connection since its first byte, as it was at the client.
    pub fn is_hidden_from_start(&self, from: Side) -> bool {
        self.talk.client_side.dialogue.is_hidden_from_start(from)
    }

    /// Whether events were lost: what was not seen did not necessarily not happen.
    pub fn has_lost(&self) -> bool {
        self.lost
    }

    /// Whether the lab itself has ended a connection of the session. What the peers did from then on is no answer to
    /// whether the rules let a transfer through.
    pub fn has_meddled(&self) -> bool {
        !self.ended.is_empty()
    }

    /// What stopped a packet, or may have, and could not be read.
    pub fn unread(&self) -> Option<&str> {
        self.unread.as_deref()
    }

    /// What the client itself tells of the dialogue, when it is over.
    pub fn take_client_report(&mut self, progress: Progress) {
        self.talk.take_client_report(progress);
    }

    /// How far the session came: as captured at the client, or, where that is hidden, as the client tells.
    pub fn progress(&self) -> &Progress {
        self.talk.progress(self.is_hidden())
    }

    /// What is wrong with a server that never comes to an end.
    pub fn flood(&self) -> Option<String> {
        self.talk.flood()
    }

    /// Whether a final reply to the transfer was read, one that says that it came to a good end.
    pub fn is_complete(&self) -> bool {
        self.progress().is_complete()
    }

    /// How far the session had come without what a death on the control connection
    /// kept from the other side.
    pub(super) fn phase_without(&self, failure: &ConnectionFailure) -> Phase {
        let side_of = |packet: &Packet| self.side_of(packet);
        self.talk.phase_without(failure, self.is_hidden(), side_of)
    }

    /// A reply that refused a command of the login, or AUTH, TYPE or REST; the last one.
    pub(super) fn refused_command(&self) -> Option<&(Phase, Reply)> {
        self.talk.refused_command()
    }

    /// The event that showed a reply which says no.
    pub(super) fn event_of(&self, reply: &Reply) -> Option<EventId> {
        self.talk.event_of(reply)
    }

    /// The stop of a packet of the control connection, or of a data connection of the asked setup, of which the side that
    /// opened was told by an ICMP error when the connection was open.
    pub(super) fn soft_error(&self) -> Option<(Role, &Stop)> {
        let asked = Role::Data(self.terms.asked);
        self.connections.iter().find_map(|(id, connection)| {
            let role = self.role(id);
            let stopped = connection.track.soft_error(self.opener(id)?)?;
            (role == Role::Control || role == asked).then_some((role, &stopped.stop))
        })
    }

    /// The node that opened the control connection, or a data connection of the asked setup, and of which an ICMP error about
    /// the last packet of the handshake came in: whether its program hears of that is chance.
    pub fn late_error(&self) -> Option<&NodeName> {
        let asked = Role::Data(self.terms.asked);
        self.connections.iter().find_map(|(id, connection)| {
            let role = self.role(id);
            let opener = self.opener(id)?;
            connection.track.late_error(opener)?;
            (role == Role::Control || role == asked).then_some(opener)
        })
    }

    /// The flows by which the data went on one wire or another, from the side that sends it: of each data connection of the
    /// asked setup that was opened.
    pub fn data_sent_as(&self) -> impl Iterator<Item = Flow> + '_ {
        let sender = if self.terms.upload {
            &self.terms.client
        } else {
            &self.terms.server
        };
        let opened = (self.asked_data()).filter(|id| self.track(*id).is_answered(self.opener(*id)));
        opened.flat_map(move |id| {
            let is_opener = self.opener(id) == Some(sender);
            let flows = self.flows(id).iter();
            flows.map(move |flow| if is_opener { *flow } else { flow.reversed() })
        })
    }

    /// Where an active data connection came to the client from, and where the client had connected to, if that is another
    /// address: a client may look at it.
    pub fn data_from_elsewhere(&self) -> Option<(IpAddr, IpAddr)> {
        let known = self.track(self.control()?).left_as.first()?.to.ip();
        let of_server = |id: &ConnectionId| {
            self.terms.client != self.terms.server
                && self.opener(*id) == Some(&self.terms.server)
                && self.track(*id).is_answered(self.opener(*id))
        };
        self.asked_data().filter(of_server).find_map(|id| {
            let came = self.track(id).came_as?.from.ip();
            (came != known).then_some((came, known))
        })
    }

    /// How the server closed a data connection of the asked setup before it had carried anything: a server
    /// that takes no stranger at the other end does that, and does not say why.
    pub(super) fn data_closed_early(&self) -> Option<&Closed> {
        self.asked_data().find_map(|id| {
            let closed = self.connections.get(id).track.closed.as_ref()?;
            let opened_by_server = self.opener(id) == Some(&self.terms.server);
            let by_server = closed.by_opener == opened_by_server;
            let carried_nothing = closed.carried.is_none_or(|bytes| bytes == 0);
            (by_server && (self.terms.upload || carried_nothing)).then_some(closed)
        })
    }

    /// How the server closed the control connection, where it was the first to do so and not asked to.
    pub(super) fn control_closed_by_server(&self) -> Option<&Closed> {
        let control = self.control()?;
        let closed = self.connections.get(control).track.closed.as_ref()?;
        let was_asked = self.talk.quit.is_some_and(|quit| quit.0 < closed.place);
        (!closed.by_opener && !was_asked).then_some(closed)
    }

    /// What stopped a packet by which a node asks for the hardware address of another, or answers.
    pub(super) fn neighbour(&self) -> Option<&Stop> {
        self.neighbour.as_ref()
    }

    /// Where a node that has its address was not found, though no rule is known to have kept it from being found or to have
    /// answered in its place.
    pub(super) fn not_found(&self) -> Option<IpAddr> {
        let mut tracks = self
            .connections
            .iter()
            .map(|(_, connection)| &connection.track);
        tracks.find_map(|track| {
            let Packet::Icmp { about, .. } = track.answers.no_neighbour()? else {
                return None;
            };
            let address = about.as_ref()?.to.ip();
            let rejected = track.stops.iter().any(|stopped| stopped.stop.rejects);
            (!rejected && self.neighbour.is_none() && self.owner_of(address).is_some())
                .then_some(address)
        })
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
        self.talk.server_side.announcements.iter()
    }

    /// Commands and answers as they were on the server's wire.
    pub(super) fn exchanges_at_server(&self) -> &[Exchange] {
        self.talk.exchanges_at_server()
    }

    /// What was seen of a connection.
    pub(super) fn track(&self, id: ConnectionId) -> &Track {
        &self.connections.get(id).track
    }

    /// The flows that a connection has on one wire or another, seen from the side that opened it.
    pub fn flows(&self, id: ConnectionId) -> &[Flow] {
        &self.connections.get(id).flows
    }

    /// What the connection is for that a packet is of, as far as is known by now.
    pub fn role_of(&self, packet: &Packet) -> Option<Role> {
        let flow = match packet {
            Packet::Tcp { flow, .. } => Some(*flow),
            Packet::Icmp { about, .. } => *about,
            Packet::Other { .. } => None,
        }?;
        self.role_of_flow(&flow)
    }

    /// What the connection is for that has a flow, seen from either side.
    pub fn role_of_flow(&self, flow: &Flow) -> Option<Role> {
        let id = self.id_of(flow).or_else(|| self.id_of(&flow.reversed()));
        id.map(|id| self.role(id))
    }

    /// Whether a flow goes the way of its connection's first packet, as it was on some wire.
    pub fn is_forward(&self, flow: &Flow) -> bool {
        self.id_of(flow).is_some()
    }

    /// The announcements made so far, each as it was on the wire of the node that made it, and whether
    /// its line began a segment there.
    pub fn announcements(&self) -> impl Iterator<Item = (&Announcement, bool)> {
        let server_side = if self.terms.client == self.terms.server {
            &self.talk.client_side
        } else {
            &self.talk.server_side
        };
        let by_client = self.talk.client_side.announced(true);
        by_client.chain(server_side.announced(false))
    }
}
