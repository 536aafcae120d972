//! FTP for fwlab: the protocol on the wire, and the peers that speak it.
//!
//! - [`wire`] reads a control connection from captured bytes, without any I/O:
//!   commands, replies, what they announce, how far the session came.
//! - [`Server`] and [`Client`] are the two sides of a transfer, each a trait with
//!   several peers behind it. [`Libunftp`] and [`Suppaftp`] are libraries that run
//!   inside the lab; [`Vsftpd`], [`Curl`], [`Lftp`], [`Tnftp`] and [`Wget`] are programs,
//!   started in a node; [`script::ScriptedServer`] and [`script::ScriptedClient`] misbehave as no other peer
//!   does. [`server`] and [`client`] give them by name;
//!   [`PEERS`] is the table of all of them, and each has a folder below `peer`.
//! - [`TransferSpec`] and [`ServerSettings`] say what is to be done; a peer that
//!   cannot do it says [`Support::No`] and why, before anything is started. Where it differs from the rest is a
//!   [`deviation`], with its reason and its sign.
//! - A protection is TLS on both connections. A server shows a [`Certificate`], the
//!   lab's own or a user's; every client believes whatever it is shown.
//!   [`ClientReport::progress`] is what was said below the TLS.
//! - [`Content`] is what is transferred: a function of name and size, compared by
//!   digest. A transfer has passed when its [`ClientReport`] is good, which takes
//!   the final reply, *and* [`TransferSpec::verify`] finds the right bytes where
//!   they belong.
//!
//! A peer that is a container of its own is [`Contained`]: it brings its node's network
//! namespace along.
//!
//! A failed transfer is data: [`ClientReport::result`] tells what the client saw,
//! and judges nothing. [`PeerError`] is for faults of the lab alone. This crate
//! knows no rules and reads no evidence but the peers' own.
//!
//! ```
//! use std::time::Duration;
//! use fwlab_fabric::Fabric;
//! use fwlab_ftp::{
//!     Client, Content, Libunftp, Login, PassiveAddress, Server, ServerSettings, Suppaftp, Timeouts, TransferSpec,
//! };
//! use fwlab_model::{NodeSpec, Topology};
//! use fwlab_record::{DataSetup, NodeName, Operation, Protection};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let mut topology = Topology::default();
//! topology.nodes.push(NodeSpec::new(NodeName::server()));
//! let fabric = match Fabric::build(&topology).await {
//!     Ok(fabric) => fabric,
//!     Err(error) => return Ok(eprintln!("not here: {error}")),
//! };
//! let node = fabric.node(&NodeName::server()).expect("it is in the topology");
//!
//! let seconds = Duration::from_secs(10);
//! let timeouts = Timeouts { connect: seconds, silence: seconds, whole: seconds };
//! let content = Content::new("file.bin", 300_000)?;
//! let spec = TransferSpec::retr("127.0.0.1:21".parse()?, DataSetup::Pasv, content, timeouts);
//! let settings = ServerSettings { alone_in_node: false, ..ServerSettings::for_transfer(&spec) };
//! let mut server = Libunftp.start(node, &settings).await?;
//! let report = Suppaftp.transfer(node, &spec).await?;
//! let transferred = report.result.expect("nothing is in its way");
//! spec.verify(&transferred, server.stored("file.bin").await?)?;
//! server.stop().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod client;
mod contained;
mod content;
pub mod deviation;
mod digest;
mod embedded;
mod fault;
mod listing;
mod pause;
mod peer;
mod program;
mod remembered;
mod reserve;
pub mod script;
mod server;
mod support;
mod tls;
mod transcript;
mod transfer;
mod verify;
pub mod wire;

pub use client::{
    Client, ClientFailure, ClientReport, Connection, FailureKind, ListedFile, Transferred,
};
pub use contained::Contained;
pub use content::{Content, ContentError, ContentReader};
pub use digest::Digest;
pub use embedded::{Libunftp, Suppaftp, silence_failed_handshakes};
pub use fault::{PeerError, PeerMissing};
pub use pause::{Moment, Paused, Pauses};
pub use peer::{
    CLIENT_WORDS, ContainedClient, ContainedServer, Curl, DEVIATIONS, Finds, Lftp, OwnServer,
    PEERS, PeerEntry, Role, SERVER_WORDS, Tnftp, Vsftpd, Wget, client, peer_entry, port_choice,
    server,
};
pub use program::{
    HostProgram, Places, START_DEADLINE, ServerProgram, died, reserve_passive_ports, stored_in,
};
pub use server::{DataSourcePort, PassivePorts, RunningServer, Server, ServerSettings, StoredFile};
pub use support::Support;
pub use tls::{Certificate, CertificateError, TlsSecrets};
pub use transfer::{Login, PassiveAddress, Stored, Timeouts, TransferSpec};
pub use verify::Mismatch;
