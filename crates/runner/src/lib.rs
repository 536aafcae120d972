//! From cells to run records: prepare, run, judge.
//!
//! The map: `sysctls` and `rules` try out what the cells of a scenario ask for; `rules`
//! loads rulesets and reads trace steps against them; `cell` runs one cell in a
//! fabric of its own, and asks [`fwlab_judge`]; [`Run`] runs them all and
//! tells [`RunEvent`]s. [`fwlab_scenario`] says which cells there are.
//!
//! This crate prints nothing, and predicts nothing: an outcome comes from the
//! kernel's evidence and the bytes that arrived.

mod abilities;
mod cell;
mod deviating;
mod images;
mod patience;
mod peers;
mod placement;
mod reach;
mod rules;
mod run;
mod sysctls;
mod waits;
mod words;
pub mod written;

pub use abilities::Abilities;
pub use cell::{Packets, is_about_port, settling_ports};
pub use fwlab_observe::{Direction, Frame};
pub use patience::Patience;
pub use peers::{PeerRegistry, Present};
pub use placement::Placement;
pub use reach::{Answer, Doors, Knock, Reach, ReachError};
pub use rules::{
    Listed, LoadError, Loader, NoLoader, NodeRuleset, PrepareError, PreparedRuleset, UNREACHED,
};
pub use run::{Run, RunEvent, RunSettings, Summary, not_run};
pub use words::with_causes;
