//! pyftpdlib, a server library of Python's, run by a script of the lab's.

mod deviations;
mod server;

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{PeerEntry, Role};
use crate::HostProgram;

const PROGRAM: HostProgram = HostProgram {
    file: "python3",
    package: "python3-pyftpdlib",
    version_arguments: &[
        "-s",
        "-B",
        "-c",
        "import pyftpdlib, pyftpdlib.servers; print(pyftpdlib.__ver__)",
    ],
    module: Some("pyftpdlib"),
};

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::Pyftpdlib,
    role: Role::Server {
        here: Some(|| Ok(Arc::new(server::Pyftpdlib::find()?))),
        contained: None,
    },
    program: Some(PROGRAM),
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: deviations::DEVIATIONS,
};
