//! Why a transfer was stopped, and what would have let it through: read only from its record.
//!
//! A record's cause names the packet and the rule that stopped it. [`Diagnosis::of`] asks the evidence beside it why that packet
//! had to meet that rule: whether a helper was assigned, whether TLS hid the announcement, what conntrack called the packet.
//! It says nothing that the evidence does not show.

mod astray;
mod by_match;
mod diagnosis;
mod ends;
mod lanes;
mod sequence;
mod timeline;
mod walked;
mod words;

pub use diagnosis::{Diagnosis, Opening, Why};
pub use sequence::{Course, Sequence, Step};
pub use timeline::timeline;
