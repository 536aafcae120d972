//! Why a transfer was stopped, and what would have let it through: read from its record, and from nothing else.
//!
//! A record's cause names the packet and the rule that stopped it. [`Diagnosis::of`] asks the evidence beside it why that packet
//! had to meet that rule: whether a helper was assigned, whether TLS hid the announcement, what conntrack called the packet.
//! What the evidence does not tell is not said.

mod astray;
mod by_match;
mod diagnosis;
mod ends;
mod timeline;
mod words;

pub use diagnosis::{Diagnosis, Opening, Why};
pub use timeline::timeline;
