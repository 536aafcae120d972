use std::io;
use std::time::Duration;

use crate::{NetlinkError, NodeGone};

/// A question about a node's sockets or connections went without an answer.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody listened in time.
    #[error("nobody listens on TCP port {port} after {deadline:?}")]
    NotListening {
        /// The port.
        port: u16,
        /// How long was waited.
        deadline: Duration,
    },
    /// The node has ended.
    #[error(transparent)]
    Gone(#[from] NodeGone),
    /// The kernel refused.
    #[error(transparent)]
    Refused(#[from] NetlinkError),
    /// No socket to ask the kernel through.
    #[error("no netlink socket")]
    Unavailable(#[from] io::Error),
}
