//! FTP servers and clients in containers, as peers of fwlab, through testcontainers; and
//! firewalls that are containers.
//!
//! A container has no network of the engine's (`--network none`) and no privilege. What
//! it is connected to is a lab's, and so are the rules: no peer's image needs iptables.
//!
//! - [`Engine`] is the container engine of this machine, or [why there is none](NoEngine).
//! - [`Image`] is what peers are in; [`build_images`] builds what is missing, from files
//!   that are part of this program, and [`provide_images`] does so for who needs them.
//! - [`server`] and [`client`] give peers by name, behind the traits of `fwlab_ftp`.
//!   [`Freshness`] says how much of a container is shared: *warm*, a peer is started in
//!   the root file system of a container that waits, and in the node's own fresh network;
//!   *cold*, each cell has containers of its own, and their namespaces are its nodes.
//! - A [`FirewallImage`] is somebody's own: its container loads its rules by itself, with
//!   NET_ADMIN, into the namespace that becomes a node.
//!
//! Whatever this starts ends with this process; [`settle`] waits until all of it is removed.
//! After `kill -9` a warm container ends by itself, as it lives as long as its input is
//! held open. A cold server, and what else could be left, is known by its label, and removed by
//! the next process that finds an [`Engine`]. So is what is left of a build. A container without
//! that label, or of a process that lives, is never touched.

mod base;
mod building;
mod client;
mod container;
mod engine;
mod error;
mod firewall;
mod held;
mod image;
mod kind;
mod owner;
mod pruning;
mod registry;
mod server;
mod settings;
mod turn;
mod unfinished;
mod warm;
mod work;

pub use base::{Base, BaseError};
pub use building::{BuildError, BuildEvent, Builds, build_images, provide_images};
pub use engine::{Engine, NoEngine};
pub use error::ContainerError;
pub use firewall::{Firewall, FirewallImage};
pub use image::Image;
pub use pruning::{PruneEvent, prune_images};
pub use registry::{Freshness, client, image_of, server};

use std::time::Duration;

use owner::Owner;

/// How long it is waited for what the engine still has to do in the end.
const SETTLE: Duration = Duration::from_secs(20);

/// The engine has not done what it was asked in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Docker has not removed all that was started in it: it is removed when fwlab next looks for \
     Docker; `docker ps --all --filter label={}` shows it",
    Owner::LABEL
)]
pub struct Unsettled;

/// Waits until every container is removed that belonged to a cell which is over. Those that
/// wait for cells stay: they end with this process. So does what the engine does not come to remove.
pub async fn cleared() {
    let _ = tokio::time::timeout(SETTLE, work::removals_done()).await;
}

/// Removes the containers that wait for cells, and waits until every container of this
/// process is removed.
///
/// # Errors
/// When the engine does not answer for 20 seconds, or does not remove one.
pub async fn settle() -> Result<(), Unsettled> {
    let settled = async {
        warm::end_all().await;
        work::all_done().await;
    };
    let settled = tokio::time::timeout(SETTLE, settled).await;
    if settled.is_err() || work::taken_left() > 0 {
        return Err(Unsettled);
    }
    Ok(())
}
