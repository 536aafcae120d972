use std::fmt;
use std::io;
use std::net::SocketAddr;

use fwlab_fabric::{NodeGone, ProgramError, ProgramLost, ScratchError, SocketError, SysctlError};
use serde::{Deserialize, Serialize};

/// An FTP implementation that a cell can run.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PeerName {
    /// The server of the embedded pair, a Rust library.
    Libunftp,
    /// The client of the embedded pair, a Rust library.
    Suppaftp,
    /// A server program.
    Vsftpd,
    /// A client program.
    Curl,
    /// A client program.
    Lftp,
    /// A server program, in a container.
    Proftpd,
    /// A server program, in a container.
    PureFtpd,
    /// A client program.
    Tnftp,
    /// A client program.
    Wget,
    /// A server inside the lab that does what a script says.
    ScriptedServer,
    /// A client inside the lab that does what a script says.
    ScriptedClient,
    /// A server that somebody else started, and that runs already.
    OwnServer,
}

impl PeerName {
    /// Every peer that can be asked for by its name, in the order in which tables show them.
    pub const ALL: &'static [PeerName] = &[
        PeerName::Libunftp,
        PeerName::Suppaftp,
        PeerName::Vsftpd,
        PeerName::Curl,
        PeerName::Lftp,
        PeerName::Proftpd,
        PeerName::PureFtpd,
        PeerName::Tnftp,
        PeerName::Wget,
        PeerName::ScriptedServer,
        PeerName::ScriptedClient,
    ];

    /// The name as it is written in files and reports.
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// Whether this peer is an FTP server, rather than a client.
    pub fn is_server(self) -> bool {
        matches!(
            self,
            PeerName::Libunftp
                | PeerName::Vsftpd
                | PeerName::Proftpd
                | PeerName::PureFtpd
                | PeerName::ScriptedServer
                | PeerName::OwnServer
        )
    }

    /// Whether this peer is inside the lab, or handed to it, rather than a program that must
    /// be on the machine.
    pub fn is_embedded(self) -> bool {
        matches!(
            self,
            PeerName::Libunftp
                | PeerName::Suppaftp
                | PeerName::ScriptedServer
                | PeerName::ScriptedClient
                | PeerName::OwnServer
        )
    }
}

/// Whether a peer can do what a cell asks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// It can.
    Yes,
    /// It cannot: the cell is not run, and says so.
    No {
        /// Why, for people.
        why: String,
    },
}

impl Support {
    /// Not supported, because.
    pub fn no(why: impl Into<String>) -> Support {
        Support::No { why: why.into() }
    }

    /// Whether it can.
    pub fn is_yes(&self) -> bool {
        *self == Support::Yes
    }

    /// This answer when it is a no, the next one otherwise.
    #[must_use]
    pub fn and(self, next: impl FnOnce() -> Support) -> Support {
        match self {
            Support::Yes => next(),
            no => no,
        }
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Support::Yes => f.write_str("supported"),
            Support::No { why } => write!(f, "not supported: {why}"),
        }
    }
}

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
    #[error("{peer}: it ended at once: {last_words}")]
    Ended {
        /// Which peer.
        peer: PeerName,
        /// What it said.
        last_words: String,
    },
    /// The program does not listen.
    #[error("{peer}: it does not listen: {last_words}")]
    NotListening {
        /// Which peer.
        peer: PeerName,
        /// What it said.
        last_words: String,
        /// What was seen.
        #[source]
        source: SocketError,
    },
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn all_have_a_name_to_ask_for_but_a_server_of_somebody_else_s() {
        let named: Vec<PeerName> = PeerName::VARIANTS
            .iter()
            .copied()
            .filter(|peer| *peer != PeerName::OwnServer)
            .collect();
        assert_eq!(PeerName::ALL, named);
    }
}
