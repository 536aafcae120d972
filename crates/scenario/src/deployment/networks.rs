//! A topology as networks: who is in which, so that more hosts can join.

use fwlab_model::{BridgeSpec, LinkEnd, LinkSpec, NextHop, NodeSpec, Topology};
use fwlab_record::{InterfaceName, NodeName};

/// What a router's interface is called behind which a private network is.
const INSIDE: &str = "lan";

/// Nodes, and the networks between them.
pub(super) struct Networks {
    /// Their bridges are the networks'.
    pub(super) nodes: Vec<NodeSpec>,
    pub(super) networks: Vec<Network>,
}

/// A network: a link between two, or a bridge where more meet.
pub(super) struct Network {
    pub(super) members: Vec<LinkEnd>,
    /// The router that bridges it, being its inside; without, a switch does.
    router: Option<NodeName>,
    mtu: Option<u32>,
}

impl Networks {
    /// The networks of nodes and links, in the order of the links.
    pub(super) fn of(topology: Topology) -> Networks {
        let Topology { mut nodes, links } = topology;
        let mut networks: Vec<Network> = Vec::new();
        for LinkSpec { ends, mtu } in links {
            let Some((host, bridge)) = bridged(&nodes, &ends) else {
                let inside = ends.iter().find(|end| end.interface.as_str() == INSIDE);
                networks.push(Network {
                    router: inside.map(|end| end.node.clone()),
                    members: ends.into(),
                    mtu,
                });
                continue;
            };
            let mut known = networks.iter_mut();
            match known.find(|network| network.members.contains(&bridge)) {
                Some(network) => network.members.push(host),
                None => networks.push(Network {
                    router: Some(bridge.node.clone()),
                    members: vec![bridge, host],
                    mtu,
                }),
            }
        }
        nodes.iter_mut().for_each(|node| node.bridges.clear());
        Networks { nodes, networks }
    }

    /// The interfaces in all networks.
    pub(super) fn members(&self) -> impl Iterator<Item = &LinkEnd> {
        self.networks.iter().flat_map(|network| &network.members)
    }

    pub(super) fn members_mut(&mut self) -> impl Iterator<Item = &mut LinkEnd> {
        let networks = self.networks.iter_mut();
        networks.flat_map(|network| &mut network.members)
    }

    /// Puts a host into the network of another, behind it, with routes like its own.
    pub(super) fn join(&mut self, beside: &NodeName, host: LinkEnd) {
        let mut nodes = self.nodes.iter();
        if let Some(at) = nodes.position(|node| node.name == *beside) {
            let node = NodeSpec {
                name: host.node.clone(),
                ..self.nodes[at].clone()
            };
            self.nodes.insert(at + 1, node);
        }
        for Network { members, .. } in &mut self.networks {
            if let Some(at) = members.iter().position(|end| end.node == *beside) {
                members.insert(at + 1, host);
                return;
            }
        }
    }

    /// Gives an interface of a node another name in the node's routes.
    pub(super) fn rename(&mut self, node: &NodeName, was: &InterfaceName, now: &InterfaceName) {
        let nodes = self.nodes.iter_mut().filter(|one| one.name == *node);
        for route in nodes.flat_map(|node| &mut node.routes) {
            if let NextHop::Sink(interface) = &mut route.via
                && interface == was
            {
                interface.clone_from(now);
            }
        }
    }

    /// Nodes and links again. Two members are on a link; more are on the bridge of the router whose inside it is, as
    /// behind a home router, or on a switch of their own.
    pub(super) fn laid_out(self) -> Topology {
        let Networks { nodes, networks } = self;
        let links = Vec::new();
        let mut topology = Topology { nodes, links };
        for network in networks {
            let Network {
                members,
                router,
                mtu,
            } = network;
            match <[LinkEnd; 2]>::try_from(members) {
                Ok(ends) => topology.links.push(LinkSpec { ends, mtu }),
                Err(members) => bridge(&mut topology, members, router, mtu),
            }
        }
        topology
    }
}

/// Of a link at the port of a bridge, its other end, and the bridge itself.
fn bridged(nodes: &[NodeSpec], ends: &[LinkEnd; 2]) -> Option<(LinkEnd, LinkEnd)> {
    let at_port = |port: &LinkEnd| {
        let node = nodes.iter().find(|node| node.name == port.node)?;
        let mut bridges = node.bridges.iter();
        let bridge = bridges.find(|bridge| bridge.ports.contains(&port.interface))?;
        Some(LinkEnd {
            node: node.name.clone(),
            interface: bridge.interface.clone(),
            addresses: bridge.addresses.clone(),
        })
    };
    let [one, other] = ends;
    at_port(other)
        .map(|bridge| (one.clone(), bridge))
        .or_else(|| Some((other.clone(), at_port(one)?)))
}

fn bridge(
    topology: &mut Topology,
    mut hosts: Vec<LinkEnd>,
    router: Option<NodeName>,
    mtu: Option<u32>,
) {
    let router = hosts
        .iter()
        .position(|host| Some(&host.node) == router.as_ref());
    let middle = match router {
        Some(at) => hosts.remove(at),
        None => {
            let switch = NodeName::new("switch").expect("it is a name");
            topology.nodes.push(NodeSpec::new(switch.clone()));
            LinkEnd {
                node: switch,
                interface: interface("br0"),
                addresses: Vec::new(),
            }
        }
    };
    let mut ports = Vec::new();
    for (number, host) in hosts.into_iter().enumerate() {
        let port = interface(&format!("port{}", number + 1));
        let there = LinkEnd {
            node: middle.node.clone(),
            interface: port.clone(),
            addresses: Vec::new(),
        };
        let ends = [host, there];
        topology.links.push(LinkSpec { ends, mtu });
        ports.push(port);
    }
    let mut nodes = topology.nodes.iter_mut();
    if let Some(node) = nodes.find(|node| node.name == middle.node) {
        node.bridges.push(BridgeSpec {
            interface: middle.interface,
            ports,
            addresses: middle.addresses,
        });
    }
}

pub(super) fn interface(name: &str) -> InterfaceName {
    InterfaceName::new(name).expect("the lab's interface names are valid")
}
