use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Family;

/// A rule's place among the rules of its chain, 1 for the first, as `iptables -S` orders them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleOrdinal(pub u32);

impl fmt::Display for RuleOrdinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A chain of one table of one family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChainId {
    /// The family whose packets the chain sees.
    pub family: Family,
    /// The table: `filter`, `nat`, `mangle`, `raw`, `security`.
    pub table: String,
    /// The chain.
    pub chain: String,
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.family, self.table, self.chain)
    }
}

/// A rule's identity: never its text, never an nft handle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RuleId {
    /// Where the rule stands.
    #[serde(flatten)]
    pub chain: ChainId,
    /// Its place there.
    pub ordinal: RuleOrdinal,
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.chain, self.ordinal)
    }
}
