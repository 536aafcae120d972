//! ftplib of Python's standard library, a client program by a script of the lab's.

mod client;
mod deviations;

use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::{PeerEntry, Role};
use crate::HostProgram;

const PROGRAM: HostProgram = HostProgram {
    file: "python3",
    package: "python3",
    version_arguments: &[
        "-s",
        "-B",
        "-c",
        "import ftplib, platform; print(platform.python_version())",
    ],
    module: Some("ftplib"),
};

pub(super) const ENTRY: PeerEntry = PeerEntry {
    name: PeerName::Ftplib,
    role: Role::Client {
        here: Some(|| Ok(Arc::new(client::Ftplib::find()?))),
        contained: None,
    },
    program: Some(PROGRAM),
    port_choice: PeerEntry::KERNELS_CHOICE,
    deviations: deviations::DEVIATIONS,
};
