//! FTP servers and clients in containers, as peers of fwlab, through testcontainers; and
//! firewalls that are containers.
//!
//! A container has no engine network (`--network none`) and no privilege. Its links are a lab's, and so are the
//! rules: no peer's image needs iptables.
//!
//! - [`Engine`] is the container engine of this machine, or [why there is none](NoEngine).
//! - [`Image`] is what peers run in; [`build_images`] builds what is missing, from files that are part of this
//!   program, and [`provide_images`] does so for those who need them.
//! - [`server`] and [`client`] give peers by name, behind the traits of `fwlab_ftp`.
//!   [`ContainerReuse`] says how much of a container is shared: *warm*, a peer is started in
//!   the root file system of a container that waits, and in the node's own fresh network;
//!   *cold*, each cell has containers of its own, and their namespaces are its nodes.
//! - A [`FirewallImage`] is a user's own: its container loads its rules by itself, with
//!   NET_ADMIN, into the namespace that becomes a node.
//!
//! Everything that speaks to an engine is behind the feature `engine`. Without it, the same calls exist, and
//! [`Engine::connect`] says that this fwlab was built without containers, so callers need not distinguish.
//!
//! Whatever this starts ends with this process; [`settle`] waits until all of it is removed.
//! After `kill -9` a warm container ends by itself, as it lives as long as its input is
//! held open. A cold server, and anything else that could be left, is known by its label, and the next process
//! that finds an [`Engine`] removes it. So are the remains of a build. A container without that label, or of a
//! living process, is never touched.

mod events;
mod firewall_image;
mod image;
mod no_engine;
mod reuse;
mod unsettled;

#[cfg(feature = "engine")]
mod base;
#[cfg(feature = "engine")]
mod building;
#[cfg(feature = "engine")]
mod client;
#[cfg(feature = "engine")]
mod container;
#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "engine")]
mod error;
#[cfg(feature = "engine")]
mod firewall;
#[cfg(feature = "engine")]
mod held;
#[cfg(feature = "engine")]
mod kind;
#[cfg(feature = "engine")]
mod owner;
#[cfg(feature = "engine")]
mod presence;
#[cfg(feature = "engine")]
mod pruning;
#[cfg(feature = "engine")]
mod registry;
#[cfg(feature = "engine")]
mod server;
#[cfg(feature = "engine")]
mod settings;
#[cfg(feature = "engine")]
mod settling;
#[cfg(feature = "engine")]
mod turn;
#[cfg(feature = "engine")]
mod unfinished;
#[cfg(feature = "engine")]
mod warm;
#[cfg(not(feature = "engine"))]
mod without;
#[cfg(feature = "engine")]
mod work;

pub use events::{Base, BuildEvent, Builds};
pub use firewall_image::FirewallImage;
pub use image::Image;
pub use no_engine::NoEngine;
pub use reuse::{ContainerReuse, image_of};
pub use unsettled::Unsettled;

#[cfg(not(feature = "engine"))]
pub use without::{
    ContainerError, Engine, Firewall, cleared, client, provide_images, server, settle,
};
#[cfg(feature = "engine")]
pub use {
    base::BaseError,
    building::{BuildError, build_images, provide_images},
    engine::Engine,
    error::ContainerError,
    firewall::Firewall,
    pruning::{PruneEvent, prune_images},
    registry::{client, server},
    settling::{cleared, settle},
};
