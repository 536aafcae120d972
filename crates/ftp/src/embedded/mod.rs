//! The embedded pair: libraries that run inside the lab, on their nodes' threads.

mod client;
mod failure;
mod flow;
mod last_words;
mod own_listener;
mod server;
mod storage;

pub use client::Suppaftp;
pub use server::Libunftp;
