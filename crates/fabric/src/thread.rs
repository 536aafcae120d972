//! The thread that is a node: it enters a new namespace, or an adopted one, runs what
//! it is given, and takes everything down when its fabric lets go.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::LazyLock;
use std::thread::JoinHandle;
use std::time::Duration;

use fwlab_record::NodeName;
use nix::sched::{CloneFlags, setns, unshare};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::LocalSet;

use crate::netlink::{NetlinkSocket, Protocol};
use crate::node::Job;
use crate::sysctl::SysctlName;
use crate::{FabricError, NetworkNamespace};

/// How long a node's end waits for its `spawn_blocking` threads, which nothing can
/// interrupt (a name lookup, say).
const BLOCKING_PATIENCE: Duration = Duration::from_secs(5);

/// Node threads that have not ended yet.
static ALIVE: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// What the fabric is built with: the namespace, and a route socket in it.
pub(crate) struct Ready {
    pub(crate) namespace: OwnedFd,
    pub(crate) route: NetlinkSocket,
}

/// A node's thread. Dropping this tells it to end.
#[derive(Debug)]
pub(crate) struct NodeThread {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl NodeThread {
    pub(crate) fn start(
        name: NodeName,
        adopted: Option<NetworkNamespace>,
        sysctls: Vec<(SysctlName, String)>,
        jobs: mpsc::UnboundedReceiver<Job>,
    ) -> Result<(NodeThread, oneshot::Receiver<Result<Ready, FabricError>>), FabricError> {
        let (ready, is_ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let alive = Alive::count();
        let thread_name = name.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_string())
            .spawn(move || {
                live(
                    thread_name,
                    adopted.as_ref(),
                    &sysctls,
                    jobs,
                    ready,
                    stopped,
                );
                drop(end);
                drop(alive);
            })
            .map_err(|source| FabricError::Thread { node: name, source })?;
        let thread = NodeThread {
            stop,
            ended,
            thread,
        };
        Ok((thread, is_ready))
    }

    /// Tells the thread to end, and waits until it has.
    pub(crate) async fn join(self) {
        drop(self.stop);
        // Nothing is ever sent: this wakes when the sender is dropped.
        let _ = self.ended.await;
        // At its last instruction by now. Its panic has been reported by the hook.
        let _ = self.thread.join();
    }
}

/// Waits until every node of every fabric of this process has ended.
pub(crate) async fn all_ended() {
    let mut alive = ALIVE.subscribe();
    alive
        .wait_for(|count| *count == 0)
        .await
        .expect("a static sender is never dropped");
    // No node is left to start anything. It is a matter of one process's end.
    crate::sys::end_spawners();
}

/// Counts a thread as long as it lives.
struct Alive;

impl Alive {
    fn count() -> Alive {
        ALIVE.send_modify(|count| *count += 1);
        Alive
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.send_modify(|count| *count -= 1);
    }
}

fn live(
    name: NodeName,
    adopted: Option<&NetworkNamespace>,
    sysctls: &[(SysctlName, String)],
    mut jobs: mpsc::UnboundedReceiver<Job>,
    ready: oneshot::Sender<Result<Ready, FabricError>>,
    mut stop: oneshot::Receiver<()>,
) {
    let runtime = match enter(&name, adopted, sysctls) {
        Ok((made, runtime)) => {
            if ready.send(Ok(made)).is_err() {
                return; // whoever built the fabric gave up
            }
            runtime
        }
        Err(error) => {
            // Whoever built the fabric may have given up.
            let _ = ready.send(Err(error));
            return;
        }
    };
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        loop {
            tokio::select! {
                biased;
                _ = &mut stop => break,
                job = jobs.recv() => match job {
                    Some(job) => drop(tokio::task::spawn_local(job())),
                    None => break,
                },
            }
        }
    });
    // In this order: no new jobs; the tasks, whose processes end with them, while
    // the runtime that drives them is there; the runtime.
    drop(jobs);
    {
        let _context = runtime.enter();
        drop(tasks);
    }
    runtime.shutdown_timeout(BLOCKING_PATIENCE);
}

fn enter(
    name: &NodeName,
    adopted: Option<&NetworkNamespace>,
    sysctls: &[(SysctlName, String)],
) -> Result<(Ready, tokio::runtime::Runtime), FabricError> {
    let failed = |source: io::Error| FabricError::Thread {
        node: name.clone(),
        source,
    };
    let entered = match adopted {
        Some(namespace) => setns(namespace, CloneFlags::CLONE_NEWNET),
        None => unshare(CloneFlags::CLONE_NEWNET),
    };
    entered.map_err(|errno| match crate::Privilege::current() {
        Err(error) => FabricError::Privilege(error),
        Ok(_) => FabricError::Namespace {
            node: name.clone(),
            source: errno.into(),
        },
    })?;
    for (sysctl, value) in sysctls {
        sysctl.write(value).map_err(|source| FabricError::Sysctl {
            node: name.clone(),
            source,
        })?;
    }
    let namespace = File::open("/proc/thread-self/ns/net").map_err(failed)?;
    let route = NetlinkSocket::open(Protocol::Route).map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let ready = Ready {
        namespace: namespace.into(),
        route,
    };
    Ok((ready, runtime))
}
