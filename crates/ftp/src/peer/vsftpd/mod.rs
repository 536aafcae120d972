//! vsftpd, a server program.

mod contained;
mod deviations;
mod server;

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{PeerEntry, Role};
use crate::HostProgram;

pub use server::Vsftpd;

const PROGRAM: HostProgram = HostProgram {
    file: "vsftpd",
    package: "vsftpd",
    version_arguments: &["-v"],
    module: None,
};

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::Vsftpd,
    role: Role::Server {
        here: Some(|| Ok(Arc::new(Vsftpd::find()?))),
        contained: Some(contained::CONTAINED),
    },
    program: Some(PROGRAM),
    port_choice: 1024..=65535,
    deviations: deviations::DEVIATIONS,
};
