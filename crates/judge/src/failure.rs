use std::time::Duration;

use fwlab_record::{EventId, NodeName, Packet};

use super::stop::Stop;

/// How a connection ended without having carried what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionFailure {
    /// The event that showed what ended it.
    pub event: EventId,
    /// When the first was known of what ended it.
    pub at: Duration,
    /// What ended it.
    pub by: Ender,
    /// Whether a reset or ICMP error came in at a side that waited, and its TCP takes it for an end. Otherwise
    /// nobody is told, and there is waiting in vain.
    pub heard: bool,
    /// Whether it happened while the connection was being opened.
    pub opening: bool,
    /// Whether the kernel has shown that sending again changes nothing.
    pub settled: bool,
}

/// What ended a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ender {
    /// Rules or a helper stopped its packets.
    Stop(Stop),
    /// A host answered no, and no rule had a part in it.
    Host {
        /// The node that answered.
        node: NodeName,
        /// The answer.
        packet: Packet,
    },
    /// Its SYN or SYN-ACK left to where nobody is, and no rule had a part in it.
    Nobody {
        /// The node that it left from.
        node: NodeName,
        /// The packet.
        packet: Packet,
    },
}
