//! Where a scenario plays: the topology, and who is who in it.

mod addressing;
mod layout;
mod long_form;
mod networks;
mod shape;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use fwlab_model::ruleset::Side;
use fwlab_model::{NextHop, Topology};
use fwlab_record::{Family, NodeName};

pub use addressing::{Addressing, Port};
pub use layout::Layout;
pub use shape::Shape;

/// A topology with its roles: who is client, who is server, who loads the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// What the fabric builds.
    pub topology: Topology,
    /// The node that loads the rulesets that do not say where they belong.
    pub firewall: Option<NodeName>,
    /// The node that the client runs on.
    pub client: NodeName,
    /// The node that the server runs on.
    pub server: NodeName,
    /// The addresses that the client knows the server by, at most one a family; of the
    /// families that are not among them, the server's own.
    pub reached_at: Vec<IpAddr>,
    /// The port that the client connects to.
    pub connect_port: u16,
}

impl Deployment {
    /// Where the client connects to in cells of a family; `None` where the topology has
    /// no such address.
    pub fn connect_to(&self, family: Family) -> Option<SocketAddr> {
        let mut known = self.reached_at.iter().copied();
        let known = known.find(|address| Family::of(*address) == family);
        let address = known.or_else(|| self.server_address(family))?;
        Some(SocketAddr::new(address, self.connect_port))
    }

    /// The server's own address of a family: the first of its node.
    pub fn server_address(&self, family: Family) -> Option<IpAddr> {
        let mut addresses = self.topology.addresses();
        let (address, _) = addresses
            .find(|(address, node)| **node == self.server && Family::of(*address) == family)?;
        Some(address)
    }

    /// The address that the server listens on in cells of a family: the one that the
    /// client connects to, where the server's node has it, and its own otherwise; of several, all, since address translation may lead
    /// to any.
    pub fn listens_on(&self, family: Family) -> Option<IpAddr> {
        let target = self.connect_to(family)?.ip();
        if self.owner_of(target) == Some(&self.server) {
            return Some(target);
        }
        let addresses = self.topology.addresses();
        let own = addresses
            .filter(|(address, node)| **node == self.server && Family::of(*address) == family);
        match (own.count(), family) {
            (0 | 1, _) => self.server_address(family),
            (_, Family::Ipv4) => Some(Ipv4Addr::UNSPECIFIED.into()),
            (_, Family::Ipv6) => Some(Ipv6Addr::UNSPECIFIED.into()),
        }
    }

    /// Whether clients can mean an address: a node has it, or the client has a route by way of a neighbour to it, so that
    /// address translation may lead it on.
    pub(crate) fn is_reachable(&self, address: IpAddr) -> bool {
        let mut nodes = self.topology.nodes.iter();
        let client = nodes.find(|node| node.name == self.client);
        let routes = client
            .map(|node| node.routes.as_slice())
            .unwrap_or_default();
        let ends: Vec<_> = self.topology.ends_in(&self.client).collect();
        let is_on_link = |address: &IpAddr| {
            let mut nets = ends.iter().flat_map(|end| &end.addresses);
            nets.any(|net| net.contains(address))
        };
        let leads_on = |via: &NextHop| matches!(via, NextHop::Neighbour(via) if is_on_link(via));
        let mut led_on = routes.iter().filter(|route| leads_on(&route.via));
        self.owner_of(address).is_some()
            || (!is_on_link(&address) && led_on.any(|route| route.to.contains(&address)))
    }

    /// The node that has an address, loopback addresses being the client's own.
    pub fn owner_of(&self, address: IpAddr) -> Option<&NodeName> {
        if address.is_loopback() {
            return Some(&self.client);
        }
        let mut addresses = self.topology.addresses();
        addresses
            .find(|(one, _)| *one == address)
            .map(|(_, node)| node)
    }

    /// Where a firewall on that node stands: on the server, on a router, or, like any
    /// other host, where connections are opened.
    pub fn side_of(&self, node: &NodeName) -> Side {
        if *node == self.server {
            Side::Server
        } else if self.topology.node(node).is_some_and(|node| node.forwards) {
            Side::Gateway
        } else {
            Side::Client
        }
    }

    /// The control port as a firewall on that side sees it first, which the server's is
    /// only where no NAT has changed it.
    pub fn control_port_at(&self, side: Side, listening: u16) -> u16 {
        match side {
            Side::Server => listening,
            Side::Client | Side::Gateway => self.connect_port,
        }
    }
}

#[cfg(test)]
mod tests;
