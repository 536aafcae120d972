//! What somebody else made and a lab uses: the network namespace of a container, and
//! its root file system.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use crate::Privilege;

/// A network namespace that somebody else made, for [`Fabric::build_with`](crate::Fabric::build_with).
///
/// Clones are handles to the same namespace; each keeps it alive.
#[derive(Debug, Clone)]
pub struct NetworkNamespace(Arc<OwnedFd>);

impl NetworkNamespace {
    /// The network namespace that a process is in.
    ///
    /// # Errors
    /// When there is no such process or this one may not look at it; and when it is
    /// in the namespace that this process is in itself, which is the machine's, and
    /// no lab's to change.
    pub fn of_process(pid: u32) -> Result<NetworkNamespace, NamespaceError> {
        Ok(NetworkNamespace(Arc::new(of_process(pid, "net")?)))
    }
}

impl AsFd for NetworkNamespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What a program finds that runs in a container: its root file system with all its
/// mounts, its host name, its IPC objects. Not its network, which is the node's, and
/// not its processes: a program has a PID namespace of its own, here as everywhere.
///
/// A program changes nothing in it, since it sees all of it read-only, with an empty
/// `/run` and an empty `/tmp` of its own beside its files. Clones are handles to the
/// same root; each keeps it alive.
#[derive(Debug, Clone)]
pub struct ContainerRoot(Arc<Namespaces>);

#[derive(Debug)]
pub(crate) struct Namespaces {
    pub(crate) mount: OwnedFd,
    pub(crate) ipc: OwnedFd,
    pub(crate) uts: OwnedFd,
}

impl ContainerRoot {
    /// The root of the container that a process is in. It takes root of the machine.
    ///
    /// # Errors
    /// When there is no such process or this one may not enter its namespaces; and
    /// when its mount namespace is this process's own.
    pub fn of_process(pid: u32) -> Result<ContainerRoot, NamespaceError> {
        if !matches!(Privilege::current(), Ok(Privilege::Root)) {
            return Err(NamespaceError::NotRoot);
        }
        let mount = of_process(pid, "mnt")?;
        // Those of the machine are as good as others: nothing is changed through them.
        let [ipc, uts] = ["ipc", "uts"].map(|kind| open(pid, kind));
        Ok(ContainerRoot(Arc::new(Namespaces {
            mount,
            ipc: ipc?,
            uts: uts?,
        })))
    }

    pub(crate) fn namespaces(&self) -> Arc<Namespaces> {
        Arc::clone(&self.0)
    }
}

/// A namespace of another process was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// It could not be opened.
    #[error("the {kind} namespace of process {pid} cannot be opened")]
    Open {
        /// The process.
        pid: u32,
        /// The namespace's name in `/proc/PID/ns`.
        kind: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// It is the one that this process is in.
    #[error("the {kind} namespace of process {pid} is the machine's own, and no lab's")]
    Own {
        /// The process.
        pid: u32,
        /// The namespace's name in `/proc/PID/ns`.
        kind: &'static str,
    },
    /// Only root of the machine may enter a container.
    #[error("only root may enter a container's namespaces")]
    NotRoot,
}

fn of_process(pid: u32, kind: &'static str) -> Result<OwnedFd, NamespaceError> {
    let namespace = open(pid, kind)?;
    let failed = |source| NamespaceError::Open { pid, kind, source };
    let own = std::fs::metadata(format!("/proc/self/ns/{kind}")).map_err(failed)?;
    let namespace = File::from(namespace);
    let other = namespace.metadata().map_err(failed)?;
    if (own.dev(), own.ino()) == (other.dev(), other.ino()) {
        return Err(NamespaceError::Own { pid, kind });
    }
    Ok(namespace.into())
}

fn open(pid: u32, kind: &'static str) -> Result<OwnedFd, NamespaceError> {
    File::open(format!("/proc/{pid}/ns/{kind}"))
        .map(OwnedFd::from)
        .map_err(|source| NamespaceError::Open { pid, kind, source })
}
