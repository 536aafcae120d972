//! Which ports can be connected to through a firewall, tried one by one.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures::future::join_all;
use fwlab_fabric::{Fabric, FabricError, Node, NodeGone};
use fwlab_record::{Family, NodeName};
use fwlab_scenario::Stage;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::rules::{LoadError, Loader, PreparedRuleset};

/// Longer than the answer to a SYN takes, and shorter than TCP waits before it sends a second one.
const ANSWER: Duration = Duration::from_millis(700);

/// The ports that could be connected to, of those that were tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// By the client, at the address that it knows the server by.
    pub of_server: BTreeSet<u16>,
    /// By the server, at the client's address.
    pub of_client: BTreeSet<u16>,
}

/// Why it could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The lab was not built.
    #[error(transparent)]
    Fabric(#[from] FabricError),
    /// The rules did not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A node ended.
    #[error(transparent)]
    Node(#[from] NodeGone),
    /// The topology has no such node, or no address of the family there.
    #[error("the topology has no {0} that can be connected to over {1}")]
    Nobody(NodeName, Family),
}

impl Loader {
    /// Tries which of some ports a new connection of TCP comes to, where somebody listens on all of them.
    ///
    /// # Errors
    /// When the lab cannot be built, or the rules do not load.
    pub async fn reach(
        &self,
        rules: &PreparedRuleset,
        stage: &Stage,
        family: Family,
        ports: &[u16],
    ) -> Result<Reach, ReachError> {
        let fabric = Fabric::build(&stage.topology).await?;
        self.load(&fabric, rules).await?;
        let node = |name: &NodeName| {
            let nobody = || ReachError::Nobody(name.clone(), family);
            fabric.node(name).ok_or_else(nobody)
        };
        let (client, server) = (node(&stage.client)?, node(&stage.server)?);
        let nobody = |name: &NodeName| ReachError::Nobody(name.clone(), family);
        let target = stage
            .connect_to(family)
            .ok_or_else(|| nobody(&stage.server))?;
        let mut addresses = stage.topology.addresses();
        let back = addresses
            .find(|(address, owner)| **owner == stage.client && Family::of(*address) == family);
        let (back, _) = back.ok_or_else(|| nobody(&stage.client))?;
        let (of_server, of_client) = tokio::try_join!(
            through(client, server, target.ip(), ports),
            through(server, client, back, ports)
        )?;
        fabric.join().await;
        Ok(Reach {
            of_server,
            of_client,
        })
    }
}

/// The ports of a node that another can connect to.
async fn through(
    from: &Node,
    to: &Node,
    address: IpAddr,
    ports: &[u16],
) -> Result<BTreeSet<u16>, NodeGone> {
    let every = match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let (ready, is_ready) = oneshot::channel();
    let (done, is_done) = oneshot::channel::<()>();
    let [listened, tried] = [ports.to_vec(), ports.to_vec()];
    let listening = to.run(async move || {
        let listeners = join_all(
            listened
                .iter()
                .map(|port| TcpListener::bind(SocketAddr::new(every, *port))),
        )
        .await;
        let _ = ready.send(());
        let _ = is_done.await;
        drop(listeners);
    });
    let trying = async {
        let _ = is_ready.await;
        let reached = from.run(async move || {
            let connections = tried.iter().map(|port| async move {
                let connection = TcpStream::connect(SocketAddr::new(address, *port));
                let connected = timeout(ANSWER, connection).await;
                matches!(connected, Ok(Ok(_))).then_some(*port)
            });
            join_all(connections).await.into_iter().flatten().collect()
        });
        let reached = reached.await;
        let _ = done.send(());
        reached
    };
    let (listening, reached) = tokio::join!(listening, trying);
    listening?;
    reached
}
