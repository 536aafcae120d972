//! Which connection is what: the control connection, the data connections, and who opened them.

use std::net::{IpAddr, SocketAddr};

use fwlab_ftp::wire::Side;
use fwlab_record::{DataSetup, Flow, NodeName, Packet, Role};

use super::connections::ConnectionId;
use super::failure::ConnectionFailure;
use super::stop::Stop;
use super::terms::Terms;
use super::track::Ends;
use super::tracker::SessionTracker;

impl SessionTracker {
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
    pub(super) fn role(&self, id: ConnectionId) -> Role {
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
            (&self.talk.client_side, self.terms.control),
            (&self.talk.server_side, self.terms.listening),
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
    pub fn failures(&self) -> impl Iterator<Item = (ConnectionId, Role, ConnectionFailure)> + '_ {
        self.connections.iter().filter_map(|(id, connection)| {
            let role = self.role(id);
            let failure = connection.track.failure(self.ends(id, role))?;
            Some((id, role, failure))
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
            latest_line: self.talk.latest_line,
        }
    }

    /// The death that decides the cell: of the control connection, or of a data
    /// connection of the setup that was asked for; the first one.
    pub fn deciding(&self) -> Option<(ConnectionId, Role, ConnectionFailure)> {
        let asked = Role::Data(self.terms.asked);
        self.failures()
            .filter(|(_, role, _)| *role == Role::Control || *role == asked)
            .min_by_key(|(_, _, failure)| failure.at)
    }

    /// The session's control connection: the client's first one to the server.
    pub(super) fn control(&self) -> Option<ConnectionId> {
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
    pub(super) fn asked_data(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        let ids = self.connections.iter().map(|(id, _)| id);
        ids.filter(|id| self.role(*id) == Role::Data(self.terms.asked))
    }

    /// The flows of the control connection, as far as it is known.
    pub fn control_flows(&self) -> &[Flow] {
        self.control().map_or(&[], |control| self.flows(control))
    }

    /// Whether this flow is one of the control connection's.
    pub fn is_control(&self, flow: &Flow) -> bool {
        self.control()
            .is_some_and(|control| self.connections.find(flow) == Some(control))
    }

    /// The node that has an address.
    pub fn owner_of(&self, address: IpAddr) -> Option<&NodeName> {
        self.terms.owners.get(&address)
    }

    /// Who sent a packet of the control connection, and its sequence number.
    pub(super) fn side_of(&self, packet: &Packet) -> Option<(Side, u32)> {
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

    /// The rule that sent a connection to where nobody waits for it.
    pub(super) fn sent_away(&self, id: ConnectionId, role: Role) -> Option<&Stop> {
        let connection = self.connections.get(id);
        let rule = connection.track.translations.first()?;
        let Packet::Tcp { flow: before, .. } = rule.packet else {
            return None;
        };
        let is_meant = |to: SocketAddr| match role {
            Role::Control => to == self.terms.listening,
            _ => {
                let sides = [
                    (&self.talk.client_side, self.terms.control),
                    (&self.talk.server_side, self.terms.listening),
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
}
