//! What peers do otherwise than the rest, each with its reason and its sign.
//!
//! A peer that cannot be told to do something says so in its `supports`. What it *does*, and
//! others do not, is a [`Deviation`]: it shows on the wire, and whoever has watched a session can tell
//! whether it still does. Each peer's are in its folder, and [`DEVIATIONS`](crate::DEVIATIONS) has all of them.

mod circumstances;
pub(crate) mod common;
mod record;
mod sign;

pub use circumstances::{Asked, Circumstances};
pub use record::{Deviation, Effect, Instead, deviations_of, ruled_out};
pub use sign::Sign;
