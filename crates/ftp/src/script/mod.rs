//! Scripted peers, for what no well-behaved peer does: commands in pieces, replies
//! that are odd, connections from elsewhere.
//!
//! [`Script`] is what a scenario file says, read and checked, without any I/O.
//! [`ScriptedServer`] and [`ScriptedClient`] play it, as a [`Server`](crate::Server)
//! and a [`Client`](crate::Client) like all others.

mod check;
mod client;
mod client_data;
mod client_failure;
mod client_session;
mod control;
mod data;
mod defaults;
mod directive;
mod expand;
mod mistake;
mod parse;
mod parsed;
mod place;
mod server;
mod server_data;
mod server_session;
mod sockets;
mod step;
mod support;
mod template;
mod words;

pub use client::ScriptedClient;
pub use mistake::{Mistake, Remedy};
pub use parsed::Script;
pub use place::{Host, Hosts, Target};
pub use server::ScriptedServer;

#[cfg(test)]
mod tests;
