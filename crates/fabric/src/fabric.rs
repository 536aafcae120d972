use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use fwlab_model::{NodeSpec, Topology, TopologyMistake};
use fwlab_record::{InterfaceName, NodeName};
use tokio::sync::mpsc;

use crate::adoption::AdoptedLinks;
use crate::assembly::assemble;
use crate::machine::room_for_neighbours;
use crate::node::Node;
use crate::sysctl::SysctlName;
use crate::thread::{NodeThread, all_ended};
use crate::{NetlinkError, NetworkNamespace, NodeGone, PrivilegeError, SysctlError};

/// A topology that has been built: its nodes, linked and addressed.
///
/// Dropping it ends everything in it, soon: [`Fabric::join`] waits for that.
#[derive(Debug)]
pub struct Fabric {
    // Before the threads: links go while what they are in is still there.
    adopted: Vec<AdoptedLinks>,
    nodes: Vec<Node>,
    threads: Vec<NodeThread>,
}

/// A topology was not built.
#[derive(Debug, thiserror::Error)]
pub enum FabricError {
    /// The topology cannot be built by anyone.
    #[error("the topology is wrong: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Topology(Vec<TopologyMistake>),
    /// This process may not make namespaces.
    #[error(transparent)]
    Privilege(#[from] PrivilegeError),
    /// A namespace was given for a node that the topology does not have.
    #[error("there is no node `{0}` to be that namespace")]
    NoSuchNode(NodeName),
    /// The kernel refused a namespace.
    #[error("there is no network namespace for node `{node}`")]
    Namespace {
        /// The node.
        node: NodeName,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A node's thread, runtime or sockets could not be made.
    #[error("node `{node}` did not start")]
    Thread {
        /// The node.
        node: NodeName,
        /// What failed.
        source: io::Error,
    },
    /// A sysctl of the topology was not set.
    #[error("node `{node}`: sysctl")]
    Sysctl {
        /// The node.
        node: NodeName,
        /// Why not.
        source: SysctlError,
    },
    /// The kernel refused a link, an address or a route.
    #[error("node `{node}`: {source}")]
    Refused {
        /// The node.
        node: NodeName,
        /// What the kernel refused.
        source: NetlinkError,
    },
    /// A link did not come up.
    #[error("interface `{interface}` of node `{node}` still carries no packets after {waited:?}")]
    LinkDown {
        /// The node.
        node: NodeName,
        /// Its interface.
        interface: InterfaceName,
        /// How long was waited.
        waited: Duration,
    },
    /// A node ended while the fabric was built.
    #[error(transparent)]
    Gone(#[from] NodeGone),
}

impl Fabric {
    /// Builds a topology: one namespace and one thread for each node, the links
    /// between them, ready to carry packets.
    ///
    /// # Errors
    /// When the topology is wrong, this process has no privilege for it, or the
    /// kernel refuses a part. Nothing is left behind then.
    pub async fn build(topology: &Topology) -> Result<Fabric, FabricError> {
        Fabric::build_with(topology, BTreeMap::new()).await
    }

    /// The same, where some nodes are namespaces that somebody else made: containers'.
    /// Such a namespace gets its links, addresses, routes and sysctls, and rules are
    /// loaded into it, like any other node. It stays when the fabric ends: then it has
    /// lost the links, and keeps the sysctls and rules.
    ///
    /// # Errors
    /// As [`Fabric::build`]; and when a namespace is for no node of the topology.
    pub async fn build_with(
        topology: &Topology,
        mut namespaces: BTreeMap<NodeName, NetworkNamespace>,
    ) -> Result<Fabric, FabricError> {
        let mistakes = topology.mistakes();
        if !mistakes.is_empty() {
            return Err(FabricError::Topology(mistakes));
        }
        room_for_neighbours().await;
        let mut fabric = Fabric {
            adopted: Vec::with_capacity(namespaces.len()),
            nodes: Vec::with_capacity(topology.nodes.len()),
            threads: Vec::with_capacity(topology.nodes.len()),
        };
        let mut starting = Vec::with_capacity(topology.nodes.len());
        let mut late = Vec::new();
        let mut adopted = Vec::new();
        for spec in &topology.nodes {
            let (early, with_links) = sysctls(topology, spec)?;
            let (jobs, given) = mpsc::unbounded_channel();
            let namespace = namespaces.remove(&spec.name);
            adopted.push(namespace.is_some());
            let (thread, ready) = NodeThread::start(spec.name.clone(), namespace, early, given)?;
            let addresses = topology
                .interfaces_in(&spec.name)
                .flat_map(|interface| interface.addresses.iter().map(|net| net.addr()))
                .collect();
            fabric
                .nodes
                .push(Node::new(spec.name.clone(), addresses, jobs));
            fabric.threads.push(thread);
            starting.push(ready);
            late.push(with_links);
        }
        if let Some(name) = namespaces.into_keys().next() {
            return Err(FabricError::NoSuchNode(name));
        }
        let mut ready = Vec::with_capacity(starting.len());
        for (node, starting) in fabric.nodes.iter().zip(starting) {
            let gone = |_| NodeGone(node.name().clone());
            ready.push(starting.await.map_err(gone)??);
        }
        if let Some(first) = fabric.nodes.first() {
            // On a node's thread: the kernel's lock may be busy with other labs'
            // links, and the caller's runtime should not wait for it.
            let topology = Arc::new(topology.clone());
            let links = first
                .run(async move || assemble(&topology, &ready).await)
                .await??;
            for ((node, links), adopted) in fabric.nodes.iter().zip(links).zip(adopted) {
                if adopted {
                    fabric.adopted.push(AdoptedLinks::of(node, links).await?);
                }
            }
        }
        for (node, sysctls) in fabric.nodes.iter().zip(late) {
            set_all(node, sysctls).await?;
        }
        Ok(fabric)
    }

    /// The node of that name.
    pub fn node(&self, name: &NodeName) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name() == name)
    }

    /// The nodes, in the topology's order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// Ends everything, and waits until every node's processes and thread have ended.
    pub async fn join(self) {
        drop(self.adopted);
        drop(self.nodes);
        // All at once: each thread ends by itself as soon as it is told.
        futures::future::join_all(self.threads.into_iter().map(NodeThread::join)).await;
    }

    /// Waits until every node of every dropped fabric of this process has ended, and
    /// for ever when a fabric is still held.
    pub async fn all_ended() {
        all_ended().await;
    }
}

type Sysctls = Vec<(SysctlName, String)>;

fn kernel_has_ipv6() -> bool {
    static IPV6: LazyLock<bool> = LazyLock::new(|| Path::new("/proc/sys/net/ipv6").exists());
    *IPV6
}

/// A node's sysctls: those that are set in the empty namespace, so that links come to
/// be under them, and those that name a link.
fn sysctls(topology: &Topology, spec: &NodeSpec) -> Result<(Sysctls, Sysctls), FabricError> {
    let failed = |source| FabricError::Sysctl {
        node: spec.name.clone(),
        source,
    };
    let forwards = if spec.forwards { "1" } else { "0" };
    let speaks_ipv6 = topology
        .interfaces_in(&spec.name)
        .flat_map(|interface| interface.addresses)
        .any(|net| net.addr().is_ipv6());
    // A namespace begins with the host's IPv4 settings (net.core.devconf_inherit_init_net),
    // and a host with containers forwards.
    let mut lab = vec![
        ("net.ipv4.ip_forward", forwards),
        ("net.ipv4.conf.all.rp_filter", "0"),
        ("net.ipv4.conf.default.rp_filter", "0"),
    ];
    if speaks_ipv6 {
        lab.extend([
            // A container without a network has it off.
            ("net.ipv6.conf.all.disable_ipv6", "0"),
            ("net.ipv6.conf.default.disable_ipv6", "0"),
            ("net.ipv6.conf.all.forwarding", forwards),
            ("net.ipv6.conf.default.accept_dad", "0"),
            // Link-local addresses are given (`assembly`).
            ("net.ipv6.conf.default.addr_gen_mode", "1"),
            ("net.ipv6.conf.default.accept_ra", "0"),
            ("net.ipv6.conf.default.router_solicitations", "0"),
        ]);
    } else if kernel_has_ipv6() {
        // No link-local address, no duplicate detection, no multicast reports.
        // Loopback is older than this default, and keeps ::1.
        lab.push(("net.ipv6.conf.default.disable_ipv6", "1"));
    }
    // A bridge is a bridge: unless a topology says otherwise, iptables sees none of what
    // it carries, whether this machine has br_netfilter or not.
    let bridge_nf = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    if !spec.bridges.is_empty() && Path::new(bridge_nf).exists() {
        lab.extend([
            ("net.bridge.bridge-nf-call-iptables", "0"),
            ("net.bridge.bridge-nf-call-ip6tables", "0"),
            ("net.bridge.bridge-nf-call-arptables", "0"),
        ]);
    }
    let mut early = Sysctls::new();
    for (name, value) in lab {
        early.push((SysctlName::parse(name).map_err(failed)?, value.to_owned()));
    }
    let mut late = Sysctls::new();
    for (name, value) in &spec.sysctls {
        let name = SysctlName::parse(name).map_err(failed)?;
        let names_a_link = topology
            .interfaces_in(&spec.name)
            .any(|interface| name.concerns(interface.name.as_str()));
        let list = if names_a_link { &mut late } else { &mut early };
        list.push((name, value.clone()));
    }
    // In a node that speaks IPv6, a link without it stays silent too.
    for interface in topology.interfaces_in(&spec.name) {
        if speaks_ipv6 && !interface.addresses.iter().any(|net| net.addr().is_ipv6()) {
            let word = interface.name.as_str().replace('.', "/");
            let name = format!("net.ipv6.conf.{word}.disable_ipv6");
            late.push((SysctlName::parse(&name).map_err(failed)?, "1".to_owned()));
        }
    }
    Ok((early, late))
}

async fn set_all(node: &Node, sysctls: Sysctls) -> Result<(), FabricError> {
    if sysctls.is_empty() {
        return Ok(());
    }
    let name = node.name().clone();
    let set = async move || {
        sysctls
            .iter()
            .try_for_each(|(sysctl, value)| sysctl.write(value))
    };
    node.run(set)
        .await?
        .map_err(|source| FabricError::Sysctl { node: name, source })
}
