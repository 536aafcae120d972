use std::time::Instant;

use fwlab_model::{Backend, ChainId, NodeName, Packet, RuleId};

/// A packet that the rules of a node did not let go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// When the lab heard of it.
    pub at: Instant,
    /// The node whose rules these are.
    pub node: NodeName,
    /// What stopped it.
    pub by: StoppedBy,
    /// Whether the sender is told: the target was REJECT.
    pub rejects: bool,
    /// The packet.
    pub packet: Packet,
}

/// What stopped a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoppedBy {
    /// A rule, and the backend that it was loaded through.
    Rule(Backend, RuleId),
    /// The policy of a chain, and the backend that it was loaded through.
    Policy(Backend, ChainId),
    /// A conntrack helper, and its reason in the kernel's words.
    Helper(String),
}
