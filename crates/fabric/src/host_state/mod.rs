//! The state of the host that a lab must leave as it was.

mod connections;
mod links;
mod processes;
mod rules;
mod settings;
mod state;

pub use state::HostState;
