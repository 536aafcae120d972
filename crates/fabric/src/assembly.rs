//! Links, bridges, addresses and routes: from a topology to netlink requests, in the
//! few sends that their order allows.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::AsFd;
use std::time::Duration;

use fwlab_model::{BridgeSpec, IpNet, NextHop, NodeSpec, Topology};
use fwlab_record::{InterfaceName, NodeName};
use tokio::time::Instant;

use crate::FabricError;
use crate::netlink::{Batch, Received, VethEnd, link_is_up, port_forwards, route_is_local};
use crate::thread::Ready;

const LOOPBACK: u32 = 1;

/// Far above what a fresh namespace numbers by itself (loopback, fallback tunnels).
const FIRST_INDEX: u32 = 1000;

/// How long a link may take to carry packets. It takes microseconds; on a kernel
/// before 6.14 up to a second, when `linkwatch` is rate-limited.
const LINK_PATIENCE: Duration = Duration::from_secs(5);

/// An interface with the index that it is given. No two have the same one:
/// `linkwatch` handles a device whose peer has another index at once, and lets one
/// whose peer has the same wait up to a second (`linkwatch_urgent_event`).
struct Interface<'a> {
    name: &'a InterfaceName,
    addresses: &'a [IpNet],
    index: u32,
    kind: Kind<'a>,
}

enum Kind<'a> {
    /// The end of a link.
    End,
    /// The end of a link that is the port of a bridge.
    Port,
    Bridge(&'a BridgeSpec),
}

impl Interface<'_> {
    /// Its addresses, and where it speaks IPv6 its link-local one: made here, from the index, which no other end of
    /// the topology has, since the kernel's own comes at a time that nothing tells. A router asks for its neighbours
    /// from that address. Until it is there, and checked for duplicates, a packet to a neighbour that is not known
    /// yet waits for the next solicitation, a second later (`ndisc_send_ns`).
    fn every_address(&self) -> impl Iterator<Item = IpNet> {
        const LINK_LOCAL_PREFIX: u8 = 64;
        let ipv6 = |net: &IpNet| matches!(net, IpNet::V6(_));
        let given =
            |net: &IpNet| matches!(net, IpNet::V6(net) if net.addr().is_unicast_link_local());
        let needed = self.addresses.iter().any(ipv6) && !self.addresses.iter().any(given);
        let [high, low] = [self.index >> 16, self.index & 0xffff].map(|part| part as u16);
        let own = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, high, low);
        let own = IpNet::new(own.into(), LINK_LOCAL_PREFIX).expect("a prefix of IPv6");
        self.addresses.iter().copied().chain(needed.then_some(own))
    }
}

struct Node<'a> {
    spec: &'a NodeSpec,
    ready: &'a Ready,
    /// Ports before the bridges that they are of.
    interfaces: Vec<Interface<'a>>,
}

/// The indices of a node's links and bridges.
pub(crate) type Links = Vec<u32>;

/// Lays all links, and gives those of each node. Netlink sockets act in the namespace
/// that they were opened in, so one thread does it all without a switch.
pub(crate) async fn assemble(
    topology: &Topology,
    ready: &[Ready],
) -> Result<Vec<Links>, FabricError> {
    let places: BTreeMap<&NodeName, usize> = topology
        .nodes
        .iter()
        .enumerate()
        .map(|(place, spec)| (&spec.name, place))
        .collect();
    let mut nodes: Vec<Node<'_>> = topology
        .nodes
        .iter()
        .zip(ready)
        .map(|(spec, ready)| Node {
            spec,
            ready,
            interfaces: Vec::new(),
        })
        .collect();
    let mut made: Vec<Batch> = nodes.iter().map(|_| Batch::default()).collect();
    for batch in &mut made {
        batch.set_up(LOOPBACK, "lo");
    }
    let mut index = FIRST_INDEX;
    for link in &topology.links {
        let [here, there] = [&link.ends[0], &link.ends[1]].map(|end| places[&end.node]);
        let [near, far] = [(here, &link.ends[0]), (there, &link.ends[1])].map(|(place, end)| {
            index += 1;
            let mut bridges = nodes[place].spec.bridges.iter();
            let is_port = bridges.any(|bridge| bridge.ports.contains(&end.interface));
            nodes[place].interfaces.push(Interface {
                name: &end.interface,
                addresses: &end.addresses,
                index,
                kind: if is_port { Kind::Port } else { Kind::End },
            });
            VethEnd {
                name: &end.interface,
                index,
            }
        });
        made[here].add_veth(&near, &far, ready[there].namespace.as_fd(), link.mtu);
    }
    for node in &mut nodes {
        for bridge in &node.spec.bridges {
            index += 1;
            node.interfaces.push(Interface {
                name: &bridge.interface,
                addresses: &bridge.addresses,
                index,
                kind: Kind::Bridge(bridge),
            });
        }
    }
    for (node, batch) in nodes.iter().zip(made) {
        node.send(batch)?;
    }
    for node in &nodes {
        node.send(node.addressed())?;
    }
    for node in &nodes {
        node.settle().await?;
        node.send(node.routed())?;
    }
    let indices = |node: &Node<'_>| node.interfaces.iter().map(|made| made.index).collect();
    Ok(nodes.iter().map(indices).collect())
}

impl Node<'_> {
    fn index_of(&self, name: &InterfaceName) -> u32 {
        let mut interfaces = self.interfaces.iter();
        let interface = interfaces.find(|interface| interface.name == name);
        interface
            .expect("a topology without mistakes names interfaces that are there")
            .index
    }

    /// Bridges between the links, addresses on both, everything up.
    fn addressed(&self) -> Batch {
        let mut batch = Batch::default();
        for interface in &self.interfaces {
            let Interface { name, index, .. } = *interface;
            if let Kind::Bridge(bridge) = interface.kind {
                batch.add_bridge(name, index);
                for port in &bridge.ports {
                    batch.add_port(port, self.index_of(port), index);
                }
            }
            for address in interface.every_address() {
                batch.add_address(index, name, address);
            }
            batch.set_up(index, name.as_str());
        }
        batch
    }

    fn routed(&self) -> Batch {
        let mut batch = Batch::default();
        // By these, neighbours of others are reached.
        for route in &self.spec.routes {
            if let NextHop::Link(interface) = &route.via {
                batch.add_link_route(route.to, self.index_of(interface), interface);
            }
        }
        for route in &self.spec.routes {
            match &route.via {
                NextHop::Link(_) => {}
                NextHop::Neighbour(via) => batch.add_route(route.to, *via),
                NextHop::Sink(interface) => {
                    batch.add_sink(route.to, self.index_of(interface), interface);
                }
            }
        }
        batch
    }

    fn send(&self, batch: Batch) -> Result<(), FabricError> {
        self.exchange(batch, |_| {})
    }

    fn exchange(&self, batch: Batch, reply: impl FnMut(&Received<'_>)) -> Result<(), FabricError> {
        let result = self.ready.route.exchange(batch, reply);
        result.map_err(|source| FabricError::Refused {
            node: self.spec.name.clone(),
            source,
        })
    }

    /// Waits until every link carries packets and every address takes them. Up and
    /// addressed is not enough, and a packet that is lost here is sent again a second
    /// later, which looks exactly like a firewall's drop:
    ///
    /// - Until the kernel's `linkwatch` has run, up to a second later, a veth drops
    ///   what it is given. Since Linux 6.14 the question for the link's state itself
    ///   makes it run (`rtnl_getlink`). It also is what lets a bridge's port forward,
    ///   and a bridge is up when one of its ports does.
    /// - An IPv6 address, also one without duplicate detection, joins its multicast
    ///   group and gets its local route from a work queue (`addrconf_dad_work`), in
    ///   this order; before, it answers neither solicitations nor packets.
    async fn settle(&self) -> Result<(), FabricError> {
        let deadline = Instant::now() + LINK_PATIENCE;
        // A bridge without ports never carries anything.
        let carriers: Vec<&Interface<'_>> = self
            .interfaces
            .iter()
            .filter(|one| !matches!(one.kind, Kind::Bridge(bridge) if bridge.ports.is_empty()))
            .collect();
        let ipv6: Vec<(&Interface<'_>, IpAddr)> = carriers
            .iter()
            .flat_map(|&one| one.every_address().map(move |net| (one, net.addr())))
            .filter(|(_, address)| address.is_ipv6())
            .collect();
        let asked = || {
            carriers
                .iter()
                .copied()
                .chain(ipv6.iter().map(|(one, _)| *one))
        };
        loop {
            let mut batch = Batch::default();
            for one in &carriers {
                batch.query_link(one.index, one.name.as_str());
            }
            for (one, address) in &ipv6 {
                batch.query_route(*address, one.index);
            }
            let mut asked_for = asked();
            let mut unsettled = None;
            self.exchange(batch, |reply| {
                let Some(one) = asked_for.next() else { return };
                let is_port = matches!(one.kind, Kind::Port);
                let settled = (link_is_up(reply) && (!is_port || port_forwards(reply)))
                    || route_is_local(reply);
                if !settled && unsettled.is_none() {
                    unsettled = Some(one.name);
                }
            })?;
            let Some(interface) = unsettled else {
                return Ok(());
            };
            if Instant::now() >= deadline {
                return Err(FabricError::LinkDown {
                    node: self.spec.name.clone(),
                    interface: interface.clone(),
                    waited: LINK_PATIENCE,
                });
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
