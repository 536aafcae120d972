//! From scenario file to run record: read, plan, run, judge.
//!
//! The map: [`scenario`] reads files; [`plan`] multiplies axes to cells; `rules`
//! loads rulesets and reads trace steps against them; `cell` runs one cell in a
//! fabric of its own; [`judge`] decides, and is pure; [`Run`] runs them all and
//! tells [`RunEvent`]s.
//!
//! This crate prints nothing, and predicts nothing: an outcome comes from the
//! kernel's evidence and the bytes that arrived.

mod abilities;
mod cell;
mod deviating;
mod evidence;
pub mod filter;
mod housing;
mod images;
pub mod input;
pub mod judge;
mod patience;
mod peers;
pub mod plan;
mod record;
mod rules;
mod run;
pub mod scenario;
mod words;

pub use abilities::Abilities;
pub use evidence::{Evidence, EvidenceLine, EvidenceSource};
pub use housing::{Housing, Place};
pub use patience::Patience;
pub use peers::{PeerShelf, Present};
pub use record::{CellRecord, JsonLine, Judgement, NotRun, RECORD_SCHEMA_VERSION};
pub use rules::{Listed, LoadError, Loader, NoLoader, Part, PrepareError, PreparedRuleset};
pub use run::{Run, RunEvent, RunSettings, Summary};
pub use words::with_causes;
