//! A process that cannot outlive the lab, and finds nothing of the machine but what it needs.
//!
//! ```text
//! lab ─┬─ spawner
//!      ├─ init (PID 1 of a namespace) ── a program ── its children
//!      └─ a tool (PID 1 of a namespace)
//! ```
//!
//! - The *spawner* is this program's file run once more, which gets no further than to
//!   [`serve`]. Programs and tools are forked from it and not from the lab: a fork of a large
//!   process with many threads copies all its page tables, and then each page that any thread
//!   writes to, once more.
//! - *Init* is forked by the spawner, and yet the lab's child. It starts the program, reaps
//!   orphans, and tells the lab how the program ended. When init dies, the kernel kills
//!   everything in its PID namespace, sessions of their own or not, and the mounts go with the
//!   last of them.
//! - A *tool* is one process, and needs no init.
//!
//! A tool shares the spawner's memory until it is run, and a program its init's ([`stack`]).
//!
//! When the lab dies, the kernel kills all of these. What a process finds in place of the
//! machine's root is made by [`root`], once for all processes that find the same.

mod init;
mod mounts;
mod plan;
mod privileges;
mod request;
mod root;
mod seccomp;
mod serve;
mod spawner;
mod stack;
mod start;
mod step;

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::sync::Arc;

pub(crate) use init::{OF_ANOTHER, OF_PROGRAM};
pub use privileges::Capabilities;
pub(super) use serve::serve;
pub(super) use spawner::lab;
pub(crate) use spawner::{end_spawners, spawn};
pub(crate) use step::{NotStarted, SetupStep};

use crate::namespace::Namespaces;

/// A program with its arguments, its name the first of them, and its whole environment.
pub(crate) struct Executable {
    pub(crate) program: CString,
    pub(crate) arguments: Vec<CString>,
    pub(crate) environment: Vec<CString>,
}

/// What a confined process finds.
pub(crate) struct Confinement {
    /// The network namespace that it is started in.
    pub(crate) network: Arc<OwnedFd>,
    pub(crate) root: Root,
    /// A detached tmpfs, and the directory that it is mounted on.
    pub(crate) files: Option<(Arc<OwnedFd>, CString)>,
    pub(crate) directory: CString,
    /// Its descriptors 0, 1 and 2.
    pub(crate) standard: [OwnedFd; 3],
    pub(crate) kind: Kind,
    pub(crate) capabilities: Capabilities,
    /// Whether it is an ordinary user, where this process may make it one.
    pub(crate) by_ordinary_user: bool,
    /// Whether to do without the calls that Linux 5.10 has not.
    pub(crate) as_on_5_10: bool,
}

/// What stands where the machine's root does.
pub(crate) enum Root {
    /// A root with nothing in it but these files and folders of the machine, and what every
    /// process needs.
    Own(Vec<CString>),
    /// The root of a container.
    Container(Arc<Namespaces>),
}

/// Whether a process has an init above it.
pub(crate) enum Kind {
    /// One process that starts no other.
    Tool,
    /// A program, with all that it may start. Init writes how the program ended to this pipe.
    Program(OwnedFd),
}
