//! The system calls that no safe crate offers, and all of this project's `unsafe`.
//!
//! - `user_namespace`: what runs before `main` so that an ordinary user can lay links;
//! - `confinement`: what runs between fork and exec so that a program cannot outlive the lab;
//! - `watched`: a descriptor that tokio waits for;
//! - `calls`: single calls, each as a function that takes and returns owned types.

mod calls;
mod confinement;
mod user_namespace;
mod watched;

pub(crate) use calls::{detached_tmpfs, extended_acknowledgements, process_descriptor, wait_for};
pub(crate) use confinement::{Confinement, Executable, NotStarted, Overlay, SetupStep, spawn};
pub(crate) use user_namespace::{Entry, Stage, entry};
pub use watched::WatchedFd;
