//! The client inside the lab that does what a script says.

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{PeerEntry, Role};
use crate::script::ScriptedClient;

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::ScriptedClient,
    role: Role::Client {
        here: Some(|| Ok(Arc::new(ScriptedClient::default()))),
        contained: None,
    },
    program: None,
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: &[],
};
