//! What becomes of an address.
//!
//! Addresses of a family are a tree: a node is a prefix, and its two branches are the next bit. Each node either
//! exchanges its branches or does not, which a keyed hash of the prefix decides. So two addresses go together as far as they
//! have the same first bits (Xu, Fan, Ammar, Moon: *Prefix-Preserving IP Address Anonymization*, 2002). Some nodes
//! never exchange:
//!
//! - those with a reserved network below them: that stays where it is, and no public address becomes a reserved one;
//! - those below the last 8 bits: an address that ends in .0 or .255 stays the network's, or everybody's, and others do
//!   not become it;
//! - those within a range that stands in the text (`8.8.1.9-8.8.4.1`), so that its end stays behind its beginning.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};

use super::reserved::{Bits, first, reserved};
use super::tokens::Token;

/// The bits at the end of an address that stay.
const KEPT: u32 = 8;

pub(super) struct Replacing<'k> {
    key: &'k [u8; 32],
    /// The prefixes that ranges have in common: their family, bits and length.
    ranges: HashSet<(bool, u128, u32)>,
    known: HashMap<IpAddr, IpAddr>,
}

impl<'k> Replacing<'k> {
    pub(super) fn new(key: &'k [u8; 32]) -> Replacing<'k> {
        Replacing {
            key,
            ranges: HashSet::new(),
            known: HashMap::new(),
        }
    }

    /// Takes down the ranges of a line: to be called for all lines before the first address is replaced.
    pub(super) fn keep_ranges(&mut self, tokens: &[Token]) {
        for token in tokens {
            let Some(range) = token.range.and_then(common) else {
                continue;
            };
            let is_ipv4 = token.address.is_ipv4();
            if !is_broad(is_ipv4, range) {
                self.ranges.insert((is_ipv4, range.bits, range.length));
            }
        }
    }

    /// The address that stands for another.
    pub(super) fn replace(&mut self, token: &Token) -> IpAddr {
        let is_ipv4 = token.address.is_ipv4();
        let is_broad = |range| common(range).is_some_and(|range| is_broad(is_ipv4, range));
        if token.range.is_some_and(is_broad) {
            return token.address;
        }
        let other = match self.known.get(&token.address) {
            Some(other) => *other,
            None => {
                let other = self.other(token.address);
                self.known.insert(token.address, other);
                other
            }
        };
        // A network has nothing behind its prefix.
        let bits = Bits::of(token.address);
        match token.length {
            Some(length) if first(bits, length) == bits => {
                Bits::address(first(Bits::of(other), length), is_ipv4)
            }
            _ => other,
        }
    }

    fn other(&self, address: IpAddr) -> IpAddr {
        if let IpAddr::V6(address) = address
            && let Some((prefix, inner)) = with_ipv4(address)
        {
            let inner = Bits::of(self.other(inner)) >> 96;
            return Ipv6Addr::from_bits(prefix | inner).into();
        }
        let is_ipv4 = address.is_ipv4();
        let bits = Bits::of(address);
        let reserved = reserved(is_ipv4);
        if reserved.iter().any(|network| network.contains(bits)) {
            return address;
        }
        let end = if is_ipv4 { 32 } else { 128 } - KEPT;
        let mut other = bits;
        for length in 0..end {
            if self
                .ranges
                .contains(&(is_ipv4, first(bits, length), length))
            {
                break;
            }
            let holds_reserved = reserved
                .iter()
                .any(|network| network.is_within(bits, length));
            if !holds_reserved && self.exchanges(is_ipv4, first(bits, length), length) {
                other ^= 1 << (127 - length);
            }
        }
        Bits::address(other, is_ipv4)
    }

    /// Whether the branches of a prefix are exchanged.
    fn exchanges(&self, is_ipv4: bool, prefix: u128, length: u32) -> bool {
        let mut node = [0; 18];
        node[..16].copy_from_slice(&prefix.to_be_bytes());
        node[16] = length as u8;
        node[17] = u8::from(is_ipv4);
        blake3::keyed_hash(self.key, &node).as_bytes()[0] & 1 == 1
    }
}

/// The first bits that both ends of a range have; nothing where one address is not of the other's family.
fn common((low, high): (IpAddr, IpAddr)) -> Option<Bits> {
    if low.is_ipv4() != high.is_ipv4() {
        return None;
    }
    let (low, high) = (Bits::of(low), Bits::of(high));
    let length = (low ^ high).leading_zeros();
    Some(Bits {
        bits: first(low, length),
        length,
    })
}

/// Whether a range is so broad that it tells of nobody, and keeping it would keep everybody in it.
fn is_broad(is_ipv4: bool, range: Bits) -> bool {
    range.length < if is_ipv4 { 8 } else { 16 }
}

/// The IPv4 address in one of IPv6 that is mapped (`::ffff:8.8.8.8`) or translated (`64:ff9b::8.8.8.8`).
fn with_ipv4(address: Ipv6Addr) -> Option<(u128, IpAddr)> {
    let bits = address.to_bits();
    let prefix = first(bits, 96);
    let mapped = 0xffff << 32;
    let translated = 0x0064_ff9b << 96;
    let is_either = prefix == mapped || prefix == translated;
    is_either.then(|| (prefix, Bits::address(bits << 96, true)))
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    use proptest::prelude::*;

    fn replaced(key: u8, text: &str) -> Vec<IpAddr> {
        let key = [key; 32];
        let mut replacing = Replacing::new(&key);
        let tokens = tokens(text.as_bytes());
        replacing.keep_ranges(&tokens);
        tokens.iter().map(|it| replacing.replace(it)).collect()
    }

    fn shared(one: IpAddr, other: IpAddr) -> u32 {
        (Bits::of(one) ^ Bits::of(other)).leading_zeros()
    }

    fn is_reserved(address: IpAddr) -> bool {
        let mut networks = reserved(address.is_ipv4()).iter();
        networks.any(|network| network.contains(Bits::of(address)))
    }

    #[test]
    fn what_is_nobodys_stays() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "192.168.7.8",
            "100.64.1.1",
            "172.31.0.1",
            "169.254.1.1",
            "224.0.0.251",
            "255.255.255.0",
            "192.0.2.1",
            "203.0.113.9",
            "::",
            "::1",
            "fe80::1",
            "fd00::5",
            "ff02::1",
            "2001:db8::7",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(
                replaced(3, text),
                [text.parse::<IpAddr>().expect("an address")]
            );
        }
    }

    #[test]
    fn an_address_in_another_is_replaced_as_it_is_alone() {
        let both = replaced(5, "9.9.9.9 ::ffff:9.9.9.9 64:ff9b::9.9.9.9");
        let IpAddr::V4(alone) = both[0] else {
            panic!("{both:?}");
        };
        assert_ne!(alone.to_string(), "9.9.9.9");
        assert_eq!(both[1], IpAddr::V6(alone.to_ipv6_mapped()));
        assert_eq!(Bits::of(both[2]) as u32, alone.to_bits());
    }

    #[test]
    fn a_network_stays_one() {
        for key in 0..20 {
            let both = replaced(
                key,
                "9.20.16.0/20 9.20.30.40 9.20.16.0/255.255.240.0 2a00:1450::/32",
            );
            let [IpAddr::V4(network), address, again, _, IpAddr::V6(wide)] = both[..] else {
                panic!("{both:?}");
            };
            assert_eq!(network.to_bits() & 0xfff, 0, "{network}");
            assert!(shared(both[0], address) >= 20);
            assert_eq!(both[0], again);
            assert_eq!(wide.to_bits() << 32, 0, "{wide}");
        }
    }

    #[test]
    fn a_broad_range_stays() {
        let range = "5.0.0.0-90.255.255.255";
        let ends: Vec<String> = replaced(1, range).iter().map(ToString::to_string).collect();
        assert_eq!(ends.join("-"), range);
    }

    fn address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<u32>().prop_map(|bits| std::net::Ipv4Addr::from_bits(bits).into()),
            any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits >> 3 | 1 << 125).into()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn addresses_go_together_as_far_as_they_did(
            key in any::<u8>(),
            one in address(),
            other in any::<u128>(),
            far in 0u32..128,
        ) {
            // Another of the same first bits.
            let near = Bits::address(Bits::of(one) ^ (other >> far), one.is_ipv4());
            let both = replaced(key, &format!("{one} {near}"));
            prop_assert_eq!(is_reserved(one), is_reserved(both[0]));
            prop_assert_eq!(is_reserved(near), is_reserved(both[1]));
            let is_mapped = |one| matches!(one, IpAddr::V6(one) if with_ipv4(one).is_some());
            if !is_mapped(one) && !is_mapped(near) {
                prop_assert_eq!(shared(one, near), shared(both[0], both[1]));
            }
        }

        #[test]
        fn a_range_has_its_end_behind_its_beginning(
            key in any::<u8>(),
            one in any::<u32>(),
            size in 0u32..70_000,
        ) {
            let low = std::net::Ipv4Addr::from_bits(one);
            let high = std::net::Ipv4Addr::from_bits(one.saturating_add(size));
            let both = replaced(key, &format!("{low}-{high}"));
            prop_assert!(both[0] <= both[1], "{}-{} {:?}", low, high, both);
        }
    }
}
