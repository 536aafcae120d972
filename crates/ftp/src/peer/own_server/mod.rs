//! A server that somebody else started, and that runs already.

mod server;

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{PeerEntry, Role};

pub use server::OwnServer;

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::OwnServer,
    role: Role::Server {
        here: Some(|| Ok(Arc::new(OwnServer::default()))),
        contained: None,
    },
    program: None,
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: &[],
};
