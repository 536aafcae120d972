//! From cells to run records: prepare, run, judge.
//!
//! The map: `sysctls` and `rules` try out what the cells of a scenario ask for; `rules`
//! loads rulesets and reads trace steps against them; `cell` runs one cell in a
//! fabric of its own, and asks [`fwlab_judge`]; [`Run`] runs them all and
//! tells [`RunEvent`]s. What cells there are, [`fwlab_scenario`] says.
//!
//! This crate prints nothing, and predicts nothing: an outcome comes from the
//! kernel's evidence and the bytes that arrived.

mod abilities;
mod cell;
mod deviating;
mod housing;
mod images;
mod patience;
mod peers;
mod reach;
mod rules;
mod run;
mod sysctls;
mod waits;
mod words;
pub mod written;

pub use abilities::Abilities;
pub use cell::{Packets, settling_ports};
pub use fwlab_observe::{Direction, Frame};
pub use housing::Housing;
pub use patience::Patience;
pub use peers::{PeerShelf, Present};
pub use reach::{Answer, Doors, Knock, Reach, ReachError};
pub use rules::{
    Listed, LoadError, Loader, NoLoader, Part, PrepareError, PreparedRuleset, UNREACHED,
};
pub use run::{Run, RunEvent, RunSettings, Summary, not_run};
pub use words::with_causes;
