//! What became of packets, rule by rule, from either backend.

mod deciding;
mod join;
mod legacy;
mod nft;
mod step;

pub use deciding::{Decision, LegacyLine, LegacyTarget, deciding_steps};
pub(crate) use join::Joiner;
pub(crate) use legacy::LegacyPlace;
pub(crate) use nft::NftMessage;
pub(crate) use step::table_family;
pub use step::{LegacyWord, PacketId, TracePlace, TraceStep, TraceVerdict};
