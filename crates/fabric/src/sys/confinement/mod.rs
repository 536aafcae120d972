//! A program that cannot outlive the lab: four processes, two pipes and a socket.
//!
//! ```text
//! lab ─┬─ spawner
//!      └─ holder ── init (PID 1 of a namespace) ── the program ── its children
//! ```
//!
//! - The *spawner* is this program's file run once more, which gets no further than to
//!   [`serve`]. Programs are forked from it and not from the lab: a fork of a large process
//!   with many threads copies all its page tables, and then each page that any thread writes
//!   to, once more. It lives as long as programs do that it started.
//! - The *holder* is forked by the spawner, and yet the lab's child. It waits for init,
//!   passes the program's status on as its own, and kills init when the lab lets go of the
//!   lifeline (a pipe whose other end only the lab holds). When the lab dies, the kernel
//!   kills spawner and holder.
//! - *Init* starts the program and reaps orphans. When the holder dies, the kernel
//!   kills init; when init dies, the kernel kills everything in its PID namespace,
//!   sessions of their own or not, and the mounts go with the last of them.

mod lives;
mod mounts;
mod privileges;
mod request;
mod serve;
mod spawner;
mod start;
mod step;

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::sync::Arc;

pub(super) use serve::serve;
pub(super) use spawner::lab;
pub(crate) use spawner::{Spawner, Started, spawn};
pub(crate) use step::{NotStarted, SetupStep};

use crate::namespace::Namespaces;

/// A program with its arguments, its name the first of them, and its whole environment.
pub(crate) struct Executable {
    pub(crate) program: CString,
    pub(crate) arguments: Vec<CString>,
    pub(crate) environment: Vec<CString>,
}

/// A file of the scratch that is seen in place of a system file.
pub(crate) struct Overlay {
    pub(crate) file: CString,
    pub(crate) over: CString,
}

/// What a confined program finds.
pub(crate) struct Confinement {
    /// The network namespace that it is started in.
    pub(crate) network: Arc<OwnedFd>,
    /// The container that it is started in.
    pub(crate) root: Option<Arc<Namespaces>>,
    /// A detached tmpfs, and the directory that it is mounted on.
    pub(crate) files: Option<(Arc<OwnedFd>, CString)>,
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) directory: CString,
    /// Its descriptors 0, 1 and 2.
    pub(crate) standard: [OwnedFd; 3],
    /// The end that becomes ready when the lab lets go.
    pub(crate) lifeline: OwnedFd,
}
