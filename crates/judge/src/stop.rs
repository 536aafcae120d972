use std::time::Duration;

use fwlab_record::{Backend, Cause, ChainId, EventId, NodeName, Packet, RuleId, TcpFlags};
use serde::{Deserialize, Serialize};

/// A packet that the rules of a node did not let go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The event that told of it.
    pub event: EventId,
    /// When the lab heard of it, since the client was started.
    pub at: Duration,
    /// The node whose rules these are.
    pub node: NodeName,
    /// What stopped it.
    pub by: StoppedBy,
    /// Whether the sender is told: the target was REJECT.
    pub rejects: bool,
    /// The packet.
    pub packet: Packet,
    /// What on its way through the node's rules may decide on the same packet otherwise the next time.
    pub doubt: Option<Doubted>,
}

impl Stop {
    /// Whether the lab may send the packet again in TCP's place, and learn something.
    pub(super) fn can_be_copied(&self) -> bool {
        self.doubt.is_none()
    }

    /// Whether its being stopped a second time, as TCP sends it again, says that it will be for ever.
    pub(super) fn can_settle(&self) -> bool {
        self.doubt.as_ref().is_none_or(|doubt| doubt.of_sender)
    }

    /// Whether another packet was stopped in the same place, and is of the same kind: PSH makes no other of it.
    pub(super) fn is_as(&self, other: &Stop) -> bool {
        let flags = |stop: &Stop| match stop.packet {
            Packet::Tcp { flags, .. } => Some(flags.0 & !TcpFlags::PSH),
            _ => None,
        };
        self.node == other.node && self.by == other.by && flags(self) == flags(other)
    }

    /// The cause that it is.
    pub fn cause(&self) -> Cause {
        self.by.cause(self.node.clone(), self.packet)
    }
}

/// What may decide on a stopped packet otherwise the next time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubted {
    /// Whether all that it depends on is which process sends the packet: TCP's own sending it again settles it, and the
    /// lab's does not.
    pub of_sender: bool,
    /// What it depends on, in words.
    pub why: String,
}

/// What stopped a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum StoppedBy {
    /// A rule.
    Rule {
        /// The backend that it was loaded through.
        backend: Backend,
        /// Which rule.
        #[serde(flatten)]
        rule: RuleId,
        /// The line of the ruleset's source that it came from, 1 for the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_line: Option<u32>,
        /// The file that the line is of, where the rules of a node, or of the cell, are of several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_file: Option<String>,
        /// The rule as the kernel lists it.
        statement: String,
    },
    /// The policy of a chain.
    Policy {
        /// The backend that it was loaded through.
        backend: Backend,
        /// Which chain.
        chain: ChainId,
        /// The line of the ruleset's source that set it, 1 for the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_line: Option<u32>,
        /// The file that the line is of, where the rules of a node, or of the cell, are of several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_file: Option<String>,
        /// The policy as the kernel lists it.
        statement: String,
    },
    /// A conntrack helper.
    Helper {
        /// Its reason, in the kernel's words.
        reason: String,
    },
}

impl StoppedBy {
    /// The cause that it is of a packet's being stopped at a node.
    pub fn cause(&self, node: NodeName, packet: Packet) -> Cause {
        match self.clone() {
            StoppedBy::Rule {
                backend,
                rule,
                source_line,
                source_file,
                statement,
            } => Cause::Rule {
                node,
                backend,
                rule,
                source_line,
                source_file,
                statement,
                packet,
                led_to: None,
            },
            StoppedBy::Policy {
                backend,
                chain,
                source_line,
                source_file,
                statement,
            } => Cause::Policy {
                node,
                backend,
                chain,
                source_line,
                source_file,
                statement,
                packet,
            },
            StoppedBy::Helper { .. } => Cause::Helper { node, packet },
        }
    }
}
