use std::fmt;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Backend, ChainId, RuleId, words};

/// A step of the deciding packet's way through the rules of the node that stopped it, or sent it elsewhere: a rule that it
/// matched, or the policy of a chain.
///
/// This is what the kernel's trace tells, and no more. Rules that it was held against and did not match are not traced, by
/// either backend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Walked {
    /// The backend that the rule was loaded through.
    pub backend: Backend,
    /// Where.
    #[serde(flatten)]
    pub place: WalkedPlace,
    /// The line of the ruleset's source that it came from, 1 for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_line: Option<u32>,
    /// The file that the line is of, where the rules of a node, or of the cell, are of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_file: Option<String>,
    /// What the packet was told to do. Nothing where the kernel does not say it: the trace of iptables-legacy has no verdicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The chain that a verdict leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_chain: Option<String>,
}

/// A place in the rules of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "place", rename_all = "kebab-case")]
pub enum WalkedPlace {
    /// A rule.
    Rule(RuleId),
    /// A rule of a chain, and it is not known which one: a chain without a name is not listed by itself.
    SomeRule(ChainId),
    /// The policy of a chain.
    Policy(
        #[serde(with = "crate::rule_id::of_policy")]
        #[cfg_attr(feature = "schema", schemars(with = "ChainId"))]
        ChainId,
    ),
}

words! {
    /// What a packet is told to do in a step, as netfilter calls it.
    pub enum Verdict {
        /// It goes on to the next chain of the hook, or on its way.
        Accept,
        /// It ends here. Of REJECT, too: that it also answers stands in the rule only.
        Drop,
        /// It goes on to the next rule.
        Continue,
        /// It goes on in another chain, and may come back.
        Jump,
        /// It goes on in another chain, and does not come back to this one.
        Goto,
        /// It goes back to the rule behind the jump, or to the policy.
        Return,
        /// It waits for a process to decide.
        Queue,
        /// A target took it.
        Stolen,
    }
}

impl WalkedPlace {
    /// The chain.
    pub fn chain(&self) -> &ChainId {
        match self {
            WalkedPlace::Rule(rule) => &rule.chain,
            WalkedPlace::SomeRule(chain) | WalkedPlace::Policy(chain) => chain,
        }
    }
}

/// Without its chain, and without what the packet was told: `rule 3`.
impl fmt::Display for WalkedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WalkedPlace::Rule(rule) => write!(f, "rule {}", rule.ordinal),
            WalkedPlace::SomeRule(_) => f.write_str("a rule"),
            WalkedPlace::Policy(_) => f.write_str("policy"),
        }
    }
}
