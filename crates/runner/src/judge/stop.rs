use std::time::Instant;

use fwlab_model::{Backend, ChainId, NodeName, Packet, RuleId, TcpFlags};

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
}

/// What may decide on a stopped packet otherwise the next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubted {
    /// Whether all that it depends on is which process sends the packet: TCP's own sending it again settles it, and the
    /// lab's does not.
    pub of_sender: bool,
    /// What it depends on, in words.
    pub why: String,
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
