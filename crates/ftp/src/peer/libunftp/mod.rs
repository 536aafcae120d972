//! libunftp: the server of the embedded pair, a Rust library.

mod deviations;

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{PeerEntry, Role};
use crate::Libunftp;

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::Libunftp,
    role: Role::Server {
        here: Some(|| Ok(Arc::new(Libunftp))),
        contained: None,
    },
    program: None,
    port_choice: 49152..=65535,
    deviations: deviations::DEVIATIONS,
};
