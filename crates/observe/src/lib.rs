//! The kernel's own evidence in a node's namespace: which rule or policy a packet
//! met ([`TraceStep`], of both backends), what conntrack knew
//! ([`ConntrackEvent`], [`ExpectationEvent`]), and what went over the wire ([`CapturedPacket`]).
//!
//! An [`Observer`] opens its sockets in one node and sends what it reads as [`Event`]s.
//! It judges nothing: the runner reads from the steps and the rules what stopped a packet, and the judge says
//! what that means.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use fwlab_fabric::Fabric;
//! use fwlab_model::{NodeSpec, Topology};
//! use fwlab_observe::{Observer, ObserverSettings, What};
//! use fwlab_record::NodeName;
//!
//! let mut topology = Topology::default();
//! topology.nodes.push(NodeSpec::new(NodeName::server()));
//! let fabric = match Fabric::build(&topology).await {
//!     Ok(fabric) => fabric,
//!     Err(error) => return eprintln!("not here: {error}"),
//! };
//! let server = fabric.node(&NodeName::server()).unwrap();
//! let settings = ObserverSettings { control_ports: vec![21], ..Default::default() };
//! let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
//! let observer = Observer::start(server, &settings, sender).await.unwrap();
//!
//! let refused = server
//!     .run(async || tokio::net::TcpStream::connect("127.0.0.1:21").await)
//!     .await
//!     .unwrap();
//! assert!(refused.is_err());
//!
//! observer.drain().await.unwrap();
//! let mut captured = 0;
//! while let Ok(event) = events.try_recv() {
//!     captured += usize::from(matches!(event.what, What::Captured(_)));
//! }
//! assert_eq!(captured, 4, "a SYN and a reset, each out and in over loopback");
//! # });
//! ```
//!
//! | module | what it has |
//! | --- | --- |
//! | `observer`, `reader`, `decoder` | the handle; the task on the node's thread that reads the sockets; datagrams to events |
//! | `table` | the lab's own table, which marks what is traced |
//! | `log` | nfnetlink_log: legacy's trace, conntrack's remarks |
//! | `trace` | trace messages of both backends, joined to steps; which step decided |
//! | `conntrack`, `capture` | the other two kinds of evidence |
//! | `frames` | every packet in whole, for those who want to read it themselves |
//! | `rules` | handle → ordinal |
//! | `headers` | bytes |
//!
//! This crate knows no FTP, loads no rules but its own, starts no process, and has no unsafe code.

mod capture;
mod conntrack;
mod decoder;
mod error;
mod event;
mod frames;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod headers;
mod interface;
mod log;
mod names;
mod observer;
mod reader;
mod request;
mod rules;
mod settings;
mod table;
mod trace;
mod turn;

pub use capture::{CapturedPacket, Direction};
pub use conntrack::{Change, ConntrackEvent, ExpectationEvent, HelperDrop, InvalidPacket};
pub use error::{ObserveError, Step};
pub use event::{Event, SentPacket, Source, What};
pub use frames::{Frame, FrameRecorder};
pub use interface::Interface;
pub use observer::Observer;
pub use rules::{NftChain, NftRules};
pub use settings::{Newer, ObserverSettings};
pub use table::TABLE;
pub use trace::{PacketId, TracePlace, TraceStep, TraceVerdict};
