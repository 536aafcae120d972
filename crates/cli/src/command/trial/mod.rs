//! What is tried with changed rules: the cells of all classes of peers, and new connections to ports. For `fix`, `lint`, `generate` and `mutate`.

mod bench;
mod candidate;
mod knocks;
mod port_kinds;
mod ran;

pub(super) use bench::{Bench, PASSIVE_PORTS, Records, passes};
pub(super) use candidate::{Candidate, Slot};
pub(super) use knocks::{CLASSES, PORTS};
pub(super) use port_kinds::{KindsOfCells, PortKind, is_of_ports, joined, rests_on_ports};
pub(super) use ran::{ran, ran_until};
