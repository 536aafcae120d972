//! Networks that are nobody's address on the Internet, and tell nothing of whose host it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network as the bits of its addresses, the first at the top, and how many are its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bits {
    pub(super) bits: u128,
    pub(super) length: u32,
}

impl Bits {
    pub(super) fn of(address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) => address.to_bits(),
        }
    }

    /// The address of a family that has these bits.
    pub(super) fn address(bits: u128, is_ipv4: bool) -> IpAddr {
        if is_ipv4 {
            Ipv4Addr::from_bits((bits >> 96) as u32).into()
        } else {
            Ipv6Addr::from_bits(bits).into()
        }
    }

    /// Whether the first bits are those of the network.
    pub(super) fn contains(&self, bits: u128) -> bool {
        first(bits, self.length) == first(self.bits, self.length)
    }

    /// Whether this network is part of the other, or is it.
    pub(super) fn is_within(&self, bits: u128, length: u32) -> bool {
        self.length >= length && first(self.bits, length) == first(bits, length)
    }
}

/// The first bits, and nothing behind them.
pub(super) fn first(bits: u128, length: u32) -> u128 {
    match length {
        0 => 0,
        length => bits & (u128::MAX << (128 - length)),
    }
}

const fn ipv4(a: u8, b: u8, c: u8, length: u32) -> Bits {
    Bits {
        bits: (Ipv4Addr::new(a, b, c, 0).to_bits() as u128) << 96,
        length,
    }
}

const fn ipv6(a: u16, b: u16, length: u32) -> Bits {
    Bits {
        bits: Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0).to_bits(),
        length,
    }
}

/// The IANA's registry of special addresses, as far as they are not of the Internet.
const IPV4: [Bits; 13] = [
    ipv4(0, 0, 0, 8),
    ipv4(10, 0, 0, 8),
    ipv4(100, 64, 0, 10),
    ipv4(127, 0, 0, 8),
    ipv4(169, 254, 0, 16),
    ipv4(172, 16, 0, 12),
    ipv4(192, 0, 0, 24),
    ipv4(192, 0, 2, 24),
    ipv4(192, 168, 0, 16),
    ipv4(198, 18, 0, 15),
    ipv4(198, 51, 100, 24),
    ipv4(203, 0, 113, 24),
    // Groups, and all that is reserved, with masks among them.
    ipv4(224, 0, 0, 3),
];

const IPV6: [Bits; 7] = [
    ipv6(0, 0, 8),
    ipv6(0x0064, 0xff9b, 32),
    ipv6(0x2001, 0x0db8, 32),
    ipv6(0x3fff, 0, 20),
    ipv6(0xfc00, 0, 7),
    ipv6(0xfe80, 0, 10),
    ipv6(0xff00, 0, 8),
];

/// The networks of a family that stay as they are.
pub(super) fn reserved(is_ipv4: bool) -> &'static [Bits] {
    if is_ipv4 { &IPV4 } else { &IPV6 }
}
