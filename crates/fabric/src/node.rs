use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{AbortHandle, Abortable};
use fwlab_record::{Flow, NodeName};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::SocketError;
use crate::netlink::{Conntrack, TcpSockets};
use crate::process::{Program, ProgramError, ProgramSpec, ToolCall, ToolError, ToolOutput};
use crate::raw_tcp;
use crate::sysctl::{SysctlError, SysctlName};

/// What a node's thread is given to do.
pub(crate) type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The node has ended: its fabric was dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("node `{0}` has ended")]
pub struct NodeGone(pub NodeName);

/// A handle to a node: a network namespace, and the one thread that lives in it.
///
/// Clones are handles to the same node. A handle does not keep the node alive: that
/// does the [`Fabric`](crate::Fabric).
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    name: NodeName,
    addresses: Vec<IpAddr>,
    jobs: mpsc::UnboundedSender<Job>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Node").field(&self.0.name.as_str()).finish()
    }
}

impl Node {
    pub(crate) fn new(
        name: NodeName,
        addresses: Vec<IpAddr>,
        jobs: mpsc::UnboundedSender<Job>,
    ) -> Node {
        Node(Arc::new(Inner {
            name,
            addresses,
            jobs,
        }))
    }

    /// The node's name.
    pub fn name(&self) -> &NodeName {
        &self.0.name
    }

    /// The addresses of its links, in order of link.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.0.addresses
    }

    /// Runs a future on the node's thread, and so in its namespace, and awaits its
    /// result from any runtime. What it spawns, opens and starts belongs to the node.
    ///
    /// Dropping the returned future ends the job. A job's panic goes on in the caller.
    ///
    /// # Errors
    /// When the node has ended, or ends before the job does.
    pub async fn run<F, Fut, T>(&self, job: F) -> Result<T, NodeGone>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        let (mut answer, answered) = oneshot::channel();
        self.give(Box::new(move || {
            Box::pin(async move {
                let job = AssertUnwindSafe(async move { job().await }).catch_unwind();
                tokio::select! {
                    result = job => drop(answer.send(result)),
                    () = answer.closed() => {}
                }
            })
        }))?;
        match answered.await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => Err(self.gone()),
        }
    }

    /// Starts a future on the node's thread without waiting for it. It ends with the
    /// node at the latest.
    ///
    /// # Errors
    /// When the node has ended.
    pub fn spawn<F, Fut>(&self, job: F) -> Result<TaskHandle, NodeGone>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let (handle, registration) = AbortHandle::new_pair();
        self.give(Box::new(move || {
            let job = Abortable::new(async move { job().await }, registration);
            // Aborted or not: nobody waits for this.
            Box::pin(job.map(|_| ()))
        }))?;
        Ok(TaskHandle(handle))
    }

    /// Sets a sysctl of the node's namespace, by its dotted name (in a word, `/`
    /// stands for a dot: `net.ipv4.conf.eth0/100.rp_filter`).
    ///
    /// # Errors
    /// When the name is not one of a network namespace's own, or the value is not taken.
    pub async fn set_sysctl(&self, name: &str, value: &str) -> Result<(), SysctlError> {
        let name = SysctlName::parse(name)?;
        let value = value.to_owned();
        let shown = name.clone();
        match self.run(async move || name.write(&value)).await? {
            // Known where this was called from, and not in the node.
            Err(SysctlError::Unknown(unknown)) if shown.file().is_file() => {
                Err(SysctlError::WholeMachine(unknown))
            }
            result => result,
        }
    }

    /// Keeps ports from being picked by the kernel (`net.ipv4.ip_local_reserved_ports`), beside those that are
    /// kept already.
    ///
    /// # Errors
    /// When the node has ended, or the kernel refuses.
    pub async fn reserve_ports(&self, ranges: &[RangeInclusive<u16>]) -> Result<(), SysctlError> {
        let name = SysctlName::parse("net.ipv4.ip_local_reserved_ports")?;
        let more = ranges
            .iter()
            .map(|ports| format!("{}-{}", ports.start(), ports.end()));
        let more: Vec<String> = more.collect();
        // One after the other: a node has one thread.
        self.run(async move || {
            let before = name.read().unwrap_or_default();
            let before = before.trim();
            let kept = Some(before.to_owned()).filter(|before| !before.is_empty());
            let all: Vec<String> = kept.into_iter().chain(more).collect();
            name.write(&all.join(","))
        })
        .await?
    }

    /// Runs a short-lived, trusted tool (`iptables-restore`, `nft`) in the namespace.
    /// Its exit status is a result, not an error.
    ///
    /// # Errors
    /// When it cannot be started, or does not end by its deadline.
    pub async fn tool(&self, call: ToolCall) -> Result<ToolOutput, ToolError> {
        self.run(async move || call.run().await).await?
    }

    /// Starts an untrusted program (a peer: vsftpd, curl) in the namespace. It ends,
    /// with all that it started, when the handle is dropped.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn program(&self, spec: ProgramSpec) -> Result<Program, ProgramError> {
        self.run(async move || spec.start()).await?
    }

    /// Ends the TCP socket from `flow.from` to `flow.to` in this namespace, in any
    /// state: whoever waits on it sees `ECONNABORTED` at once (`SOCK_DESTROY`,
    /// `sock_diag(7)`). False: there is none.
    ///
    /// # Errors
    /// When the node has ended, or the kernel refuses.
    pub async fn destroy_tcp(&self, flow: Flow) -> Result<bool, SocketError> {
        self.run(async move || Ok(TcpSockets::open()?.destroy(flow)?))
            .await?
    }

    /// Sends a TCP segment once more, as TCP itself would: through every hook of the way out. The packet
    /// stands from its IP header on; its checksums are filled in.
    ///
    /// # Errors
    /// When it is no TCP segment without IP options, the node has ended, or the kernel has no raw socket for this
    /// process. That a rule of the node stops it is no error.
    pub async fn send_again(&self, packet: Arc<[u8]>) -> Result<(), SocketError> {
        self.run(async move || Ok(raw_tcp::send(&packet)?)).await?
    }

    /// Forgets every connection that conntrack knows here, expectations with them.
    ///
    /// # Errors
    /// When the node has ended, or the kernel refuses.
    pub async fn flush_conntrack(&self) -> Result<(), SocketError> {
        self.run(async || Ok(Conntrack::open()?.flush()?)).await?
    }

    /// Whether conntrack knows the TCP connection whose first packet goes this way here, before
    /// any translation.
    ///
    /// # Errors
    /// When the node has ended, or the kernel refuses.
    pub async fn knows_connection(&self, flow: Flow) -> Result<bool, SocketError> {
        self.run(async move || Ok(Conntrack::open()?.knows(flow)?))
            .await?
    }

    /// Waits until somebody listens on that TCP port, on all addresses or on one of
    /// the node's own or on loopback.
    ///
    /// # Errors
    /// When nobody does by the deadline, the node has ended, or the kernel refuses.
    pub async fn wait_listening(&self, port: u16, deadline: Duration) -> Result<(), SocketError> {
        let mut addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        addresses.extend(self.addresses());
        self.run(async move || {
            let sockets = TcpSockets::open()?;
            let end = Instant::now() + deadline;
            // The kernel tells nobody about a new listener, so this asks again.
            while !sockets.is_listening(port, &addresses)? {
                if Instant::now() >= end {
                    return Err(SocketError::NotListening { port, deadline });
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        })
        .await?
    }

    fn give(&self, job: Job) -> Result<(), NodeGone> {
        self.0.jobs.send(job).map_err(|_| self.gone())
    }

    fn gone(&self) -> NodeGone {
        NodeGone(self.0.name.clone())
    }
}

/// A task that [`Node::spawn`] started. Dropping this lets the task go on.
#[derive(Debug, Clone)]
pub struct TaskHandle(AbortHandle);

impl TaskHandle {
    /// Ends the task at its next await.
    pub fn abort(&self) {
        self.0.abort();
    }
}
