//! The embedded pair: libraries that run inside the lab, on their nodes' threads.

mod client;
pub(crate) mod failure;
pub(crate) mod flow;
pub(crate) mod last_words;
mod own_listener;
mod server;
pub(crate) mod storage;

pub use client::Suppaftp;
pub(crate) use client::{command, receive_buffer, socket_for};
pub use server::Libunftp;
