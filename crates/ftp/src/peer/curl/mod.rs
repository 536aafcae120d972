//! curl, a client program.

mod client;
mod deviations;

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{ContainedClient, PeerEntry, Role};
use crate::HostProgram;

pub use client::Curl;

const PROGRAM: HostProgram = HostProgram {
    file: "curl",
    package: "curl",
    version_arguments: &["--version"],
    module: None,
};

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::Curl,
    role: Role::Client {
        here: Some(|| Ok(Arc::new(Curl::find()?))),
        contained: Some(ContainedClient {
            package: "curl",
            inside: |root, version| Arc::new(Curl::inside(root, version)),
        }),
    },
    program: Some(PROGRAM),
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: deviations::DEVIATIONS,
};
