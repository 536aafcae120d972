//! GNU wget, a client program.

mod client;
mod deviations;

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{ContainedClient, PeerEntry, Role};
use crate::HostProgram;

pub use client::Wget;

const PROGRAM: HostProgram = HostProgram {
    file: "wget",
    package: "wget",
    version_arguments: &["--version"],
    module: None,
};

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::Wget,
    role: Role::Client {
        here: Some(|| Ok(Arc::new(Wget::find()?))),
        contained: Some(ContainedClient {
            package: "wget",
            inside: |root, version| Arc::new(Wget::inside(root, version)),
        }),
    },
    program: Some(PROGRAM),
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: deviations::DEVIATIONS,
};
