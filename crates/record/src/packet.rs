use std::fmt;
use std::net::SocketAddr;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Family;

/// A TCP connection's two ends, seen from the side that sent its first SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Flow {
    /// The end that opens.
    pub from: SocketAddr,
    /// The end that is opened to.
    pub to: SocketAddr,
}

impl Flow {
    /// The same connection seen from its other end.
    pub fn reversed(self) -> Flow {
        Flow {
            from: self.to,
            to: self.from,
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.from, self.to)
    }
}

/// TCP header flags (RFC 9293 section 3.1), as the header's byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(transparent)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN: no more data from the sender.
    pub const FIN: u8 = 0x01;
    /// SYN: opens a connection.
    pub const SYN: u8 = 0x02;
    /// RST: resets the connection.
    pub const RST: u8 = 0x04;
    /// PSH: the receiver's program is not to wait for more.
    pub const PSH: u8 = 0x08;
    /// ACK: the acknowledgement field is valid.
    pub const ACK: u8 = 0x10;

    /// Whether this is the first packet of a connection: SYN without ACK.
    pub fn is_syn(self) -> bool {
        self.0 & (Self::SYN | Self::ACK) == Self::SYN
    }

    /// Whether this answers a first packet: SYN and ACK.
    pub fn is_syn_ack(self) -> bool {
        self.0 & (Self::SYN | Self::ACK) == Self::SYN | Self::ACK
    }

    /// Whether the sender resets the connection.
    pub fn is_rst(self) -> bool {
        self.0 & Self::RST != 0
    }
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(u8, &str); 6] = [
            (TcpFlags::SYN, "SYN"),
            (TcpFlags::FIN, "FIN"),
            (TcpFlags::RST, "RST"),
            (TcpFlags::PSH, "PSH"),
            (TcpFlags::ACK, "ACK"),
            (0x20, "URG"),
        ];
        let mut first = true;
        for (bit, name) in NAMES {
            if self.0 & bit != 0 {
                write!(f, "{}{name}", if first { "" } else { "+" })?;
                first = false;
            }
        }
        if first {
            f.write_str("no flags")
        } else {
            Ok(())
        }
    }
}

/// The headers of a packet, as far as the lab reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "protocol", rename_all = "kebab-case")]
pub enum Packet {
    /// A TCP segment.
    Tcp {
        /// Source and destination as they stand in this packet.
        flow: Flow,
        /// The header's flags.
        flags: TcpFlags,
        /// The sequence number.
        sequence: u32,
        /// The acknowledgement number; 0 without ACK.
        acknowledgement: u32,
        /// Bytes of payload.
        payload: u32,
    },
    /// An ICMP or ICMPv6 message.
    Icmp {
        /// The sender.
        from: std::net::IpAddr,
        /// The receiver.
        to: std::net::IpAddr,
        /// The message's type.
        kind: u8,
        /// The message's code.
        code: u8,
        /// For an error about a TCP segment: that segment's source and destination.
        about: Option<Flow>,
    },
    /// Anything else.
    Other {
        /// The sender.
        from: std::net::IpAddr,
        /// The receiver.
        to: std::net::IpAddr,
        /// The IP protocol number.
        number: u8,
    },
}

impl Packet {
    /// The family of its addresses.
    pub fn family(&self) -> Family {
        Family::of(match self {
            Packet::Tcp { flow, .. } => flow.from.ip(),
            Packet::Icmp { from, .. } | Packet::Other { from, .. } => *from,
        })
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Packet::Tcp {
                flow,
                flags,
                payload: 0,
                ..
            } => write!(f, "{flags} {flow}"),
            Packet::Tcp {
                flow,
                flags,
                payload,
                ..
            } => write!(f, "{flags} {flow}, {payload} bytes"),
            Packet::Icmp {
                from,
                to,
                kind,
                code,
                about,
            } => {
                write!(f, "ICMP type {kind} code {code} {from} → {to}")?;
                about.map_or(Ok(()), |about| write!(f, " about {about}"))
            }
            Packet::Other { from, to, number } => write!(f, "IP protocol {number} {from} → {to}"),
        }
    }
}
