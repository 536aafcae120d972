//! A program that cannot outlive the lab: three processes and two pipes.
//!
//! ```text
//! lab ── holder ── init (PID 1 of a namespace) ── the program ── its children
//! ```
//!
//! - The *holder* is the child that the lab knows. It waits for init, passes the
//!   program's status on as its own, and kills init when the lab lets go of the
//!   lifeline (a pipe whose other end only the lab holds). When the lab's thread
//!   dies, the kernel kills the holder.
//! - *Init* starts the program and reaps orphans. When the holder dies, the kernel
//!   kills init; when init dies, the kernel kills everything in its PID namespace,
//!   sessions of their own or not, and the mounts go with the last of them.
//!
//! All of this runs between fork and exec of a process with many threads, so only
//! async-signal-safe calls are made: no allocation, no locks.

mod lives;
mod mounts;
mod privileges;
mod spawn;
mod step;

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

pub(crate) use spawn::{Executable, NotStarted, spawn};
pub(crate) use step::SetupStep;

use crate::namespace::Namespaces;

/// A file of the scratch that is seen in place of a system file.
pub(crate) struct Overlay {
    pub(crate) file: CString,
    pub(crate) over: CString,
}

/// What a confined program finds.
pub(crate) struct Confinement {
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

impl Confinement {
    /// The descriptors that the setup works with.
    fn descriptors(&self) -> Vec<RawFd> {
        let root = self.root.iter();
        let root = root.flat_map(|root| [&root.mount, &root.ipc, &root.uts]);
        let files = self.files.iter().map(|(files, _)| &**files);
        let own = std::iter::once(&self.lifeline).chain(root).chain(files);
        own.map(AsRawFd::as_raw_fd).collect()
    }
}
