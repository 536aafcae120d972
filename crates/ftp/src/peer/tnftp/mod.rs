//! tnftp, a client program, in a container alone.

mod client;
mod deviations;

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{ContainedClient, PeerEntry, Role};

pub use client::Tnftp;

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::Tnftp,
    role: Role::Client {
        here: None,
        contained: Some(ContainedClient {
            package: "tnftp",
            inside: |root, version| Arc::new(Tnftp::inside(root, version)),
        }),
    },
    program: None,
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: deviations::DEVIATIONS,
};
