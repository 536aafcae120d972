use std::fmt;

use serde::{Deserialize, Serialize};

use fwlab_record::words;

words! {
    /// A table of iptables.
    pub enum TableName {
        /// Before connection tracking: `CT`, `NOTRACK`.
        Raw,
        /// Alters packets.
        Mangle,
        /// Address translation; sees the first packet of a connection.
        Nat,
        /// Passes and drops.
        Filter,
        /// SELinux marks.
        Security,
    }
}

words! {
    /// A place on a packet's way where rules stand.
    pub enum Hook {
        /// Every packet that arrives.
        Prerouting,
        /// To a socket of this host.
        Input,
        /// Through this host.
        Forward,
        /// From a socket of this host.
        Output,
        /// Every packet that leaves.
        Postrouting,
    }
}

impl Hook {
    /// The name of the built-in chain that stands there.
    pub fn chain(self) -> &'static str {
        match self {
            Hook::Prerouting => "PREROUTING",
            Hook::Input => "INPUT",
            Hook::Forward => "FORWARD",
            Hook::Output => "OUTPUT",
            Hook::Postrouting => "POSTROUTING",
        }
    }

    /// The hook that a name of a built-in chain means, whatever the table.
    pub fn of_chain(chain: &str) -> Option<Hook> {
        Hook::ALL.iter().copied().find(|hook| hook.chain() == chain)
    }
}

impl TableName {
    /// The hooks at which the table has a built-in chain, in the order in which
    /// the kernel lists them (`iptable_raw.c`, `iptable_mangle.c`, …).
    pub fn hooks(self) -> &'static [Hook] {
        use Hook::{Forward, Input, Output, Postrouting, Prerouting};
        match self {
            TableName::Raw => &[Prerouting, Output],
            TableName::Mangle => &[Prerouting, Input, Forward, Output, Postrouting],
            TableName::Nat => &[Prerouting, Input, Output, Postrouting],
            TableName::Filter | TableName::Security => &[Input, Forward, Output],
        }
    }

    /// The hook of a built-in chain of this table; nothing for any other chain.
    pub fn hook(self, chain: &str) -> Option<Hook> {
        Hook::of_chain(chain).filter(|hook| self.hooks().contains(hook))
    }

    /// The names of the built-in chains, for a sentence.
    pub(super) fn chains_listed(self) -> String {
        let names: Vec<_> = self.hooks().iter().map(|hook| hook.chain()).collect();
        listed(&names)
    }
}

/// What a built-in chain does with a packet that no rule decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ChainPolicy {
    /// Lets it pass.
    Accept,
    /// Drops it.
    Drop,
}

impl ChainPolicy {
    /// The policy as iptables writes it.
    pub fn word(self) -> &'static str {
        match self {
            ChainPolicy::Accept => "ACCEPT",
            ChainPolicy::Drop => "DROP",
        }
    }

    /// The policy that iptables writes so.
    pub fn read(word: &str) -> Option<ChainPolicy> {
        match word {
            "ACCEPT" => Some(ChainPolicy::Accept),
            "DROP" => Some(ChainPolicy::Drop),
            _ => None,
        }
    }
}

impl fmt::Display for ChainPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// `a, b and c`.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<_> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_built_in_where_the_table_has_them() {
        assert_eq!(TableName::Filter.hook("INPUT"), Some(Hook::Input));
        assert_eq!(TableName::Filter.hook("PREROUTING"), None);
        assert_eq!(TableName::Raw.hook("PREROUTING"), Some(Hook::Prerouting));
        assert_eq!(TableName::Filter.hook("input"), None);
        assert_eq!(TableName::Raw.chains_listed(), "PREROUTING and OUTPUT");
        assert_eq!("filter".parse(), Ok(TableName::Filter));
        assert!("FILTER".parse::<TableName>().is_err());
    }
}
