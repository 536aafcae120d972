use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fwlab_record::Family;
use ipnet::IpNet;

/// Addresses of one family that a condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    family: Family,
    ranges: Vec<(u128, u128)>,
    /// The first of the words that name them.
    words: Vec<String>,
    /// How many more there are.
    more: usize,
}

/// The most words that are kept of conditions that are as one.
const WORDS: usize = 3;

impl Addresses {
    /// Those of ranges, each from its first to its last, with the words that name them; nothing where there is none.
    pub(super) fn of(
        family: Family,
        ranges: Vec<(u128, u128)>,
        words: String,
    ) -> Option<Addresses> {
        (!ranges.is_empty()).then_some(Addresses {
            family,
            ranges,
            words: vec![words],
            more: 0,
        })
    }

    /// The family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// From the first to the last, as numbers.
    pub fn ranges(&self) -> &[(u128, u128)] {
        &self.ranges
    }

    /// Whether an address is one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let number = number(address);
        Family::of(address) == self.family
            && self
                .ranges
                .iter()
                .any(|(first, last)| (first..=last).contains(&&number))
    }

    /// How they are written: `203.0.113.0/24`, `set banned`.
    pub fn words(&self) -> String {
        let words = self.words.join(", ");
        match self.more {
            0 => words,
            more => format!("{words} and {more} more"),
        }
    }

    /// Takes in all that others name, too.
    pub fn extend(&mut self, others: &Addresses) {
        self.ranges.extend(&others.ranges);
        for words in &others.words {
            match self.words.contains(words) {
                true => {}
                false if self.words.len() < WORDS => self.words.push(words.clone()),
                false => self.more += 1,
            }
        }
        self.more += others.more;
    }
}

/// Reads `192.0.2.1`, `192.0.2.0/24`, `192.0.2.0/255.255.255.0` or `192.0.2.1-192.0.2.9`; nothing where it is none of
/// these, or a mask that is no prefix.
pub(super) fn range(written: &str) -> Option<(Family, (u128, u128))> {
    if let Some((first, last)) = written.split_once('-') {
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        let family = Family::of(first);
        let ends = (number(first), number(last));
        return (family == Family::of(last) && ends.0 <= ends.1).then_some((family, ends));
    }
    let Some((address, length)) = written.split_once('/') else {
        let address = written.parse().ok()?;
        return Some((Family::of(address), (number(address), number(address))));
    };
    let address: IpAddr = address.parse().ok()?;
    let net = match length.parse::<u8>() {
        Ok(length) => IpNet::new(address, length).ok()?,
        Err(_) => IpNet::with_netmask(address, length.parse().ok()?).ok()?,
    };
    Some((
        Family::of(address),
        (number(net.network()), number(net.broadcast())),
    ))
}

/// An address as a number.
pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Addresses {
    /// The address of a family that is this number.
    ///
    /// # Panics
    /// When it is no IPv4 address's.
    pub fn address(family: Family, number: u128) -> IpAddr {
        match family {
            Family::Ipv4 => {
                let bits = u32::try_from(number).expect("an IPv4 address's number");
                Ipv4Addr::from_bits(bits).into()
            }
            Family::Ipv6 => Ipv6Addr::from_bits(number).into(),
        }
    }

    /// An address as a number.
    pub fn number(address: IpAddr) -> u128 {
        number(address)
    }
}
