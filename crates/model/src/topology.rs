use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{InterfaceName, NodeName};

/// Nodes, links, addresses and routes: everything of a lab but its rules and peers.
///
/// Plain data; the fabric builds it. A topology made by hand should be passed
/// through [`Topology::mistakes`] first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// The nodes, in the order in which they are made.
    pub nodes: Vec<NodeSpec>,
    /// The links between them.
    pub links: Vec<LinkSpec>,
}

/// A node: a network namespace with rules, routes and sysctls of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Its name, unique in the topology.
    pub name: NodeName,
    /// Whether it forwards packets between its links (`net.ipv4.ip_forward` and its IPv6 twin).
    pub forwards: bool,
    /// Routes beside those of its own links.
    pub routes: Vec<RouteSpec>,
    /// Further per-namespace sysctls, by dotted name (`net.ipv4.tcp_syn_retries`), in order of name.
    pub sysctls: BTreeMap<String, String>,
}

impl NodeSpec {
    /// A node with nothing but a name.
    pub fn new(name: NodeName) -> NodeSpec {
        NodeSpec {
            name,
            forwards: false,
            routes: Vec::new(),
            sysctls: BTreeMap::new(),
        }
    }
}

/// A route beside those of a node's own links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSpec {
    /// The destination prefix; `0.0.0.0/0` and `::/0` are the default routes.
    pub to: IpNet,
    /// Where its packets go.
    pub via: NextHop,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NextHop {
    /// To a neighbour on a link of this node.
    Neighbour(IpAddr),
    /// Out of this interface, and to nobody: as the Internet swallows a packet to an
    /// address that leads nowhere. Nothing comes back, no ICMP error either.
    Sink(InterfaceName),
}

/// A veth pair between two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSpec {
    /// Its two ends, on two different nodes.
    pub ends: [LinkEnd; 2],
}

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkEnd {
    /// The node that this end is in.
    pub node: NodeName,
    /// The interface's name there.
    pub interface: InterfaceName,
    /// Its addresses, each with the prefix length of the link.
    pub addresses: Vec<IpNet>,
}

/// Something that a topology cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyMistake {
    /// Two nodes have one name.
    #[error("two nodes are named `{0}`")]
    DuplicateNode(NodeName),
    /// A link names a node that is not there.
    #[error("a link ends at `{0}`, which is no node of this topology")]
    UnknownNode(NodeName),
    /// Both ends of a link are in one node.
    #[error("both ends of a link are in `{0}`")]
    LoopLink(NodeName),
    /// Two interfaces of a node have one name.
    #[error("node `{node}` has two interfaces named `{interface}`")]
    DuplicateInterface {
        /// The node.
        node: NodeName,
        /// The name that stands twice.
        interface: InterfaceName,
    },
    /// An address stands on two interfaces.
    #[error("the address {0} stands on two interfaces")]
    DuplicateAddress(IpAddr),
    /// The two ends of a link are in different networks.
    #[error("{one} and {other} are the two ends of one link, but not in one network")]
    ApartOnLink {
        /// The one end's address.
        one: IpNet,
        /// The other end's address.
        other: IpNet,
    },
    /// A next hop is on no link of the node.
    #[error("node `{node}` has a route via {via}, which is on none of its links")]
    NextHopOffLink {
        /// The node.
        node: NodeName,
        /// The next hop.
        via: IpAddr,
    },
    /// A route leaves by an interface that the node does not have.
    #[error("node `{node}` has a route by its interface `{interface}`, and no such interface")]
    SinkOffLink {
        /// The node.
        node: NodeName,
        /// The interface.
        interface: InterfaceName,
    },
}

impl Topology {
    /// The node of that name.
    pub fn node(&self, name: &NodeName) -> Option<&NodeSpec> {
        self.nodes.iter().find(|node| &node.name == name)
    }

    /// The link ends in a node, in order of link.
    pub fn ends_in<'a>(&'a self, name: &'a NodeName) -> impl Iterator<Item = &'a LinkEnd> {
        self.links
            .iter()
            .flat_map(|link| &link.ends)
            .filter(move |end| &end.node == name)
    }

    /// Everything that keeps this topology from being built, all at once.
    pub fn mistakes(&self) -> Vec<TopologyMistake> {
        let mut mistakes = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            if self.nodes[..at]
                .iter()
                .any(|earlier| earlier.name == node.name)
            {
                mistakes.push(TopologyMistake::DuplicateNode(node.name.clone()));
            }
            let on_link = |via: IpAddr| {
                self.ends_in(&node.name)
                    .flat_map(|end| &end.addresses)
                    .any(|net| net.contains(&via))
            };
            for route in &node.routes {
                let node = node.name.clone();
                match &route.via {
                    NextHop::Neighbour(via) if !on_link(*via) => {
                        mistakes.push(TopologyMistake::NextHopOffLink { node, via: *via });
                    }
                    NextHop::Sink(interface)
                        if !self.ends_in(&node).any(|end| end.interface == *interface) =>
                    {
                        let interface = interface.clone();
                        mistakes.push(TopologyMistake::SinkOffLink { node, interface });
                    }
                    _ => {}
                }
            }
        }
        let mut interfaces = std::collections::BTreeSet::new();
        let mut addresses = std::collections::BTreeSet::new();
        for link in &self.links {
            let [one, other] = &link.ends;
            if one.node == other.node {
                mistakes.push(TopologyMistake::LoopLink(one.node.clone()));
            }
            for end in &link.ends {
                if self.node(&end.node).is_none() {
                    mistakes.push(TopologyMistake::UnknownNode(end.node.clone()));
                }
                if !interfaces.insert((end.node.clone(), end.interface.clone())) {
                    mistakes.push(TopologyMistake::DuplicateInterface {
                        node: end.node.clone(),
                        interface: end.interface.clone(),
                    });
                }
                for address in &end.addresses {
                    if !addresses.insert(address.addr()) {
                        mistakes.push(TopologyMistake::DuplicateAddress(address.addr()));
                    }
                }
            }
            for near in &one.addresses {
                let mut same_family = other
                    .addresses
                    .iter()
                    .filter(|far| far.addr().is_ipv4() == near.addr().is_ipv4())
                    .peekable();
                if let Some(first) = same_family.peek().copied()
                    && !same_family.any(|far| near.contains(&far.addr()))
                {
                    mistakes.push(TopologyMistake::ApartOnLink {
                        one: *near,
                        other: *first,
                    });
                }
            }
        }
        mistakes
    }
}
