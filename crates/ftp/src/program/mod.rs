//! What is the same for all peers that are programs: finding them, starting them in a node, and
//! reading what they log. The clients among them can be programs of a container as well.

pub(crate) mod bare_replies;
pub(crate) mod dialogue_log;
pub(crate) mod installed;
pub(crate) mod running;
pub(crate) mod session;

pub use installed::HostProgram;
pub use running::{Places, START_DEADLINE, ServerProgram, died, reserve_passive_ports, stored_in};
