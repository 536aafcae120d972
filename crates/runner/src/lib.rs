//! From scenario file to run record: read, plan, run, judge.
//!
//! The map: [`scenario`] reads files; [`plan`] multiplies axes to cells; `rules`
//! loads rulesets and reads trace steps against them; `cell` runs one cell in a
//! fabric of its own, and asks [`fwlab_judge`]; [`Run`] runs them all and
//! tells [`RunEvent`]s.
//!
//! This crate prints nothing, and predicts nothing: an outcome comes from the
//! kernel's evidence and the bytes that arrived.

mod abilities;
mod cell;
pub mod collect;
mod deviating;
pub mod filter;
mod housing;
mod images;
pub mod input;
mod link_name;
mod patience;
mod peers;
pub mod plan;
mod rules;
mod run;
pub mod scenario;
mod words;
pub mod written;

pub use abilities::Abilities;
pub use housing::Housing;
pub use link_name::LinkName;
pub use patience::Patience;
pub use peers::{PeerShelf, Present};
pub use rules::{Listed, LoadError, Loader, NoLoader, Part, PrepareError, PreparedRuleset};
pub use run::{Run, RunEvent, RunSettings, Summary, not_run};
pub use words::with_causes;
