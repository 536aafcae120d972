use std::net::IpAddr;

use crate::words;

words! {
    /// An address family of packets and of the rulesets that see them.
    pub enum Family {
        /// IPv4, `iptables`.
        Ipv4,
        /// IPv6, `ip6tables`.
        Ipv6,
    }
}

impl Family {
    /// The protocol's own name, for sentences.
    pub fn protocol(self) -> &'static str {
        match self {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        }
    }

    /// The family that an address belongs to.
    pub fn of(address: IpAddr) -> Family {
        if address.is_ipv4() {
            Family::Ipv4
        } else {
            Family::Ipv6
        }
    }
}
