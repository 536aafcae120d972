//! Which ports can be connected to through a firewall, tried one by one.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use fwlab_fabric::{Fabric, FabricError, Node, NodeGone};
use fwlab_record::{Family, NodeName};
use fwlab_scenario::Deployment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::rules::{LoadError, Loader, PreparedRuleset};

/// Longer than the answer to a SYN takes, and shorter than TCP waits before it sends a second one.
const ANSWER: Duration = Duration::from_millis(700);

/// A new connection that is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Knock {
    /// The port that it comes from; without, one that the kernel picks.
    pub from: Option<u16>,
    /// The port that it goes to.
    pub to: u16,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It stands, and a byte came back.
    Served,
    /// It stands for who opened it, and no byte came back.
    Opened,
    /// An error came back: its number.
    Refused(Option<i32>),
    /// Nothing did.
    Silence,
}

impl Answer {
    /// Whether the connection stands, for who opened it at least.
    pub fn stands(self) -> bool {
        matches!(self, Answer::Served | Answer::Opened)
    }
}

/// What came of the connections that were tried from one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doors {
    /// The address that they came from; nothing where none stands.
    pub from: Option<IpAddr>,
    /// The address that they went to.
    pub to: IpAddr,
    /// Each with its answer.
    pub answers: BTreeMap<Knock, Answer>,
}

impl Doors {
    /// Those that stand.
    pub fn standing(&self) -> impl Iterator<Item = Knock> {
        let answers = self.answers.iter();
        answers
            .filter(|(_, answer)| answer.stands())
            .map(|(knock, _)| *knock)
    }
}

/// What came of the connections that were tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Of the client's, to the address that it knows the server by.
    pub of_server: Doors,
    /// Of the server's, to the client's address.
    pub of_client: Doors,
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
    /// A node's own kernel did not take a port.
    #[error("{node} cannot use port {port}: {source}")]
    Port {
        /// The node.
        node: NodeName,
        /// The port.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// The topology has no such node, or no address of the family there.
    #[error("the topology has no {0} that can be reached over {1}")]
    Nobody(NodeName, Family),
}

impl Loader {
    /// Tries which new connections of TCP are answered, where somebody listens on all of the ports.
    ///
    /// # Errors
    /// When the lab cannot be built, or the rules do not load.
    pub async fn reach(
        &self,
        rules: &PreparedRuleset,
        deployment: &Deployment,
        family: Family,
        knocks: &[Knock],
    ) -> Result<Reach, ReachError> {
        let fabric = Fabric::build(&deployment.topology).await?;
        self.load(&fabric, rules).await?;
        let node = |name: &NodeName| {
            let nobody = || ReachError::Nobody(name.clone(), family);
            fabric.node(name).ok_or_else(nobody)
        };
        let (client, server) = (node(&deployment.client)?, node(&deployment.server)?);
        let nobody = |name: &NodeName| ReachError::Nobody(name.clone(), family);
        let target = deployment
            .connect_to(family)
            .ok_or_else(|| nobody(&deployment.server))?;
        let mut addresses = deployment.topology.addresses();
        let back = addresses.find(|(address, owner)| {
            **owner == deployment.client && Family::of(*address) == family
        });
        let (back, _) = back.ok_or_else(|| nobody(&deployment.client))?;
        // Both listen before either connects: a port that the kernel picks for a connection is none that is listened on then.
        let names = [&deployment.server, &deployment.client];
        let (serving, answering) = tokio::try_join!(
            Listening::on((names[0], server), family, knocks),
            Listening::on((names[1], client), family, knocks)
        )?;
        let (of_server, of_client) = tokio::try_join!(
            through((names[1], client), target.ip(), knocks),
            through((names[0], server), back, knocks)
        )?;
        drop((serving, answering));
        fabric.join().await;
        Ok(Reach {
            of_server,
            of_client,
        })
    }
}

fn every(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// A socket that shares its port with others of its node: one port is listened on, and connected from.
fn socket(family: Family) -> io::Result<TcpSocket> {
    let socket = match family {
        Family::Ipv4 => TcpSocket::new_v4(),
        Family::Ipv6 => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    Ok(socket)
}

/// A node that listens, and sends back the first byte of each connection, until this is dropped.
struct Listening {
    _done: oneshot::Sender<()>,
}

impl Listening {
    async fn on(
        (name, node): (&NodeName, &Node),
        family: Family,
        knocks: &[Knock],
    ) -> Result<Listening, ReachError> {
        let mut ports: Vec<u16> = knocks.iter().map(|knock| knock.to).collect();
        ports.sort_unstable();
        ports.dedup();
        let listen = move |port: u16| {
            let socket = socket(family)?;
            socket.bind(SocketAddr::new(every(family), port))?;
            socket.listen(16)
        };
        let (done, is_done) = oneshot::channel::<()>();
        let listening = node.run(async move || {
            let listened = ports
                .into_iter()
                .map(|port| listen(port).map_err(|error| (port, error)));
            let listeners = listened.collect::<Result<Vec<TcpListener>, _>>()?;
            tokio::spawn(async move {
                let answering = join_all(listeners.iter().map(echo));
                tokio::select! {
                    _ = answering => {}
                    _ = is_done => {}
                }
            });
            Ok(())
        });
        listening
            .await?
            .map_err(|(port, source)| ReachError::Port {
                node: name.clone(),
                port,
                source,
            })?;
        Ok(Listening { _done: done })
    }
}

async fn echo(listener: &TcpListener) {
    while let Ok((mut connection, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut byte = [0];
            let echoed = async {
                connection.read_exact(&mut byte).await?;
                connection.write_all(&byte).await
            };
            // Who opened it has given up by then.
            let _ = timeout(2 * ANSWER, echoed).await;
        });
    }
}

/// What comes of new connections from a node to an address.
async fn through(
    (name, from): (&NodeName, &Node),
    to: IpAddr,
    knocks: &[Knock],
) -> Result<Doors, ReachError> {
    let tried = knocks.to_vec();
    let answered = from.run(async move || {
        let answered = tried.iter().map(|knock| async move {
            let answered = knocked(*knock, to).await;
            answered
                .map(|answer| (*knock, answer))
                .map_err(|error| (*knock, error))
        });
        try_join_all(answered).await
    });
    let answered = answered
        .await?
        .map_err(|(knock, source)| ReachError::Port {
            node: name.clone(),
            port: knock.from.unwrap_or(knock.to),
            source,
        })?;
    let mut froms = answered.iter().filter_map(|(_, (_, from))| *from);
    Ok(Doors {
        from: froms.next(),
        to,
        answers: answered
            .iter()
            .map(|(knock, (answer, _))| (*knock, *answer))
            .collect(),
    })
}

/// What comes of one, and the address that it came from where it stands.
async fn knocked(knock: Knock, to: IpAddr) -> io::Result<(Answer, Option<IpAddr>)> {
    let family = Family::of(to);
    let socket = match knock.from {
        None if family == Family::Ipv4 => TcpSocket::new_v4()?,
        None => TcpSocket::new_v6()?,
        Some(from) => {
            let socket = socket(family)?;
            socket.bind(SocketAddr::new(every(family), from))?;
            socket
        }
    };
    let mut came_from = None;
    let answer = timeout(ANSWER, async {
        let mut connection = socket.connect(SocketAddr::new(to, knock.to)).await?;
        came_from = Some(connection.local_addr()?.ip());
        let mut byte = [1];
        connection.write_all(&byte).await?;
        connection.read_exact(&mut byte).await
    });
    let answer = match answer.await {
        Ok(Ok(_)) => Answer::Served,
        _ if came_from.is_some() => Answer::Opened,
        Ok(Err(error))
            if matches!(
                error.kind(),
                ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable
            ) =>
        {
            return Err(error);
        }
        Ok(Err(error)) => Answer::Refused(error.raw_os_error()),
        Err(_) => Answer::Silence,
    };
    Ok((answer, came_from))
}
