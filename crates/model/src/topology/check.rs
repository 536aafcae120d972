//! What a topology cannot be. Each function tells of one part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::mistake::{Part, TopologyMistake, TopologyProblem as Problem};
use super::{Interface, NextHop, NodeSpec, Topology};
use fwlab_record::{Family, InterfaceName, NodeName};

/// An interface by its node and name.
type Place<'a> = (&'a NodeName, &'a InterfaceName);

struct Mistakes(Vec<TopologyMistake>);

impl Mistakes {
    fn add(&mut self, part: Part, problem: Problem) {
        self.0.push(TopologyMistake { part, problem });
    }
}

impl Topology {
    /// Everything that keeps this topology from being built, all at once.
    pub fn mistakes(&self) -> Vec<TopologyMistake> {
        let mut mistakes = Mistakes(Vec::new());
        self.check_nodes(&mut mistakes);
        self.check_links(&mut mistakes);
        self.check_bridges(&mut mistakes);
        self.check_addresses(&mut mistakes);
        self.check_networks(&mut mistakes);
        for (at, node) in self.nodes.iter().enumerate() {
            self.check_routes(at, node, &mut mistakes);
        }
        mistakes.0
    }

    fn check_nodes(&self, mistakes: &mut Mistakes) {
        let mut names = BTreeSet::new();
        for (at, node) in self.nodes.iter().enumerate() {
            if !names.insert(&node.name) {
                mistakes.add(Part::Node(at), Problem::DuplicateNode(node.name.clone()));
            }
        }
    }

    fn check_links(&self, mistakes: &mut Mistakes) {
        let mut interfaces: BTreeSet<Place<'_>> = BTreeSet::new();
        for (at, link) in self.links.iter().enumerate() {
            let [one, other] = &link.ends;
            if one.node == other.node {
                mistakes.add(Part::Link(at), Problem::LoopLink(one.node.clone()));
            }
            for (end_at, end) in link.ends.iter().enumerate() {
                let part = Part::End {
                    link: at,
                    end: end_at,
                };
                if self.node(&end.node).is_none() {
                    mistakes.add(part.clone(), Problem::UnknownNode(end.node.clone()));
                }
                if !interfaces.insert((&end.node, &end.interface)) {
                    let problem = Problem::DuplicateInterface {
                        node: end.node.clone(),
                        interface: end.interface.clone(),
                    };
                    mistakes.add(part, problem);
                }
            }
            let Some(mtu) = link.mtu else { continue };
            if mtu > 65535 {
                mistakes.add(Part::Link(at), Problem::WideLink(mtu));
            }
            let members = self.network_of((&one.node, &one.interface));
            let carries = |family: Family| {
                let addresses = members.iter().flat_map(|member| member.addresses);
                let mut families = addresses.map(|net| Family::of(net.addr()));
                families.any(|one| one == family)
            };
            for (family, least) in [(Family::Ipv4, 68), (Family::Ipv6, 1280)] {
                if mtu < least && carries(family) {
                    let problem = Problem::NarrowLink { mtu, family, least };
                    mistakes.add(Part::Link(at), problem);
                }
            }
        }
        for (at, node) in self.nodes.iter().enumerate() {
            for (bridge_at, bridge) in node.bridges.iter().enumerate() {
                if !interfaces.insert((&node.name, &bridge.interface)) {
                    let part = Part::Bridge {
                        node: at,
                        bridge: bridge_at,
                    };
                    let problem = Problem::DuplicateInterface {
                        node: node.name.clone(),
                        interface: bridge.interface.clone(),
                    };
                    mistakes.add(part, problem);
                }
            }
        }
    }

    fn check_bridges(&self, mistakes: &mut Mistakes) {
        for (at, node) in self.nodes.iter().enumerate() {
            let mut ports = BTreeSet::new();
            for (bridge_at, bridge) in node.bridges.iter().enumerate() {
                let part = || Part::Bridge {
                    node: at,
                    bridge: bridge_at,
                };
                for port in &bridge.ports {
                    if !ports.insert(port) {
                        let problem = Problem::DuplicatePort {
                            node: node.name.clone(),
                            port: port.clone(),
                        };
                        mistakes.add(part(), problem);
                    }
                    let Some(end) = self.ends_in(&node.name).find(|end| end.interface == *port)
                    else {
                        let problem = Problem::UnknownPort {
                            node: node.name.clone(),
                            bridge: bridge.interface.clone(),
                            port: port.clone(),
                        };
                        mistakes.add(part(), problem);
                        continue;
                    };
                    for address in &end.addresses {
                        let problem = Problem::AddressOnPort {
                            node: node.name.clone(),
                            port: port.clone(),
                            address: *address,
                        };
                        let part = Part::Address {
                            node: node.name.clone(),
                            interface: port.clone(),
                            address: *address,
                        };
                        mistakes.add(part, problem);
                    }
                }
            }
        }
    }

    fn check_addresses(&self, mistakes: &mut Mistakes) {
        let mut addresses = BTreeSet::new();
        for interface in self.interfaces() {
            for address in interface.addresses {
                let part = || Part::Address {
                    node: interface.node.clone(),
                    interface: interface.name.clone(),
                    address: *address,
                };
                if !is_of_a_host(*address) {
                    mistakes.add(part(), Problem::NoHost(*address));
                }
                if !addresses.insert(address.addr()) {
                    mistakes.add(part(), Problem::DuplicateAddress(address.addr()));
                }
            }
        }
    }

    /// In a network, which is a link or what bridges make of several, everybody who has
    /// an address must have somebody to reach with it.
    fn check_networks(&self, mistakes: &mut Mistakes) {
        let mut seen: BTreeSet<Place<'_>> = BTreeSet::new();
        for interface in self.interfaces() {
            if seen.contains(&(interface.node, interface.name)) {
                continue;
            }
            let members = self.network_of((interface.node, interface.name));
            seen.extend(members.iter().map(|member| (member.node, member.name)));
            let mut told: BTreeSet<IpNet> = BTreeSet::new();
            for member in &members {
                for &near in member.addresses {
                    // A host's route alone promises no neighbours.
                    if near.prefix_len() == near.max_prefix_len() || told.contains(&near) {
                        continue;
                    }
                    let others = members
                        .iter()
                        .filter(|other| (other.node, other.name) != (member.node, member.name))
                        .flat_map(|other| other.addresses)
                        .filter(|far| far.addr().is_ipv4() == near.addr().is_ipv4());
                    let others: Vec<&IpNet> = others.collect();
                    let problem = match others.first() {
                        None if self.has_no_ports(member) => continue,
                        None => Problem::Alone(near),
                        Some(_) if others.iter().any(|far| near.contains(&far.addr())) => continue,
                        // Nor is anybody lost to whom a route of its own leads.
                        Some(_) if others.iter().any(|far| self.leads(member, far.addr())) => {
                            continue;
                        }
                        Some(&&other) => {
                            // Told once, and not from both sides.
                            told.extend(
                                others
                                    .iter()
                                    .copied()
                                    .filter(|far| !far.contains(&near.addr())),
                            );
                            Problem::ApartOnLink { one: near, other }
                        }
                    };
                    let part = Part::Address {
                        node: member.node.clone(),
                        interface: member.name.clone(),
                        address: near,
                    };
                    mistakes.add(part, problem);
                }
            }
        }
    }

    /// The interfaces that hear each other without a router, beginning with this one.
    fn network_of<'a>(&'a self, start: Place<'a>) -> Vec<super::Interface<'a>> {
        let mut joined: BTreeMap<Place<'_>, Vec<Place<'_>>> = BTreeMap::new();
        let mut join = |one: Place<'a>, other: Place<'a>| {
            joined.entry(one).or_default().push(other);
            joined.entry(other).or_default().push(one);
        };
        for link in &self.links {
            let [one, other] = &link.ends;
            join((&one.node, &one.interface), (&other.node, &other.interface));
        }
        for node in &self.nodes {
            for bridge in &node.bridges {
                for port in &bridge.ports {
                    join((&node.name, &bridge.interface), (&node.name, port));
                }
            }
        }
        let mut network = vec![start];
        let mut at = 0;
        while let Some(place) = network.get(at).copied() {
            for next in joined.get(&place).into_iter().flatten() {
                if !network.contains(next) {
                    network.push(*next);
                }
            }
            at += 1;
        }
        self.interfaces()
            .filter(|interface| network.contains(&(interface.node, interface.name)))
            .collect()
    }

    /// Whether an interface is a bridge to which nothing is joined: nobody was meant to be there.
    fn has_no_ports(&self, interface: &Interface<'_>) -> bool {
        let bridges = self.node(interface.node).map(|node| &node.bridges);
        let mut bridges = bridges.into_iter().flatten();
        bridges.any(|bridge| bridge.interface == *interface.name && bridge.ports.is_empty())
    }

    /// Whether an interface's node has an on-link route out of it to an address.
    fn leads(&self, interface: &Interface<'_>, to: IpAddr) -> bool {
        let routes = self.node(interface.node).map(|node| &node.routes);
        routes.into_iter().flatten().any(|route| {
            matches!(&route.via, NextHop::Link(by) if by == interface.name)
                && route.to.contains(&to)
        })
    }

    fn check_routes(&self, at: usize, node: &NodeSpec, mistakes: &mut Mistakes) {
        let name = || node.name.clone();
        let own = |address: IpAddr| {
            let mut nets = self
                .interfaces_in(&node.name)
                .flat_map(|interface| interface.addresses);
            nets.any(|net| net.addr() == address)
        };
        let on_link = |address: IpAddr| {
            let mut nets = self
                .interfaces_in(&node.name)
                .flat_map(|interface| interface.addresses);
            let mut on_link = node
                .routes
                .iter()
                .filter(|route| matches!(route.via, NextHop::Link(_)));
            nets.any(|net| net.contains(&address))
                || on_link.any(|route| route.to.contains(&address))
        };
        let mut prefixes = BTreeSet::new();
        for (route_at, route) in node.routes.iter().enumerate() {
            let part = || Part::Route {
                node: at,
                route: route_at,
            };
            if !prefixes.insert(route.to.trunc()) {
                let to = route.to;
                mistakes.add(part(), Problem::DuplicateRoute { node: name(), to });
            }
            match &route.via {
                NextHop::Neighbour(via) => {
                    let via = *via;
                    if via.is_ipv4() != route.to.addr().is_ipv4() {
                        let to = route.to;
                        let node = name();
                        mistakes.add(part(), Problem::MixedFamilies { node, to, via });
                    } else if own(via) {
                        mistakes.add(part(), Problem::NextHopIsOwn { node: name(), via });
                    } else if !on_link(via) {
                        mistakes.add(part(), Problem::NextHopOffLink { node: name(), via });
                    }
                }
                NextHop::Link(interface) | NextHop::Sink(interface) => {
                    let mut here = self.interfaces_in(&node.name);
                    let has_address =
                        |net: &IpNet| net.addr().is_ipv4() == route.to.addr().is_ipv4();
                    if !here
                        .any(|one| one.name == interface && one.addresses.iter().any(has_address))
                    {
                        let interface = interface.clone();
                        let node = name();
                        mistakes.add(part(), Problem::RouteOffLink { node, interface });
                    }
                }
            }
        }
    }
}

/// Whether an interface can be given the address.
fn is_of_a_host(net: IpNet) -> bool {
    let address = net.addr();
    if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
        return false;
    }
    match net {
        // RFC 3021: of two addresses, both are hosts'.
        IpNet::V4(net) if net.prefix_len() < 31 => {
            net.addr() != net.network() && net.addr() != net.broadcast()
        }
        IpNet::V4(net) => !net.addr().is_broadcast(),
        IpNet::V6(_) => true,
    }
}

#[cfg(test)]
mod tests;
