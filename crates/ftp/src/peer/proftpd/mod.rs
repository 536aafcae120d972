//! ProFTPD, a server in a container.

mod contained;
mod deviations;

use fwlab_record::PeerName;

use super::entry::{PeerEntry, Role};

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::Proftpd,
    role: Role::Server {
        here: None,
        contained: Some(contained::CONTAINED),
    },
    program: None,
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: deviations::DEVIATIONS,
};
