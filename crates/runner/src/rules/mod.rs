//! Rulesets: parsed, proven to load, loaded into cells, and trace steps read against them.

mod book;
mod loader;
mod of_cell;
mod pieces;
mod prepare;
mod tools;

use std::sync::Arc;

use fwlab_model::ruleset::{Correspondence, Listing};
use fwlab_model::{Backend, Family, NodeName};

pub(crate) use book::{Reading, Rulebook};
pub use loader::{LoadError, Loader};
pub(crate) use of_cell::CellRules;
pub use prepare::PrepareError;
pub use tools::NoLoader;

/// A ruleset that is known to load.
#[derive(Debug, Clone, Default)]
pub struct PreparedRuleset {
    /// What is loaded, in order.
    pub parts: Vec<Part>,
    /// What keeps it from being pure, in words; then nothing is ended early.
    pub impurities: Vec<String>,
    /// What is odd about it here, in words.
    pub notes: Vec<String>,
}

/// Rules for one node, family and backend.
#[derive(Debug, Clone)]
pub struct Part {
    /// The node that loads it.
    pub node: NodeName,
    /// The backend that it is loaded through.
    pub backend: Backend,
    /// The family.
    pub family: Family,
    /// What the loader is given.
    pub input: Arc<str>,
    /// What the kernel lists when it is loaded.
    pub listing: Arc<Listing>,
    /// Which line of the source each listed rule came from.
    pub lines: Arc<Correspondence>,
}
