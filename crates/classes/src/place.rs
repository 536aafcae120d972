//! Where a ruleset is tried on a class of peers: a named topology, with the class's representative in it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use fwlab_model::{BridgeSpec, IpNet, NextHop, RouteSpec};
use fwlab_record::{Family, InterfaceName};
use fwlab_scenario::{Deployment, Layout, Port, Shape};

use crate::narrow::narrowed;
use crate::ways::{joined, keep_apart};
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
    /// When it has two gateways.
    pub fn position(&self) -> Position {
        match self.layout.shape {
            Shape::ClientFirewall => Position::Client,
            Shape::ServerFirewall => Position::Server,
            Shape::Gateway | Shape::ClientNat => Position::Router,
            Shape::ServerNat => Position::Forwarder,
            Shape::Hairpin => Position::Hairpin,
            Shape::BothNat => panic!("no classes of peers are known there"),
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
            (Position::Hairpin, [inner, outer]) => {
                let mut near = end(of(client), inner);
                near.within = self.inside(family).into_iter().collect();
                // Clients connect to the outer address.
                ([near, end(of(outer), outer)], vec![of(server), of(inner)])
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

    /// The network that the server of a gateway is in.
    pub fn inside(&self, family: Family) -> Option<IpNet> {
        let mut addresses = self.layout.addressing.server.addresses.iter();
        let own = *addresses.find(|net| Family::of(net.addr()) == family)?;
        let known = self.network.as_ref().and_then(|network| {
            let interface = network.towards(own.addr())?;
            let mut nets = network.on(&interface, family).into_iter();
            nets.find(|net| net.contains(&own.addr()))
        });
        Some(known.unwrap_or(own).trunc())
    }

    /// The topology with the representative of a class in it.
    pub fn deployment(
        &self,
        class: &Representative,
        family: Family,
        control_port: u16,
    ) -> Deployment {
        let mut layout = self.layout.clone();
        layout.families = vec![family];
        let position = self.position();
        let inside = self.inside(family);
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
                keep_apart(client, server, family);
                self.end(inner, class.interface.as_ref(), class, family);
                self.end(outer, class.far_interface.as_ref(), class, family);
            }
            (Position::Forwarder, [inner, outer]) => {
                put(client, class.address);
                put(inner, class.far_address);
                self.end(inner, class.interface.as_ref(), class, family);
                self.end(outer, class.far_interface.as_ref(), class, family);
            }
            (Position::Hairpin, [inner, outer]) => {
                self.end(inner, class.interface.as_ref(), class, family);
                self.outside(outer, inner, class, family);
                let own = server.address(family);
                for (port, address) in [(client, class.address), (server, own)] {
                    let placed = address.zip(inside);
                    let placed =
                        placed.and_then(|(one, net)| IpNet::new(one, net.prefix_len()).ok());
                    port.place(placed.as_slice());
                }
            }
            _ => {
                put(client, class.address);
                put(server, class.far_address);
                self.end(server, class.interface.as_ref(), class, family);
            }
        }
        let mut deployment = layout.deployment(control_port);
        if let (Position::Hairpin, Some(own)) = (position, class.far_address) {
            deployment.reached_at = vec![own];
        }
        if let Some(network) = &self.network {
            self.settle(network, class, family, &mut deployment);
        }
        self.without_way_back(class, family, &mut deployment);
        self.ways_to_given(family, &mut deployment);
        self.by_way_of_the_host(family, &mut deployment);
        if let Some(network) = &self.network
            && matches!(position, Position::Router | Position::Forwarder)
        {
            narrowed(network, family, &mut deployment);
        }
        joined(&mut deployment.topology);
        self.add_interfaces(&mut deployment);
        deployment
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

    /// Gives the gateway's end that no peer is on the address that clients connect to, unless it is one of the inside.
    fn outside(&self, outer: &mut Port, inner: &Port, class: &Representative, family: Family) {
        let is_inside = |net: &IpNet| Some(net.addr()) == class.far_address;
        if let Some(network) = &self.network {
            let of = class.far_address.and_then(|own| {
                let mut own_addresses = network.own(family);
                own_addresses.find(|(_, address)| *address == own)
            });
            let known = of.map(|(interface, _)| interface);
            let known = known.filter(|interface| **interface != inner.interface);
            let others = network.spoken(family);
            let mut others = others.filter(|interface| **interface != inner.interface);
            if let Some(interface) = known.or_else(|| others.next()) {
                self.end(outer, Some(interface), class, family);
            }
        } else if !inner.addresses.iter().any(is_inside) {
            put(outer, class.far_address);
        }
        if outer.interface == inner.interface {
            outer.interface = InterfaceName::new("outside").expect("a name");
        }
    }

    /// Makes the firewall's node the host that is known.
    fn settle(
        &self,
        network: &Network,
        class: &Representative,
        family: Family,
        deployment: &mut Deployment,
    ) {
        let own = self.position() == Position::Server || self.position().forwards();
        let own = class.far_address.filter(|_| own);
        if let Some(own) = own {
            deployment.reached_at = vec![own];
        }
        let Some(firewall) = deployment.firewall.clone() else {
            return;
        };
        let here: BTreeSet<InterfaceName> = {
            let here = deployment.topology.interfaces_in(&firewall);
            here.map(|one| one.name.clone()).collect()
        };
        let ends = deployment.topology.ends_in(&firewall);
        let linked: Vec<IpNet> = ends.flat_map(|end| end.addresses.clone()).collect();
        let first = linked.first().map(IpNet::addr);
        // Before any class is known, the lab's own addresses are at its links, and one of them may be the host's.
        let taken: BTreeSet<IpAddr> = {
            let addresses = deployment.topology.addresses();
            addresses.map(|(address, _)| address).collect()
        };
        for node in &mut deployment.topology.nodes {
            if node.name == deployment.client
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
            let spoken: BTreeSet<&InterfaceName> = network.spoken(family).collect();
            let is_here = |name: &InterfaceName| here.contains(name) || spoken.contains(name);
            let settings = network.sysctls.iter();
            let settings =
                settings.filter(|setting| setting.interface.as_ref().is_none_or(is_here));
            node.sysctls
                .extend(settings.map(|setting| (setting.name.clone(), setting.value.clone())));
        }
    }

    fn add_interfaces(&self, deployment: &mut Deployment) {
        let Some(firewall) = &deployment.firewall else {
            return;
        };
        let here = deployment.topology.interfaces_in(firewall);
        let here: BTreeSet<InterfaceName> = here.map(|one| one.name.clone()).collect();
        let nodes = &mut deployment.topology.nodes;
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

#[cfg(test)]
mod tests;
