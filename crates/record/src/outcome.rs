use std::fmt;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Backend, CauseKind, ChainId, DataSetup, EventId, NodeName, Packet, Phase, RuleId, Symptom,
};

/// Why a transfer did not pass, from the kernel's own evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Cause {
    /// Nothing stopped it.
    None,
    /// A rule dropped or rejected the packet, or sent it elsewhere.
    Rule {
        /// The node whose rules these are.
        node: NodeName,
        /// The backend that the rule was loaded through.
        backend: Backend,
        /// Which rule.
        #[serde(flatten)]
        rule: RuleId,
        /// The line of the ruleset's source that the rule came from, 1 for the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_line: Option<u32>,
        /// The file that the line is of, where the rules of a node, or of the cell, are of several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_file: Option<String>,
        /// The rule as the kernel lists it.
        statement: String,
        /// The packet that it stopped, or sent elsewhere.
        packet: Packet,
        /// For a rule of address translation: what the packet met where the rule had sent it, a host or nobody.
        /// Nothing for a rule that stopped the packet itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        led_to: Option<Box<Cause>>,
    },
    /// The policy of a chain dropped the packet: no rule accepted it.
    Policy {
        /// The node whose rules these are.
        node: NodeName,
        /// The backend that the chain was loaded through.
        backend: Backend,
        /// Which chain.
        #[serde(flatten, with = "crate::rule_id::of_policy")]
        #[cfg_attr(feature = "schema", schemars(with = "ChainId"))]
        chain: ChainId,
        /// The line of the ruleset's source that set the policy, 1 for the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_line: Option<u32>,
        /// The file that the line is of, where the rules of a node, or of the cell, are of several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_file: Option<String>,
        /// The policy as the kernel lists it, `-P INPUT DROP`.
        statement: String,
        /// The packet that it stopped.
        packet: Packet,
    },
    /// The conntrack helper itself dropped the packet.
    Helper {
        /// The node.
        node: NodeName,
        /// The packet that it stopped.
        packet: Packet,
    },
    /// A host answered with a TCP reset or an ICMP error that no rule sent.
    Host {
        /// The node that answered.
        node: NodeName,
        /// Its answer.
        packet: Packet,
    },
    /// A packet was lost outside netfilter.
    Loss {
        /// The last node that saw the packet.
        node: NodeName,
        /// The packet.
        packet: Packet,
    },
    /// A peer said no in an FTP reply.
    Reply {
        /// The reply's code and text, as it stood on the wire.
        #[serde(rename = "statement")]
        reply: String,
    },
}

impl Cause {
    /// Whether it is what a host or the network did: a fault of the lab can look like that, and never like a rule.
    pub fn may_be_the_labs(&self) -> bool {
        matches!(
            self,
            Cause::Host { .. } | Cause::Loss { .. } | Cause::Reply { .. }
        )
    }

    /// Its kind.
    pub fn kind(&self) -> CauseKind {
        match self {
            Cause::None => CauseKind::None,
            Cause::Rule { .. } => CauseKind::Rule,
            Cause::Policy { .. } => CauseKind::Policy,
            Cause::Helper { .. } => CauseKind::Helper,
            Cause::Host { .. } => CauseKind::Host,
            Cause::Loss { .. } => CauseKind::Loss,
            Cause::Reply { .. } => CauseKind::Reply,
        }
    }

    /// The node where it was decided, where it was one.
    pub fn node(&self) -> Option<&NodeName> {
        match self {
            Cause::None | Cause::Reply { .. } => None,
            Cause::Rule { node, .. }
            | Cause::Policy { node, .. }
            | Cause::Helper { node, .. }
            | Cause::Host { node, .. }
            | Cause::Loss { node, .. } => Some(node),
        }
    }

    /// The packet that decided, where there is one.
    pub fn packet(&self) -> Option<&Packet> {
        match self {
            Cause::None | Cause::Reply { .. } => None,
            Cause::Rule { packet, .. }
            | Cause::Policy { packet, .. }
            | Cause::Helper { packet, .. }
            | Cause::Host { packet, .. }
            | Cause::Loss { packet, .. } => Some(packet),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |line: &Option<u32>, file: &Option<String>| {
            line_in_words(*line, file.as_deref())
                .map(|line| format!(" ({line})"))
                .unwrap_or_default()
        };
        match self {
            Cause::None => f.write_str("nothing stopped it"),
            Cause::Rule {
                node,
                rule,
                source_line,
                source_file,
                statement,
                packet,
                led_to,
                ..
            } => {
                let line = line(source_line, source_file);
                write!(f, "{node}: rule {rule}{line} `{statement}` ")?;
                match led_to {
                    None => write!(f, "stopped {packet}"),
                    Some(led_to) => write!(f, "sent {packet} elsewhere: {led_to}"),
                }
            }
            Cause::Policy {
                node,
                chain,
                source_line,
                source_file,
                statement,
                packet,
                ..
            } => {
                write!(
                    f,
                    "{node}: policy of {chain}{} `{statement}` stopped {packet}",
                    line(source_line, source_file)
                )
            }
            Cause::Helper { node, packet } => {
                write!(f, "{node}: the conntrack helper dropped {packet}")
            }
            Cause::Host { node, packet } => write!(f, "{node} answered {packet}"),
            Cause::Loss { node, packet } => {
                write!(f, "lost after {node}, outside netfilter: {packet}")
            }
            Cause::Reply { reply } => write!(f, "the peer replied `{reply}`"),
        }
    }
}

/// A line of a ruleset's source, and where several files could be meant, the file: `line 8 of rules.v6`.
pub fn line_in_words(line: Option<u32>, file: Option<&str>) -> Option<String> {
    let line = line?;
    Some(match file {
        Some(file) => format!("line {line} of {file}"),
        None => format!("line {line}"),
    })
}

/// What happened to one transfer. Data, never an error. That the lab could
/// not tell is no outcome, and is said beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Outcome {
    /// What the client's user sees.
    pub symptom: Symptom,
    /// The phase that it ended in; `completion` for a transfer that passed.
    pub phase: Phase,
    /// Why.
    pub cause: Cause,
    /// The event that decided it: what the evidence marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// The data setup by which the user's transfer came through all the same: the client fell back to it when the one that
    /// was asked for came to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came_through: Option<DataSetup>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            Cause::None => write!(f, "{}", self.symptom),
            ref cause => write!(f, "{} at {}: {cause}", self.symptom, self.phase),
        }?;
        match self.came_through {
            None => Ok(()),
            Some(setup) => write!(
                f,
                "; the client fell back to {setup}, and that came through"
            ),
        }
    }
}
