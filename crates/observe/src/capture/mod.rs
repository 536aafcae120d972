//! What went over the interfaces of a node.

mod filter;
mod packet;
mod socket;

pub(crate) use packet::read;
pub use packet::{CapturedPacket, Direction};
pub(crate) use socket::{CaptureSocket, Received};
