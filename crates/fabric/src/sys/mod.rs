//! The system calls that no safe crate offers, and all of this project's `unsafe`.
//!
//! - `before_main`: what runs before `main`: one of the next two;
//! - `user_namespace`: how an ordinary user becomes one who can lay links;
//! - `confinement`: the process that starts programs, and what runs between its fork and the
//!   program's exec so that a program cannot outlive the lab;
//! - `trial`: what is written to files in namespaces that are thrown away;
//! - `enclosure`: how a tool is made to end with the lab, that is trusted and yet leaves things;
//! - `watched`: a descriptor that tokio waits for;
//! - `calls`: single calls, each as a function that takes and returns owned types.

mod before_main;
mod calls;
mod confinement;
mod enclosure;
mod trial;
mod user_namespace;
mod watched;

pub use calls::readable_from;
pub(crate) use calls::{detached_tmpfs, extended_acknowledgements, process_descriptor, wait_for};
pub use confinement::Capabilities;
pub(crate) use confinement::{
    Confinement, Executable, Kind, NotStarted, OF_ANOTHER, OF_PROGRAM, Root, SetupStep,
    end_spawners, spawn,
};
pub(crate) use enclosure::ends_with_its_thread;
pub(crate) use trial::try_writes;
pub(crate) use user_namespace::{Entry, Stage, entry};
pub use watched::WatchedFd;
