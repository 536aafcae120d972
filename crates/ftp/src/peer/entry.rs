use std::ops::RangeInclusive;
use std::sync::Arc;

use fwlab_fabric::ContainerRoot;
use fwlab_model::NodeSpec;
use fwlab_record::PeerName;

use crate::deviation::Deviation;
use crate::{Client, HostProgram, PeerMissing, Server, ServerSettings, Support, TransferSpec};

/// A peer, before anybody has looked whether it is there.
#[derive(Debug)]
pub struct PeerEntry {
    /// What it is called.
    pub name: PeerName,
    /// Which side it is, and how it is had.
    pub role: Role,
    /// The program that it is on a machine that has it; `None` for one that is inside the lab, or that
    /// runs in a container alone.
    pub program: Option<HostProgram>,
    /// The ports from which it picks one for a data connection where none are set.
    pub port_choice: RangeInclusive<u16>,
    /// What it does otherwise than the rest.
    pub deviations: &'static [Deviation],
}

impl PeerEntry {
    /// The kernel picks one, of the node's ephemeral ports.
    pub(super) const KERNELS_CHOICE: RangeInclusive<u16> = NodeSpec::EPHEMERAL_PORTS;

    /// Whether it is a server.
    pub const fn is_server(&self) -> bool {
        matches!(self.role, Role::Server { .. })
    }

    /// Whether it can be asked for by its name alone: a server of somebody else's must be handed over.
    pub const fn is_named(&self) -> bool {
        !matches!(self.name, PeerName::OwnServer)
    }

    /// The folder of `lab/images` with the image that it is in; `None`: it cannot run in a container.
    pub fn image(&self) -> Option<&'static str> {
        match &self.role {
            Role::Server { contained, .. } => contained.as_ref().map(|one| one.image),
            Role::Client { contained, .. } => contained.as_ref().map(|_| ContainedClient::IMAGE),
        }
    }
}

/// Looks for a peer.
pub type Finds<P> = fn() -> Result<Arc<P>, PeerMissing>;

/// Which side a peer is, and how it is had.
#[derive(Debug)]
pub enum Role {
    /// A server.
    Server {
        /// Finds it in the lab or on this machine; `None`: it runs only in a container.
        here: Option<Finds<dyn Server>>,
        /// What it is in a container; `None`: it runs in none.
        contained: Option<ContainedServer>,
    },
    /// A client.
    Client {
        /// Finds it in the lab or on this machine; `None`: it runs only in a container.
        here: Option<Finds<dyn Client>>,
        /// What it is in a container; `None`: it runs in none.
        contained: Option<ContainedClient>,
    },
}

/// A server of an image, which `lab/servers` sets up.
#[derive(Debug, Clone, Copy)]
pub struct ContainedServer {
    /// The folder of `lab/images` with its image.
    pub image: &'static str,
    /// The Debian package that it is of.
    pub package: &'static str,
    /// What it needs beyond a container's usual capabilities.
    pub capabilities: &'static [&'static str],
    /// What it can do, beside what its options say.
    pub supports: fn(&TransferSpec, &ServerSettings) -> Support,
    /// Whether an option can have this name.
    pub is_option: fn(&str) -> bool,
}

/// A client of the image that all clients are in.
#[derive(Debug, Clone, Copy)]
pub struct ContainedClient {
    /// The Debian package that it is of.
    pub package: &'static str,
    /// The client in a container, of that version.
    pub inside: fn(ContainerRoot, String) -> Arc<dyn Client>,
}

impl ContainedClient {
    /// The folder of `lab/images` with the clients' image.
    pub const IMAGE: &str = "client";
}
