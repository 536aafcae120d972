//! suppaftp: the client of the embedded pair, a Rust library.

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{PeerEntry, Role};
use crate::Suppaftp;

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::Suppaftp,
    role: Role::Client {
        here: Some(|| Ok(Arc::new(Suppaftp))),
        contained: None,
    },
    program: None,
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: &[],
};
