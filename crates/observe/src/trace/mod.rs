//! What became of packets, rule by rule, from either backend.

mod join;
mod legacy;
mod nft;
mod step;

pub(crate) use join::Joiner;
pub(crate) use legacy::LegacyPlace;
pub(crate) use nft::NftMessage;
pub(crate) use step::table_family;
pub use step::{PacketId, TracePlace, TraceStep, TraceVerdict};
