//! Where a ruleset is tried on a class of peers: a named topology, with the class's representative in it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use fwlab_model::{BridgeSpec, IpNet, NextHop, RouteSpec, Topology};
use fwlab_record::{Family, InterfaceName, is_private};
use fwlab_scenario::{Layout, Port, Shape, Stage};

use crate::narrow::narrowed;
use crate::{End, Network, Position, Question, Representative};

/// A named topology, and what more its firewall has.
#[derive(Debug, Clone)]
pub struct Place {
    /// The topology where nothing is known of the peers.
    pub layout: Layout,
    /// Interfaces that the firewall has beside those of its links: nobody is on them.
    pub interfaces: BTreeSet<InterfaceName>,
    /// Addresses that its rules give to what leaves: of a host, its peers find these by way of it.
    pub given: BTreeSet<IpAddr>,
    /// The firewall's own network, where it is known: its interfaces, addresses and routes take the place of the lab's.
    pub network: Option<Network>,
}

impl Place {
    /// Where the firewall stands in it.
    ///
    /// # Panics
    /// When it has no firewall of its own, or two inner sides.
    pub fn position(&self) -> Position {
        match self.layout.shape {
            Shape::ClientFirewall => Position::Client,
            Shape::ServerFirewall => Position::Server,
            Shape::Gateway | Shape::ClientNat => Position::Router,
            Shape::ServerNat => Position::Forwarder,
            Shape::BothNat | Shape::Hairpin => panic!("no classes of peers are known there"),
        }
    }

    /// What is asked of a ruleset here, of one family: whatever nobody chose.
    pub fn question(&self, family: Family, control_port: u16, at_most: usize) -> Question {
        let addressing = &self.layout.addressing;
        let (client, server) = (&addressing.client, &addressing.server);
        let of = |port: &Port| port.address(family);
        let end = |address: Option<IpAddr>, port: &Port| End {
            usual_addresses: address.into_iter().chain(documented(family)).collect(),
            usual_interfaces: vec![port.interface.clone()],
            ..End::default()
        };
        let position = self.position();
        let (ends, taken) = match (position, &addressing.gateway[..]) {
            (Position::Client, _) => ([end(of(server), client), end(of(client), client)], vec![]),
            (Position::Router, [inner, outer]) => (
                [end(of(client), inner), end(of(server), outer)],
                vec![of(inner), of(outer)],
            ),
            (Position::Forwarder, [inner, outer]) => {
                let mut near = end(of(client), inner);
                // Who is in the server's own network comes to it without the gateway.
                near.elsewhere = server.addresses.clone();
                ([near, end(of(inner), outer)], vec![of(server), of(outer)])
            }
            _ => ([end(of(client), server), end(of(server), server)], vec![]),
        };
        Question {
            position,
            family,
            control_port,
            passive_ports: None,
            ends,
            taken: taken
                .into_iter()
                .flatten()
                .chain(self.given.iter().copied())
                .collect(),
            network: self.network.clone(),
            at_most,
        }
    }

    /// The topology with the representative of a class in it.
    pub fn stage(&self, class: &Representative, family: Family, control_port: u16) -> Stage {
        let mut layout = self.layout.clone();
        layout.families = vec![family];
        let position = self.position();
        let addressing = &mut layout.addressing;
        let (client, server) = (&mut addressing.client, &mut addressing.server);
        match (position, &mut addressing.gateway[..]) {
            (Position::Client, _) => {
                put(server, class.address);
                put(client, class.far_address);
                self.end(client, class.interface.as_ref(), class, family);
            }
            (Position::Router, [inner, outer]) => {
                put(client, class.address);
                put(server, class.far_address);
                part(client, server);
                self.end(inner, class.interface.as_ref(), class, family);
                self.end(outer, class.far_interface.as_ref(), class, family);
            }
            (Position::Forwarder, [inner, outer]) => {
                put(client, class.address);
                put(inner, class.far_address);
                self.end(inner, class.interface.as_ref(), class, family);
                self.end(outer, class.far_interface.as_ref(), class, family);
            }
            _ => {
                put(client, class.address);
                put(server, class.far_address);
                self.end(server, class.interface.as_ref(), class, family);
            }
        }
        let mut stage = layout.stage(control_port);
        if let Some(network) = &self.network {
            self.settle(network, class, family, &mut stage);
        }
        self.without_way_back(class, family, &mut stage);
        self.ways_to_given(family, &mut stage);
        if let Some(network) = &self.network
            && matches!(position, Position::Router | Position::Forwarder)
        {
            narrowed(network, family, &mut stage);
        }
        joined(&mut stage.topology);
        self.add_interfaces(&mut stage);
        stage
    }

    /// Gives an end of the firewall's own the class's interface, with the addresses that the host has there.
    fn end(
        &self,
        port: &mut Port,
        interface: Option<&InterfaceName>,
        class: &Representative,
        family: Family,
    ) {
        let Some(interface) = interface else { return };
        port.interface = interface.clone();
        if let Some(network) = &self.network {
            port.addresses = network.on(interface, family);
            // The one that is meant is the one that others know.
            port.addresses
                .sort_by_key(|net| Some(net.addr()) != class.far_address);
        }
    }

    /// Makes the firewall's node the host that is known.
    fn settle(&self, network: &Network, class: &Representative, family: Family, stage: &mut Stage) {
        let own = matches!(self.position(), Position::Server | Position::Forwarder);
        let own = class.far_address.filter(|_| own);
        if let Some(own) = own {
            stage.reached_at = vec![own];
        }
        let Some(firewall) = stage.firewall.clone() else {
            return;
        };
        let here: BTreeSet<InterfaceName> = {
            let here = stage.topology.interfaces_in(&firewall);
            here.map(|one| one.name.clone()).collect()
        };
        let ends = stage.topology.ends_in(&firewall);
        let linked: Vec<IpNet> = ends.flat_map(|end| end.addresses.clone()).collect();
        let first = linked.first().map(IpNet::addr);
        // Before any class is known, the lab's own addresses are at its links, and one of them may be the host's.
        let taken: BTreeSet<IpAddr> = {
            let addresses = stage.topology.addresses();
            addresses.map(|(address, _)| address).collect()
        };
        for node in &mut stage.topology.nodes {
            if node.name == stage.client
                && let (Some(own), Some(first)) = (own, first)
                && !linked.iter().any(|net| net.addr() == own)
            {
                // An address of another interface is reached through this one's.
                node.routes.push(RouteSpec {
                    to: IpNet::from(own),
                    via: NextHop::Neighbour(first),
                });
            }
            if node.name != firewall {
                continue;
            }
            for name in network.spoken(family).filter(|name| !here.contains(*name)) {
                node.bridges.push(BridgeSpec {
                    interface: name.clone(),
                    ports: Vec::new(),
                    addresses: {
                        let mut addresses = network.on(name, family);
                        addresses.retain(|net| !taken.contains(&net.addr()));
                        addresses
                    },
                });
            }
            node.routes.clear();
            for (to, interface) in &network.routes {
                let is_spoken =
                    Family::of(to.addr()) == family && !network.on(interface, family).is_empty();
                let connected = network.on(interface, family);
                let connected = connected.iter().any(|net| net.trunc() == to.trunc());
                let known = node.routes.iter().any(|route| route.to == to.trunc());
                if is_spoken && !connected && !known {
                    node.routes.push(RouteSpec {
                        to: to.trunc(),
                        via: NextHop::Sink(interface.clone()),
                    });
                }
            }
            let settings = network.sysctls.iter();
            node.sysctls
                .extend(settings.map(|(name, value)| (name.clone(), value.clone())));
        }
    }

    /// Beyond a router's public address nobody has a way back to a private one: what comes from there untranslated is answered
    /// in vain. Only of a host that is known: otherwise the addresses are the lab's own.
    fn without_way_back(&self, class: &Representative, family: Family, stage: &mut Stage) {
        let (Some(network), Some(out)) = (&self.network, &class.far_interface) else {
            return;
        };
        let mut outside = network.on(out, family).into_iter();
        let is_public = outside.any(|net| !is_private(net.addr()));
        let is_inside = class.address.is_some_and(is_private);
        if self.position() != Position::Router || !is_public || !is_inside {
            return;
        }
        let ends = stage.topology.ends_in(&stage.server);
        let Some(interface) = ends.map(|end| end.interface.clone()).next() else {
            return;
        };
        let server = stage.server.clone();
        let mut nodes = stage.topology.nodes.iter_mut();
        if let Some(node) = nodes.find(|node| node.name == server) {
            for route in node
                .routes
                .iter_mut()
                .filter(|route| route.to.prefix_len() == 0)
            {
                route.via = NextHop::Sink(interface.clone());
            }
        }
    }

    /// Lets the peer of a host find it by an address that its rules give to what leaves, and that nobody has.
    fn ways_to_given(&self, family: Family, stage: &mut Stage) {
        let peer = match self.position() {
            Position::Server => stage.client.clone(),
            Position::Client => stage.server.clone(),
            Position::Router | Position::Forwarder => return,
        };
        let Some(firewall) = stage.firewall.clone() else {
            return;
        };
        let had: Vec<IpAddr> = stage
            .topology
            .addresses()
            .map(|(address, _)| address)
            .collect();
        let own = {
            let links = stage.topology.ends_in(&firewall);
            let mut own = links.flat_map(|end| end.addresses.iter().map(IpNet::addr));
            own.find(|address| Family::of(*address) == family)
        };
        let Some(own) = own else { return };
        let mut nodes = stage.topology.nodes.iter_mut();
        let Some(node) = nodes.find(|node| node.name == peer) else {
            return;
        };
        let given = self
            .given
            .iter()
            .filter(|given| Family::of(**given) == family);
        node.routes.extend(
            given
                .filter(|given| !had.contains(given))
                .map(|given| RouteSpec {
                    to: IpNet::from(*given),
                    via: NextHop::Neighbour(own),
                }),
        );
    }

    fn add_interfaces(&self, stage: &mut Stage) {
        let Some(firewall) = &stage.firewall else {
            return;
        };
        let here = stage.topology.interfaces_in(firewall);
        let here: BTreeSet<InterfaceName> = here.map(|one| one.name.clone()).collect();
        let nodes = &mut stage.topology.nodes;
        let Some(node) = nodes.iter_mut().find(|node| node.name == *firewall) else {
            return;
        };
        let absent = self.interfaces.difference(&here);
        node.bridges.extend(absent.map(|name| BridgeSpec {
            interface: name.clone(),
            ports: Vec::new(),
            addresses: Vec::new(),
        }));
    }
}

/// Addresses that are kept for documentation (RFC 5737, RFC 3849): nobody's own rules are about them, most likely.
fn documented(family: Family) -> Vec<IpAddr> {
    let written: &[&str] = match family {
        Family::Ipv4 => &["198.51.100.77", "198.51.100.78", "192.0.2.77"],
        Family::Ipv6 => &["2001:db8:51::77", "2001:db8:51::78"],
    };
    let parsed = written.iter().map(|text| text.parse());
    parsed.map(|address| address.expect("an address")).collect()
}

/// Gives a port an address of its own, if it has another.
fn put(port: &mut Port, address: Option<IpAddr>) {
    let Some(address) = address else { return };
    if port.address(Family::of(address)) != Some(address) {
        port.place(&[IpNet::from(address)]);
    }
}

/// Keeps two hosts of one network from looking for each other on their own links: the network is the rules', and the hosts are on
/// different ones.
fn part(one: &mut Port, other: &mut Port) {
    let meets = |one: &Port, other: &Port| {
        let mut nets = one.addresses.iter();
        nets.any(|net| other.addresses.iter().any(|far| net.contains(&far.addr())))
    };
    if !meets(one, other) && !meets(other, one) {
        return;
    }
    for port in [one, other] {
        for net in &mut port.addresses {
            *net = IpNet::from(net.addr());
        }
    }
}

/// Lets the two ends of each link know each other, whatever their prefixes.
fn joined(topology: &mut Topology) {
    for link in &topology.links {
        let [one, other] = &link.ends;
        for (here, there) in [(one, other), (other, one)] {
            let strange = there
                .addresses
                .iter()
                .filter(|far| !here.addresses.iter().any(|net| net.contains(&far.addr())));
            let routes: Vec<RouteSpec> = strange
                .map(|far| RouteSpec {
                    to: IpNet::from(far.addr()),
                    via: NextHop::Link(here.interface.clone()),
                })
                .collect();
            let node = topology
                .nodes
                .iter_mut()
                .find(|node| node.name == here.node);
            if let Some(node) = node {
                node.routes.extend(routes);
            }
        }
    }
}

#[cfg(test)]
mod tests;
