use std::fmt;
use std::net::{IpAddr, SocketAddr};

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Flow;

/// One way of a connection as conntrack keys it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Tuple {
    /// The source address.
    pub from: IpAddr,
    /// The destination address.
    pub to: IpAddr,
    /// The IP protocol number.
    pub protocol: u8,
    /// Source and destination port, where the protocol has ports. In an expectation
    /// a source port of 0 stands for any.
    pub ports: Option<(u16, u16)>,
}

/// The IP protocol number of TCP.
const TCP: u8 = 6;

impl Tuple {
    /// The tuple of a TCP connection, seen from the side that opens it.
    pub fn of(flow: Flow) -> Tuple {
        Tuple {
            from: flow.from.ip(),
            to: flow.to.ip(),
            protocol: TCP,
            ports: Some((flow.from.port(), flow.to.port())),
        }
    }

    /// The TCP connection that this is; `None` for another protocol.
    pub fn flow(&self) -> Option<Flow> {
        let (from, to) = self.ports.filter(|_| self.protocol == TCP)?;
        Some(Flow {
            from: SocketAddr::new(self.from, from),
            to: SocketAddr::new(self.to, to),
        })
    }

    /// Whether this and another are the same where the mask has bits, protocols compared in whole.
    pub fn is_same_under(&self, other: &Tuple, mask: &Tuple) -> bool {
        let (own, others) = (
            self.ports.unwrap_or_default(),
            other.ports.unwrap_or_default(),
        );
        let ports = mask.ports.unwrap_or((u16::MAX, u16::MAX));
        self.protocol == other.protocol
            && same_address(self.from, other.from, mask.from)
            && same_address(self.to, other.to, mask.to)
            && (own.0 ^ others.0) & ports.0 == 0
            && (own.1 ^ others.1) & ports.1 == 0
    }
}

fn same_address(one: IpAddr, other: IpAddr, mask: IpAddr) -> bool {
    match (one, other, mask) {
        (IpAddr::V4(one), IpAddr::V4(other), IpAddr::V4(mask)) => {
            (one.to_bits() ^ other.to_bits()) & mask.to_bits() == 0
        }
        (IpAddr::V6(one), IpAddr::V6(other), IpAddr::V6(mask)) => {
            (one.to_bits() ^ other.to_bits()) & mask.to_bits() == 0
        }
        _ => false,
    }
}

impl fmt::Display for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ports {
            Some((0, to)) => write!(f, "{}:* → {}", self.from, SocketAddr::new(self.to, to)),
            Some((from, to)) => write!(
                f,
                "{} → {}",
                SocketAddr::new(self.from, from),
                SocketAddr::new(self.to, to)
            ),
            None => write!(f, "{} → {} protocol {}", self.from, self.to, self.protocol),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(from: &str, to: &str) -> Tuple {
        Tuple::of(Flow {
            from: from.parse().expect("an address"),
            to: to.parse().expect("an address"),
        })
    }

    #[test]
    fn a_mask_of_no_bits_lets_any_source_port_pass() {
        let expected = tuple("192.168.0.201:0", "192.168.0.211:45623");
        let mask = tuple("255.255.255.255:0", "255.255.255.255:65535");
        let right = tuple("192.168.0.201:20", "192.168.0.211:45623");
        let wrong_port = tuple("192.168.0.201:20", "192.168.0.211:45624");
        let wrong_source = tuple("192.168.0.202:20", "192.168.0.211:45623");
        assert!(expected.is_same_under(&right, &mask));
        assert!(!expected.is_same_under(&wrong_port, &mask));
        assert!(!expected.is_same_under(&wrong_source, &mask));
        assert_eq!(
            expected.to_string(),
            "192.168.0.201:* → 192.168.0.211:45623"
        );
    }

    #[test]
    fn families_do_not_mix() {
        let mask = tuple("0.0.0.0:0", "0.0.0.0:0");
        assert!(
            !tuple("1.2.3.4:1", "1.2.3.4:2").is_same_under(&tuple("[::1]:1", "[::1]:2"), &mask)
        );
    }
}
