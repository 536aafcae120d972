//! A shape, and what a scenario says of it: other addresses, other names of interfaces, more hosts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fwlab_model::{IpNet, LinkEnd, NextHop};
use fwlab_record::{Family, NodeName};

use super::addressing::family_of;
use super::networks::{Networks, interface};
use super::{Addressing, Deployment, Port, Shape};

/// A named topology with all that can be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Where the firewall stands.
    pub shape: Shape,
    /// Who has which address.
    pub addressing: Addressing,
    /// How many clients there are, one beside the other: `client`, `client2`, …
    pub clients: u8,
    /// Whether a host `third` is in the server's network.
    pub third: bool,
    /// The families that are spoken. A node is silent in the others.
    pub families: Vec<Family>,
}

/// The number of `third` in the server's network, so that a scenario can name it. `::66` is written as it is read.
const THIRD: [u128; 2] = [66, 0x66];

impl Layout {
    /// The shape as it is where nothing more is said: one client, no third host, IPv4.
    pub fn new(shape: Shape) -> Layout {
        Layout {
            shape,
            addressing: Addressing::of(&Networks::of(shape.deployment().topology)),
            clients: 1,
            third: false,
            families: vec![Family::Ipv4],
        }
    }

    /// Lays it out.
    pub fn deployment(&self, control_port: u16) -> Deployment {
        let own = self.shape.deployment();
        let mut networks = Networks::of(own.topology);
        let before = Addressing::of(&networks);
        // By way of names that nobody has: two interfaces of a node may take each other's.
        let between: Vec<Port> = self
            .addressing
            .ports()
            .zip(0..)
            .map(|((_, now), number)| Port {
                interface: interface(&format!("~{number}")),
                ..now.clone()
            })
            .collect();
        for ((node, was), between) in before.ports().zip(&between) {
            take(&mut networks, &node, was, between);
        }
        for (between, (node, now)) in between.iter().zip(self.addressing.ports()) {
            take(&mut networks, &node, between, now);
        }
        let speaks = |net: &IpNet| self.families.contains(&family_of(net));
        let moved = |address: IpAddr| self.addressing.in_place_of(address, &before);
        for node in &mut networks.nodes {
            node.routes.retain(|route| speaks(&route.to));
            for route in &mut node.routes {
                if let NextHop::Neighbour(via) = &mut route.via {
                    *via = moved(*via);
                }
            }
        }
        for end in networks.members_mut() {
            end.addresses.retain(speaks);
        }
        self.join_hosts(&mut networks);
        let reached_at = match own.reached_at.is_empty() {
            true => before.server.firsts().map(|net| net.addr()).collect(),
            false => own.reached_at,
        };
        let reached_at = self.families.iter().filter_map(|family| {
            let mut known = reached_at.iter().copied();
            known.find(|one| Family::of(*one) == *family).map(moved)
        });
        Deployment {
            reached_at: reached_at.collect(),
            connect_port: control_port,
            topology: networks.laid_out(),
            ..own
        }
    }

    /// The further clients, each with the addresses after those of the one before, and the third host.
    fn join_hosts(&self, networks: &mut Networks) {
        let Addressing { client, server, .. } = &self.addressing;
        let mut last = NodeName::client();
        for number in 1..self.clients {
            let name = NodeName::new(format!("client{}", number + 1)).expect("it is a name");
            // The second address of an interface is its host's alone.
            let firsts = client.of(&self.families);
            let addresses = firsts.firsts().map(|net| counted_on(net, number.into()));
            let host = LinkEnd {
                node: name.clone(),
                interface: client.interface.clone(),
                addresses: addresses.collect(),
            };
            networks.join(&last, host);
            last = name;
        }
        if self.third {
            let numbered = |net: IpNet| {
                let network = with_address(net, net.network());
                counted_on(network, THIRD[usize::from(net.addr().is_ipv6())])
            };
            let firsts = server.of(&self.families);
            let host = LinkEnd {
                node: NodeName::third(),
                interface: interface("e0"),
                addresses: firsts.firsts().map(numbered).collect(),
            };
            let (was, now) = (server.interface.clone(), host.interface.clone());
            networks.join(&NodeName::server(), host);
            networks.rename(&NodeName::third(), &was, &now);
        }
    }
}

/// Gives a node's interface another name and other addresses. Who is in the network outside of a gateway and no peer
/// moves along.
fn take(networks: &mut Networks, node: &NodeName, was: &Port, now: &Port) {
    let is_gateway = *node == NodeName::gateway();
    for network in &mut networks.networks {
        let mut members = network.members.iter();
        let is_it = |end: &LinkEnd| end.node == *node && end.interface == was.interface;
        let Some(at) = members.position(is_it) else {
            continue;
        };
        network.members[at].interface = now.interface.clone();
        network.members[at].addresses.clone_from(&now.addresses);
        let peers = [NodeName::client(), NodeName::server(), NodeName::gateway()];
        for end in &mut network.members {
            if is_gateway && !peers.contains(&end.node) {
                for net in &mut end.addresses {
                    *net = moved_along(*net, was, now);
                }
            }
        }
    }
    networks.rename(node, &was.interface, &now.interface);
}

/// An address that is as far from a port's new one as it was from its old.
fn moved_along(net: IpNet, was: &Port, now: &Port) -> IpNet {
    let family = family_of(&net);
    let first = |port: &Port| port.firsts().find(|one| family_of(one) == family);
    match (first(was), first(now)) {
        (Some(was), Some(now)) => counted_on(now, bits(net.addr()).wrapping_sub(bits(was.addr()))),
        _ => net,
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address that many after it, with the same prefix length.
fn counted_on(net: IpNet, by: u128) -> IpNet {
    let sum = bits(net.addr()).wrapping_add(by);
    let address = match net {
        // Of IPv4 the lower bits are the address.
        IpNet::V4(_) => Ipv4Addr::from_bits(sum as u32).into(),
        IpNet::V6(_) => Ipv6Addr::from_bits(sum).into(),
    };
    with_address(net, address)
}

fn with_address(net: IpNet, address: IpAddr) -> IpNet {
    IpNet::new(address, net.prefix_len()).expect("a prefix length that its family has")
}
