use std::collections::BTreeMap;
use std::sync::Arc;

use super::PreparedRuleset;

/// The rules of one cell: those that it begins with, and those that its steps load.
#[derive(Debug, Clone)]
pub(crate) struct CellRules {
    /// What it begins with.
    pub(crate) first: Arc<PreparedRuleset>,
    /// What its steps load, by the ruleset's index in the scenario.
    pub(crate) later: BTreeMap<usize, Arc<PreparedRuleset>>,
}

impl CellRules {
    /// The program that this machine lacks to load one of them, in words.
    pub(crate) fn lacks(&self) -> Option<&String> {
        let mut all = std::iter::once(&self.first).chain(self.later.values());
        all.find_map(|rules| rules.lacks.as_ref())
    }
}
