use std::time::Duration;

use fwlab_containers::ContainerError;
use fwlab_fabric::{FabricError, NodeGone, SocketError};
use fwlab_ftp::{Mismatch, PeerError, PeerMissing};
use fwlab_observe::ObserveError;
use fwlab_record::{Family, NodeName};

use crate::rules::{ImageRulesError, LoadError};

/// What kept a cell from being run to its end. Never an outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0}")]
    NotSupported(String),
    #[error("the lab itself failed, which is a bug in fwlab: {0}")]
    Panicked(String),
    #[error("the cell did not end within {} s", .0.as_secs())]
    NoEnd(Duration),
    #[error("the scenario's stage has no node `{name}`")]
    NoNode { name: NodeName },
    #[error("the scenario's stage has no {} address for both peers", family.protocol())]
    NoAddress { family: Family },
    #[error("the lab could not be built")]
    Fabric(#[from] FabricError),
    #[error("the rules did not load")]
    Load(#[from] LoadError),
    #[error("the firewall's image")]
    Firewall(#[from] ContainerError),
    #[error(transparent)]
    Standing(#[from] ImageRulesError),
    #[error("{node} had different rules at the end: its image changed them meanwhile")]
    RulesChanged { node: NodeName },
    #[error("the kernel could not be observed")]
    Observe(#[from] ObserveError),
    #[error("a peer failed")]
    Peer(#[from] PeerError),
    #[error("a socket or connection could not be ended")]
    Socket(#[from] SocketError),
    #[error(
        "conntrack at {node} still knows the control connection after {} s; shorten its timeout by [[sysctl]], \
         net.netfilter.nf_conntrack_tcp_timeout_established",
        waited.as_secs()
    )]
    NotExpired { node: NodeName, waited: Duration },
    #[error("the lab was taken down too soon")]
    Gone(#[from] NodeGone),
    #[error("the transfer ended well, with the wrong bytes")]
    Mismatch(#[source] Mismatch),
}

impl From<PeerMissing> for Fault {
    fn from(missing: PeerMissing) -> Fault {
        Fault::NotSupported(missing.to_string())
    }
}

impl Fault {
    /// The fault with all its causes, in one line.
    pub(crate) fn in_words(&self) -> String {
        crate::words::with_causes(self)
    }
}
