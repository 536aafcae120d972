//! The server inside the lab that does what a script says.

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{PeerEntry, Role};
use crate::script::ScriptedServer;

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::ScriptedServer,
    role: Role::Server {
        here: Some(|| Ok(Arc::new(ScriptedServer::default()))),
        contained: None,
    },
    program: None,
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: &[],
};
