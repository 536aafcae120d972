use std::fmt;

use crate::ruleset::only::Only;
use crate::ruleset::purity::Dependence;
use crate::ruleset::text::SourceLine;
use fwlab_record::RuleId;

/// Something in a native ruleset that makes its decisions depend on more than the packet and its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeImpurity {
    /// Where it stands.
    pub place: NativePlace,
    /// The line that it came from.
    pub source_line: Option<SourceLine>,
    /// What it is, in nft's words: `limit`, `meta skuid`.
    pub what: String,
    /// What it depends on.
    pub why: Dependence,
    /// The rules by which it bears on a packet, each with the packets that it looks at: those that decide what becomes of
    /// one, or change it, and not those that only log or count.
    pub decides_in: Vec<(RuleId, Only)>,
}

/// A place in a native ruleset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NativePlace {
    /// A rule.
    Rule(RuleId),
    /// A set or map of a table: `set inet/t/s`.
    Set(String),
}

impl fmt::Display for NativePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NativePlace::Rule(rule) => rule.fmt(f),
            NativePlace::Set(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for NativeImpurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` depends on {}", self.what, self.why.phrase())?;
        match self.source_line {
            Some(line) => write!(f, " ({}, {line})", self.place),
            None => write!(f, " ({})", self.place),
        }
    }
}
