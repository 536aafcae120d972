//! FTP servers and clients in containers, as peers of fwlab, through testcontainers; and
//! firewalls that are containers.
//!
//! A container has no network of the engine's (`--network none`) and no privilege. What
//! it is connected to is a lab's, and so are the rules: no peer's image needs iptables.
//!
//! - [`Engine`] is the container engine of this machine, or [why there is none](NoEngine).
//! - [`Image`] is what peers are in; [`build_images`] builds what is missing, from files
//!   that are part of this program.
//! - [`server`] and [`client`] give peers by name, behind the traits of `fwlab_ftp`.
//!   [`Freshness`] says how much of a container is shared: *warm*, a peer is started in
//!   the root file system of a container that waits, and in the node's own fresh network;
//!   *cold*, each cell has containers of its own, and their namespaces are its nodes.
//! - A [`FirewallImage`] is somebody's own: its container loads its rules by itself, with
//!   NET_ADMIN, into the namespace that becomes a node.
//!
//! Whatever this starts ends with this process; [`settle`] waits until all of it is removed.
//! After `kill -9` a warm container ends by itself, as it lives as long as a pipe is held
//! open. A cold server, and what else could be left, is known by its label, and removed by
//! the next process that finds an [`Engine`]. A container without that label, or of a process
//! that lives, is never touched.

mod base;
mod building;
mod client;
mod container;
mod engine;
mod error;
mod firewall;
mod image;
mod kind;
mod owner;
mod pruning;
mod registry;
mod server;
mod settings;
mod warm;
mod work;

pub use base::{Base, BaseError};
pub use building::{BuildError, BuildEvent, build_images};
pub use engine::{Engine, NoEngine};
pub use error::ContainerError;
pub use firewall::{Firewall, FirewallImage};
pub use image::Image;
pub use pruning::{PruneEvent, prune_images};
pub use registry::{Freshness, client, image_of, server};

/// Waits until every container is removed that belonged to a cell which is over. Those that
/// wait for cells stay: they end with this process.
pub async fn cleared() {
    work::removals_done().await;
}

/// Removes the containers that wait for cells, and waits until every container of this
/// process is removed.
pub async fn settle() {
    warm::end_all().await;
    work::all_done().await;
}
