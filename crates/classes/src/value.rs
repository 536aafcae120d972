use std::net::IpAddr;

use fwlab_record::InterfaceName;

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
    Addresses(Vec<IpAddr>),
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

    pub(crate) fn addresses(words: String, rest: bool, addresses: Vec<IpAddr>) -> Value {
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

    pub(crate) fn chosen_address(address: IpAddr) -> Value {
        Value::addresses(address.to_string(), false, vec![address])
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

    pub(crate) fn address(&self, but: Option<IpAddr>) -> Option<IpAddr> {
        match &self.stands_for {
            Representatives::Addresses(addresses) => addresses
                .iter()
                .copied()
                .find(|address| Some(*address) != but),
            Representatives::Interfaces(_) => None,
        }
    }
}
