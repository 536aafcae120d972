//! The embedded pair: libraries that run inside the lab, on their nodes' threads.

mod client;
mod connections;
mod control;
pub(crate) mod failure;
pub(crate) mod flow;
pub(crate) mod gather;
pub(crate) mod last_words;
mod own_listener;
mod own_means;
pub(crate) mod running;
mod server;
mod silenced;
mod sockets;
pub(crate) mod storage;
mod stream;

pub use client::Suppaftp;
pub(crate) use client::command;
pub use server::Libunftp;
pub use silenced::silence_failed_handshakes;
pub(crate) use sockets::{receive_buffer, socket_for};
