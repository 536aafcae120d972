use std::sync::Arc;
use std::time::Instant;

use fwlab_record::{NodeName, Packet};

use crate::capture::CapturedPacket;
use crate::conntrack::{ConntrackEvent, ExpectationEvent, HelperDrop, InvalidPacket};
use crate::trace::TraceStep;

/// Something that the kernel reported in a node.
#[derive(Debug, Clone)]
pub struct Event {
    /// The node.
    pub node: Arc<NodeName>,
    /// When it was read: a tenth of a millisecond after it happened, more where the node's thread is
    /// busy. Trace, conntrack and expectations come through one socket and are in the order in
    /// which they happened; captured packets come through another, so against those the order is only as good as the time.
    pub at: Instant,
    /// What happened.
    pub what: What,
}

/// What the kernel reports.
#[derive(Debug, Clone)]
pub enum What {
    /// A process of the node sent a packet that opens a connection: no rule has seen it yet.
    Sent(SentPacket),
    /// A packet took a step through the rules.
    Trace(TraceStep),
    /// A connection changed.
    Conntrack(ConntrackEvent),
    /// An expectation changed.
    Expectation(ExpectationEvent),
    /// A conntrack helper dropped a packet.
    HelperDrop(HelperDrop),
    /// Conntrack could not place a packet.
    Invalid(InvalidPacket),
    /// A packet went over an interface.
    Captured(CapturedPacket),
    /// Something was lost, nobody knows how much: what was not seen did not necessarily not happen.
    Lost {
        /// Where.
        source: Source,
    },
}

/// A SYN or SYN-ACK as a node's TCP made it, before any rule of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPacket {
    /// Its headers.
    pub packet: Packet,
    /// The whole packet, from its IP header on. Its TCP checksum is often still to be filled in.
    pub bytes: Arc<[u8]>,
}

/// Where events come from, and can be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Everything that netfilter says: one netlink socket.
    Netfilter,
    /// Captured packets. That some were lost is noticed with the next one that is not.
    Capture,
}
