use std::fmt;

use async_trait::async_trait;
use fwlab_fabric::Node;
use fwlab_record::{Announcement, DataSetup, PeerName};

use crate::wire::{Progress, Reply};
use crate::{Contained, Digest, PeerError, Support, TransferSpec};

/// An FTP client that can be run in a node.
#[async_trait]
pub trait Client: Send + Sync {
    /// Which one.
    fn name(&self) -> PeerName;

    /// Its version, as it gives it itself.
    fn version(&self) -> String;

    /// Whether it can do this transfer, in exactly this data setup.
    fn supports(&self, transfer: &TransferSpec) -> Support;

    /// Makes it ready for one cell, where that comes before its node: the client that
    /// this gives runs one session, in a node that is the namespace beside it. `None`:
    /// this one runs in any node, as often as needed.
    ///
    /// # Errors
    ///
    /// When it cannot be had: all of them are faults of the lab.
    async fn contained(&self) -> Result<Option<Contained<dyn Client>>, PeerError> {
        Ok(None)
    }

    /// Runs one session: connect, log in, transfer, quit. Ends with the session
    /// or with the spec's patience, whichever is first; dropping the future ends
    /// the session.
    ///
    /// # Errors
    ///
    /// For faults of the lab alone. Whatever the network or the server does to
    /// the session is the report's.
    async fn transfer(&self, node: &Node, spec: &TransferSpec) -> Result<ClientReport, PeerError>;
}

/// What a client makes of its session.
#[derive(Debug, Clone)]
pub struct ClientReport {
    /// What was transferred: the data connection came to its end, and the final
    /// reply was read and positive. Whether the bytes are the right ones is
    /// said by [`TransferSpec::verify`].
    pub result: Result<Transferred, ClientFailure>,
    /// The final reply to the transfer command, where the client hands it out.
    pub final_reply: Option<Reply>,
    /// How far the dialogue came, as the client saw it: in the clear, whatever hid it
    /// from the wire. `None` when the client has no record of it.
    pub progress: Option<Progress>,
    /// Where the data connections were to go, as the client sent or read it, in order.
    pub announcements: Vec<Announcement>,
    /// What a program said of itself; empty for an embedded client. At most
    /// the last 64 KiB.
    pub log: String,
}

/// What a client received, sent or saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transferred {
    /// RETR, with or without REST.
    Received {
        /// The bytes that came over the data connection.
        bytes: u64,
        /// Their digest.
        digest: Digest,
    },
    /// STOR or APPE.
    Sent {
        /// The bytes that went over the data connection.
        bytes: u64,
    },
    /// LIST or MLSD.
    Listed {
        /// The files that the listing names.
        files: Vec<ListedFile>,
    },
}

/// A file in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes, where the listing's format gives one (MLSD does, LIST has no format).
    pub size: Option<u64>,
}

/// One of the two connections of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub enum Connection {
    /// Commands and replies.
    Control,
    /// The file or the listing.
    Data,
}

/// Why a client's session did not end well, as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFailure {
    /// The connection that it failed on, as far as the client tells.
    pub on: Connection,
    /// How.
    pub kind: FailureKind,
    /// The same for people, in the client's own words where it has any.
    pub words: String,
}

/// How a client's session failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// The connection was not opened: refused, unreachable, aborted.
    Connect,
    /// The connection was opened, and its TLS handshake came to no good end before
    /// patience ended.
    Tls,
    /// Patience ended.
    Deadline,
    /// The server said no.
    Reply(Reply),
    /// The server closed the connection before its time.
    Closed,
    /// The connection broke.
    Broken,
    /// What came from the server is no FTP.
    NoFtp,
    /// The client used other data setups than the one it was asked for.
    Fallback {
        /// The ones that it used, in order.
        used: Vec<DataSetup>,
        /// What came through by the last of them, where the session came to a good end.
        transferred: Option<Transferred>,
    },
    /// The program failed, and what it said tells no more.
    Program,
}

impl fmt::Display for ClientFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} connection: {}", self.on, self.words)
    }
}
