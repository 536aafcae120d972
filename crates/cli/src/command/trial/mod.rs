//! What is tried with changed rules: the cells of all classes of peers, and new connections to ports. For `fix`, `lint`, `generate` and `mutate`.

mod bench;
mod candidate;
mod knocks;
mod ran;

pub(super) use bench::{Bench, MOST, PASSIVE_PORTS, Records, other_ports, passes};
pub(super) use candidate::{Candidate, Slot};
pub(super) use knocks::{CLASSES, PORTS};
pub(super) use ran::ran;
