//! The embedded pair: libraries that run inside the lab, on their nodes' threads.

mod client;
mod connections;
mod control;
mod custom_listener;
pub(crate) mod failure;
pub(crate) mod flow;
pub(crate) mod gather;
mod library_data;
mod panic_filter;
pub(crate) mod recent_log;
pub(crate) mod running;
mod server;
mod sockets;
pub(crate) mod storage;
mod stream;

pub use client::Suppaftp;
pub(crate) use client::command;
pub use panic_filter::silence_failed_handshakes;
pub use server::Libunftp;
pub(crate) use sockets::{receive_buffer, socket_for};
