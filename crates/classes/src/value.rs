use std::net::IpAddr;

use fwlab_model::ruleset::Addresses;
use fwlab_record::{Family, InterfaceName};

use crate::Behind;

/// What the peers of a class have in common in one respect: one of the parts that conditions divide interfaces or addresses
/// into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    words: String,
    rest: bool,
    stands_for: Representatives,
}

/// Of two ends in one part, each needs one of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Representatives {
    Interfaces(Vec<InterfaceName>),
    /// Each with the interface that it is behind, or that has it, where that is known.
    Addresses(Vec<(IpAddr, Option<InterfaceName>)>),
}

impl Value {
    pub(crate) fn interfaces(words: String, rest: bool, names: Vec<InterfaceName>) -> Value {
        let stands_for = Representatives::Interfaces(names);
        Value {
            words,
            rest,
            stands_for,
        }
    }

    pub(crate) fn addresses(
        words: String,
        rest: bool,
        addresses: Vec<(IpAddr, Option<InterfaceName>)>,
    ) -> Value {
        let stands_for = Representatives::Addresses(addresses);
        Value {
            words,
            rest,
            stands_for,
        }
    }

    pub(crate) fn chosen_interface(name: &InterfaceName) -> Value {
        Value::interfaces(name.to_string(), false, vec![name.clone()])
    }

    pub(crate) fn chosen_address(address: IpAddr, behind: &[Behind]) -> Value {
        let number = Addresses::number(address);
        let of = behind.iter().find(|one| {
            one.family == Family::of(address) && (one.range.0..=one.range.1).contains(&number)
        });
        let interface = of.map(|one| one.interface.clone());
        Value::addresses(address.to_string(), false, vec![(address, interface)])
    }

    /// How rules write it; of the rest, which no rule names, nothing.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Whether no rule names it.
    pub fn is_rest(&self) -> bool {
        self.rest
    }

    pub(crate) fn interface(&self, but: Option<&InterfaceName>) -> Option<InterfaceName> {
        match &self.stands_for {
            Representatives::Interfaces(names) => {
                names.iter().find(|name| Some(*name) != but).cloned()
            }
            Representatives::Addresses(_) => None,
        }
    }

    /// An address of a peer that is on an interface.
    pub(crate) fn address(
        &self,
        on: Option<&InterfaceName>,
        but: Option<IpAddr>,
    ) -> Option<IpAddr> {
        let mut addresses = self.known().filter(|(address, _)| Some(*address) != but);
        let found = addresses.find(|(_, behind)| behind.is_none() || behind.as_ref() == on);
        found.map(|(address, _)| address)
    }

    /// An address of the host itself, best one of an interface.
    pub(crate) fn own_address(
        &self,
        on: Option<&InterfaceName>,
        but: Option<IpAddr>,
    ) -> Option<IpAddr> {
        let addresses = || self.known().filter(|(address, _)| Some(*address) != but);
        let found = addresses().find(|(_, of)| of.as_ref() == on);
        found
            .or_else(|| addresses().next())
            .map(|(address, _)| address)
    }

    fn known(&self) -> impl Iterator<Item = (IpAddr, Option<InterfaceName>)> {
        let addresses = match &self.stands_for {
            Representatives::Addresses(addresses) => addresses.clone(),
            Representatives::Interfaces(_) => Vec::new(),
        };
        addresses.into_iter()
    }
}
