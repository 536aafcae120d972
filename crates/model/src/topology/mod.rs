//! Nodes, links, addresses and routes, and everything that they cannot be.

mod check;
mod mistake;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use fwlab_record::{InterfaceName, NodeName};

pub use mistake::{Part, TopologyMistake, TopologyProblem};

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
    /// Bridges between ends of its links.
    pub bridges: Vec<BridgeSpec>,
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
            bridges: Vec::new(),
            routes: Vec::new(),
            sysctls: BTreeMap::new(),
        }
    }

    /// The ports from which its kernel picks one for a connection or a listener that asks for none: the *ephemeral* ones.
    pub fn ephemeral_ports(&self) -> RangeInclusive<u16> {
        let set = self.sysctls.get(Self::EPHEMERAL_PORTS_SYSCTL);
        let read = set.and_then(|value| {
            let (first, last) = value.trim().split_once(char::is_whitespace)?;
            Some(first.parse().ok()?..=last.trim().parse().ok()?)
        });
        read.unwrap_or(Self::EPHEMERAL_PORTS)
    }

    /// The sysctl that says which they are, for both families: the first and the last.
    pub const EPHEMERAL_PORTS_SYSCTL: &str = "net.ipv4.ip_local_port_range";

    /// Those of a new network namespace.
    pub const EPHEMERAL_PORTS: RangeInclusive<u16> = 32_768..=60_999;
}

/// A bridge: an interface that makes one network of the links at its ports, as a home
/// router does on its inside, and a switch does that has no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeSpec {
    /// The bridge's own interface.
    pub interface: InterfaceName,
    /// Ends of this node's links, which have no addresses themselves.
    pub ports: Vec<InterfaceName>,
    /// The node's addresses in that network.
    pub addresses: Vec<IpNet>,
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
    /// Out of this interface to whoever has the address there, outside of the link's own prefixes: an on-link route.
    Link(InterfaceName),
    /// Out of this interface, and to nobody: as the Internet swallows a packet to an
    /// address that leads nowhere. Nothing comes back, no ICMP error either.
    Sink(InterfaceName),
}

/// A veth pair between two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSpec {
    /// Its two ends, on two different nodes.
    pub ends: [LinkEnd; 2],
    /// The largest packet that it carries, in bytes; 1500 without.
    pub mtu: Option<u32>,
}

impl LinkSpec {
    /// A link that carries what Ethernet does.
    pub fn new(ends: [LinkEnd; 2]) -> LinkSpec {
        LinkSpec { ends, mtu: None }
    }
}

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkEnd {
    /// The node that this end is in.
    pub node: NodeName,
    /// The interface's name there.
    pub interface: InterfaceName,
    /// Its addresses, each with the prefix length of the link; none for a port of a bridge.
    pub addresses: Vec<IpNet>,
}

/// An interface of a node that can have addresses: the end of a link, or a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface<'a> {
    /// The node.
    pub node: &'a NodeName,
    /// The interface's name there.
    pub name: &'a InterfaceName,
    /// Its addresses, each with the prefix length of its network.
    pub addresses: &'a [IpNet],
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

    /// The interface of a node by which packets of a neighbour come and go: nothing where the two are no neighbours, or the neighbour
    /// has other ways.
    pub fn directly(&self, node: &NodeName, neighbour: &NodeName) -> Option<&InterfaceName> {
        let of_neighbour = |link: &&LinkSpec| link.ends.iter().any(|end| end.node == *neighbour);
        let mut links = self.links.iter().filter(of_neighbour);
        let link = links.next().filter(|_| links.next().is_none())?;
        let end = link.ends.iter().find(|end| end.node == *node)?;
        let known = self.nodes.iter().find(|known| known.name == *node)?;
        let mut bridges = known.bridges.iter();
        let bridge = bridges.find(|bridge| bridge.ports.contains(&end.interface));
        Some(bridge.map_or(&end.interface, |bridge| &bridge.interface))
    }

    /// All interfaces of all nodes: the ends of the links, then the bridges.
    pub fn interfaces(&self) -> impl Iterator<Item = Interface<'_>> {
        let ends = self.links.iter().flat_map(|link| &link.ends);
        let bridges = self
            .nodes
            .iter()
            .flat_map(|node| node.bridges.iter().map(move |bridge| (node, bridge)));
        ends.map(|end| Interface {
            node: &end.node,
            name: &end.interface,
            addresses: &end.addresses,
        })
        .chain(bridges.map(|(node, bridge)| Interface {
            node: &node.name,
            name: &bridge.interface,
            addresses: &bridge.addresses,
        }))
    }

    /// The interfaces of a node.
    pub fn interfaces_in<'a>(
        &'a self,
        name: &'a NodeName,
    ) -> impl Iterator<Item = Interface<'a>> + 'a {
        self.interfaces()
            .filter(move |interface| interface.node == name)
    }

    /// Whether an interface of a node is the port of a bridge there.
    pub fn is_port(&self, node: &NodeName, interface: &str) -> bool {
        let mut bridges = self.node(node).into_iter().flat_map(|node| &node.bridges);
        bridges.any(|bridge| bridge.ports.iter().any(|port| port.as_str() == interface))
    }

    /// Every address with the node that has it.
    pub fn addresses(&self) -> impl Iterator<Item = (IpAddr, &NodeName)> {
        self.interfaces().flat_map(|interface| {
            let addresses = interface.addresses.iter();
            addresses.map(move |net| (net.addr(), interface.node))
        })
    }
}
