use std::io;
use std::net::SocketAddr;

use fwlab_fabric::{NodeGone, ProgramError, ProgramLost, ScratchError, SocketError, SysctlError};
use fwlab_record::PeerName;

/// A peer that this machine does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{peer} is missing: {why}; {remedy}")]
pub struct PeerMissing {
    /// Which.
    pub peer: PeerName,
    /// Why it cannot be used.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
}

/// A fault of the lab with a peer: never a finding about a firewall.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The node that the peer was to run in is gone.
    #[error("{peer}: its node is gone")]
    Node {
        /// Which peer.
        peer: PeerName,
        /// The node.
        #[source]
        source: NodeGone,
    },
    /// A sysctl of the peer's node could not be set.
    #[error("{peer}: its node could not be prepared")]
    Sysctl {
        /// Which peer.
        peer: PeerName,
        /// The sysctl.
        #[source]
        source: SysctlError,
    },
    /// The peer's port could not be bound.
    #[error("{peer}: {address} could not be bound")]
    Bind {
        /// Which peer.
        peer: PeerName,
        /// The address and port.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The peer cannot be given these settings.
    #[error("{peer}: {why}")]
    Settings {
        /// Which peer.
        peer: PeerName,
        /// Why.
        why: String,
    },
    /// The peer's files could not be written or read.
    #[error("{peer}: its files")]
    Files {
        /// Which peer.
        peer: PeerName,
        /// Which, and why.
        #[source]
        source: ScratchError,
    },
    /// The program could not be started.
    #[error("{peer}: it could not be started")]
    Start {
        /// Which peer.
        peer: PeerName,
        /// Why.
        #[source]
        source: ProgramError,
    },
    /// Its container could not be had.
    #[error("{peer}: its container")]
    Container {
        /// Which peer.
        peer: PeerName,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The program ended with its node.
    #[error("{peer}: it was lost")]
    Lost {
        /// Which peer.
        peer: PeerName,
        /// What happened.
        #[source]
        source: ProgramLost,
    },
    /// It was ended by somebody else, or by a mistake of its own, while it was needed.
    #[error("{peer} died: {how}")]
    Died {
        /// Which peer.
        peer: PeerName,
        /// How.
        how: String,
    },
    /// The program ended before it listened.
    #[error("{peer}: it ended at once: {recent_log}")]
    Ended {
        /// Which peer.
        peer: PeerName,
        /// What it said.
        recent_log: String,
    },
    /// The program does not listen.
    #[error("{peer}: it does not listen: {recent_log}")]
    NotListening {
        /// Which peer.
        peer: PeerName,
        /// What it said.
        recent_log: String,
        /// What was seen.
        #[source]
        source: SocketError,
    },
}
