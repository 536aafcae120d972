//! lftp, a client program.

mod client;
mod deviations;

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{ContainedClient, PeerEntry, Role};
use crate::HostProgram;

pub use client::Lftp;

const PROGRAM: HostProgram = HostProgram {
    file: "lftp",
    package: "lftp",
    version_arguments: &["--version"],
    module: None,
};

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::Lftp,
    role: Role::Client {
        here: Some(|| Ok(Arc::new(Lftp::find()?))),
        contained: Some(ContainedClient {
            package: "lftp",
            inside: |root, version| Arc::new(Lftp::inside(root, version)),
        }),
    },
    program: Some(PROGRAM),
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: deviations::DEVIATIONS,
};
