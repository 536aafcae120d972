//! Links, addresses and routes: from a topology to netlink requests, in the few
//! sends that their order allows.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use fwlab_model::{LinkEnd, NodeName, NodeSpec, Topology};
use tokio::time::Instant;

use crate::FabricError;
use crate::netlink::{Batch, VethEnd, link_is_up, route_is_local};
use crate::thread::Ready;

const LOOPBACK: u32 = 1;

/// Far above what a fresh namespace numbers by itself (loopback, fallback tunnels).
const FIRST_INDEX: u32 = 1000;

/// How long a link may take to carry packets. It takes microseconds; on a kernel
/// before 6.14 up to a second, when `linkwatch` is rate-limited.
const LINK_PATIENCE: Duration = Duration::from_secs(5);

/// An end of a link with the interface index that it is given. No two ends have the
/// same one: `linkwatch` handles a device whose peer has another index at once, and
/// lets one whose peer has the same wait up to a second (`linkwatch_urgent_event`).
struct End<'a> {
    spec: &'a LinkEnd,
    index: u32,
}

struct Node<'a> {
    spec: &'a NodeSpec,
    ready: &'a Ready,
    ends: Vec<End<'a>>,
}

/// The indices of a node's links.
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
            ends: Vec::new(),
        })
        .collect();
    let mut made: Vec<Batch> = nodes.iter().map(|_| Batch::new()).collect();
    for batch in &mut made {
        batch.set_up(LOOPBACK, "lo");
    }
    let mut index = FIRST_INDEX;
    for link in &topology.links {
        let [near, far] = [&link.ends[0], &link.ends[1]].map(|spec| {
            index += 1;
            End { spec, index }
        });
        let [here, there] = [places[&near.spec.node], places[&far.spec.node]];
        made[here].add_veth(
            &VethEnd {
                name: &near.spec.interface,
                index: near.index,
            },
            &VethEnd {
                name: &far.spec.interface,
                index: far.index,
            },
            ready[there].namespace.as_fd(),
        );
        nodes[here].ends.push(near);
        nodes[there].ends.push(far);
    }
    for (node, batch) in nodes.iter().zip(made) {
        node.send(batch)?;
    }
    for node in &nodes {
        let mut batch = Batch::new();
        for end in &node.ends {
            for address in &end.spec.addresses {
                batch.add_address(end.index, &end.spec.interface, *address);
            }
            batch.set_up(end.index, end.spec.interface.as_str());
        }
        node.send(batch)?;
    }
    for node in &nodes {
        node.settle().await?;
        let mut batch = Batch::new();
        for route in &node.spec.routes {
            batch.add_route(route);
        }
        node.send(batch)?;
    }
    let links = |node: &Node<'_>| node.ends.iter().map(|end| end.index).collect();
    Ok(nodes.iter().map(links).collect())
}

impl Node<'_> {
    fn send(&self, batch: Batch) -> Result<(), FabricError> {
        self.exchange(batch, |_| {})
    }

    fn exchange(
        &self,
        batch: Batch,
        reply: impl FnMut(&crate::netlink::Received<'_>),
    ) -> Result<(), FabricError> {
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
    ///   makes it run (`rtnl_getlink`).
    /// - An IPv6 address, also one without duplicate detection, joins its multicast
    ///   group and gets its local route from a work queue (`addrconf_dad_work`), in
    ///   this order; before, it answers neither solicitations nor packets.
    async fn settle(&self) -> Result<(), FabricError> {
        let deadline = Instant::now() + LINK_PATIENCE;
        let ipv6: Vec<(&End<'_>, IpAddr)> = self
            .ends
            .iter()
            .flat_map(|end| end.spec.addresses.iter().map(move |net| (end, net.addr())))
            .filter(|(_, address)| address.is_ipv6())
            .collect();
        loop {
            let mut batch = Batch::new();
            for end in &self.ends {
                batch.query_link(end.index, end.spec.interface.as_str());
            }
            for (_, address) in &ipv6 {
                batch.query_route(*address);
            }
            let mut settled = Vec::with_capacity(self.ends.len() + ipv6.len());
            self.exchange(batch, |reply| {
                settled.push(link_is_up(reply) || route_is_local(reply));
            })?;
            let Some(unsettled) = settled.iter().position(|settled| !settled) else {
                return Ok(());
            };
            if Instant::now() >= deadline {
                let end = match unsettled.checked_sub(self.ends.len()) {
                    None => &self.ends[unsettled],
                    Some(address) => ipv6[address].0,
                };
                return Err(FabricError::LinkDown {
                    node: self.spec.name.clone(),
                    interface: end.spec.interface.clone(),
                    waited: LINK_PATIENCE,
                });
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
