//! What is tried with changed rules: the cells of all classes of peers, and new connections to ports. For `fix` and `lint`.

mod bench;
mod candidate;
mod knocks;

pub(super) use bench::{Bench, PASSIVE_PORTS, Records, other_ports, passes};
pub(super) use candidate::{Candidate, Slot};
pub(super) use knocks::{CLASSES, PORTS};
