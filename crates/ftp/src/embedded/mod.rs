//! The embedded pair: libraries that run inside the lab, on their nodes' threads.

mod client;
mod connections;
mod control;
mod failure;
mod flow;
mod last_words;
mod own_listener;
mod own_means;
mod server;
mod sockets;
mod storage;
mod stream;

pub use client::Suppaftp;
pub use server::Libunftp;
