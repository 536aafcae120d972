//! FTP: the protocol on the wire, and its peers.

mod client;
mod content;
mod digest;
mod embedded;
mod listing;
mod peer;
mod program;
mod registry;
mod reserve;
mod server;
mod transfer;
mod verify;
pub mod wire;

pub use client::{
    Client, ClientFailure, ClientReport, Connection, FailureKind, ListedFile, Transferred,
};
pub use content::{Content, ContentError, ContentReader};
pub use digest::Digest;
pub use embedded::{Libunftp, Suppaftp};
pub use peer::{PeerError, PeerMissing, PeerName, Support};
pub use program::{Curl, Lftp, Vsftpd};
pub use registry::{client, server};
pub use server::{
    DataSourcePort, PassivePorts, RunningServer, Server, ServerSettings, StoredFile,
};
pub use transfer::{PASSWORD, Patience, Stored, TransferSpec, USER};
pub use verify::Mismatch;
