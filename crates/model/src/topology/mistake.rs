use std::net::IpAddr;

use ipnet::IpNet;

use fwlab_record::{Family, InterfaceName, NodeName};

/// Something that a topology cannot be, and the part of it that is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct TopologyMistake {
    /// The part, by which a reader finds the place in its file.
    pub part: Part,
    /// What is wrong with it.
    pub problem: TopologyProblem,
}

/// A part of a topology. Numbers are places in its lists, 0 for the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A node.
    Node(usize),
    /// A bridge of a node.
    Bridge {
        /// The node.
        node: usize,
        /// Its bridge.
        bridge: usize,
    },
    /// A route of a node.
    Route {
        /// The node.
        node: usize,
        /// Its route.
        route: usize,
    },
    /// A link.
    Link(usize),
    /// An end of a link.
    End {
        /// The link.
        link: usize,
        /// 0 or 1.
        end: usize,
    },
    /// An address of an interface.
    Address {
        /// The interface's node.
        node: NodeName,
        /// The interface.
        interface: InterfaceName,
        /// The address.
        address: IpNet,
    },
}

/// What is wrong with a part of a topology.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyProblem {
    /// Two nodes have one name.
    #[error("two nodes are named `{0}`")]
    DuplicateNode(NodeName),
    /// A link names a node that is not there.
    #[error("a link ends at `{0}`, which is not a node of this topology")]
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
    /// A bridge's port is not an end of a link in its node.
    #[error("bridge `{bridge}` of node `{node}` has the port `{port}`, but no link ends there")]
    UnknownPort {
        /// The node.
        node: NodeName,
        /// The bridge.
        bridge: InterfaceName,
        /// The port.
        port: InterfaceName,
    },
    /// A link's end is a port of a bridge twice.
    #[error("`{port}` of node `{node}` is the port of a bridge twice")]
    DuplicatePort {
        /// The node.
        node: NodeName,
        /// The port.
        port: InterfaceName,
    },
    /// A bridge's port has an address.
    #[error(
        "`{port}` of node `{node}` is the port of a bridge but has the address {address}: give the address to the bridge"
    )]
    AddressOnPort {
        /// The node.
        node: NodeName,
        /// The port.
        port: InterfaceName,
        /// Its address.
        address: IpNet,
    },
    /// An address stands on two interfaces.
    #[error("two interfaces have the address {0}")]
    DuplicateAddress(IpAddr),
    /// An address that no host can have.
    #[error("{0} is not a host address")]
    NoHost(IpNet),
    /// The two ends of a link are in different networks.
    #[error("{one} and {other} are on the same link but not in the same network")]
    ApartOnLink {
        /// The one end's address.
        one: IpNet,
        /// The other end's address.
        other: IpNet,
    },
    /// An address with nobody of its family to talk to.
    #[error("{0} is the only {family} address on its link", family = Family::of(.0.addr()).protocol())]
    Alone(IpNet),
    /// A route's next hop is of the other family.
    #[error("node `{node}` has a route to {to} via {via}, which is of the other family")]
    MixedFamilies {
        /// The node.
        node: NodeName,
        /// The destination.
        to: IpNet,
        /// The next hop.
        via: IpAddr,
    },
    /// Two routes of a node lead to one prefix.
    #[error("node `{node}` has two routes to {to}")]
    DuplicateRoute {
        /// The node.
        node: NodeName,
        /// The destination.
        to: IpNet,
    },
    /// A next hop is on no link of the node.
    #[error("node `{node}` has a route via {via}, which is not on any of its links")]
    NextHopOffLink {
        /// The node.
        node: NodeName,
        /// The next hop.
        via: IpAddr,
    },
    /// A next hop is the node itself.
    #[error("node `{node}` has a route via {via}, which is its own address")]
    NextHopIsOwn {
        /// The node.
        node: NodeName,
        /// The next hop.
        via: IpAddr,
    },
    /// A route leaves by an interface that the node does not have, or that is a bridge's port.
    #[error(
        "node `{node}` has a route out of `{interface}`, which is not one of its interfaces with an address of that family"
    )]
    RouteOffLink {
        /// The node.
        node: NodeName,
        /// The interface.
        interface: InterfaceName,
    },
    /// A link carries less than its addresses' family needs.
    #[error("a link of {mtu} bytes cannot carry {}, which needs {least}", family.protocol())]
    NarrowLink {
        /// The link's MTU.
        mtu: u32,
        /// The family that it has addresses of.
        family: Family,
        /// The least that the family needs (RFC 791, RFC 8200 section 5).
        least: u32,
    },
    /// A veth carries at most this.
    #[error("a link carries at most 65535 bytes, not {0}")]
    WideLink(u32),
}
