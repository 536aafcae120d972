use std::fmt;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::Family;
use crate::words;

/// A rule's place among the rules of its chain, 1 for the first, as `iptables -S` orders them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(transparent)]
pub struct RuleOrdinal(pub u32);

impl fmt::Display for RuleOrdinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

words! {
    /// The family of a table, in the words of the program that made it: `ipv4` and `ipv6` are iptables' and
    /// ip6tables', the others are nft's own. So `ipv4/filter/INPUT` and `ip/filter/INPUT` are not one chain.
    pub enum TableFamily {
        /// A table of iptables, through either backend.
        Ipv4,
        /// A table of ip6tables, through either backend.
        Ipv6,
        /// A table of nft for IPv4.
        Ip,
        /// A table of nft for IPv6.
        Ip6,
        /// A table of nft for both.
        Inet,
        /// A table of nft for ARP.
        Arp,
        /// A table of nft for what crosses a bridge.
        Bridge,
        /// A table of nft for what comes in by a device, or leaves by it.
        Netdev,
    }
}

impl TableFamily {
    /// The packets that a table of iptables sees; nothing for a table of nft's own.
    pub fn of_iptables(self) -> Option<Family> {
        match self {
            TableFamily::Ipv4 => Some(Family::Ipv4),
            TableFamily::Ipv6 => Some(Family::Ipv6),
            _ => None,
        }
    }
}

/// A table of iptables or ip6tables.
impl From<Family> for TableFamily {
    fn from(family: Family) -> TableFamily {
        match family {
            Family::Ipv4 => TableFamily::Ipv4,
            Family::Ipv6 => TableFamily::Ipv6,
        }
    }
}

/// A chain of one table of one family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ChainId {
    /// The family of the table.
    pub family: TableFamily,
    /// The table: `filter`, `nat`, `mangle`, `raw`, `security`; of nft, any name.
    pub table: String,
    /// The chain.
    pub chain: String,
}

impl ChainId {
    /// Whether `text` is how a requirement names this chain: `table/chain`, or `family/table/chain`.
    pub fn is_named(&self, text: &str) -> bool {
        let of_table = |text: &str| {
            text.strip_prefix(&self.table)
                .and_then(|rest| rest.strip_prefix('/'))
                == Some(&self.chain)
        };
        let of_family = text
            .strip_prefix(self.family.word())
            .and_then(|rest| rest.strip_prefix('/'));
        of_table(text) || of_family.is_some_and(of_table)
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.family, self.table, self.chain)
    }
}

/// A rule's identity: never its text, never an nft handle.
///
/// In files it is an object of its parts, and of `rule_id`, which is what people read and is not read back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct RuleId {
    /// Where the rule stands.
    #[serde(flatten)]
    pub chain: ChainId,
    /// Its place there.
    pub ordinal: RuleOrdinal,
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.chain, self.ordinal)
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ChainId {
            family,
            table,
            chain,
        } = &self.chain;
        let mut parts = serializer.serialize_struct("RuleId", 5)?;
        parts.serialize_field("rule_id", &self.to_string())?;
        parts.serialize_field("family", family)?;
        parts.serialize_field("table", table)?;
        parts.serialize_field("chain", chain)?;
        parts.serialize_field("ordinal", &self.ordinal)?;
        parts.end()
    }
}

/// The policy of a chain in files: the chain's parts, and `rule_id` as a rule has it, with `policy` for the ordinal.
pub(crate) mod of_policy {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::ChainId;

    #[derive(Serialize)]
    struct Policy<'a> {
        rule_id: String,
        #[serde(flatten)]
        chain: &'a ChainId,
    }

    /// Writes the policy of a chain.
    ///
    /// # Errors
    /// The serialiser's own.
    pub(crate) fn serialize<S: Serializer>(
        chain: &ChainId,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let rule_id = format!("{chain}/policy");
        Policy { rule_id, chain }.serialize(serializer)
    }

    /// Reads a chain.
    ///
    /// # Errors
    /// When a part is missing.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ChainId, D::Error> {
        ChainId::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_named_with_its_family_or_without() {
        let chain = ChainId {
            family: TableFamily::Inet,
            table: "inet/t".into(),
            chain: "i".into(),
        };
        assert_eq!(chain.to_string(), "inet/inet/t/i");
        for (text, named) in [
            ("inet/t/i", true),
            ("inet/inet/t/i", true),
            ("t/i", false),
            ("ip/inet/t/i", false),
            ("inet/t", false),
            ("i", false),
        ] {
            assert_eq!(chain.is_named(text), named, "{text}");
        }
    }

    #[test]
    fn rules_of_iptables_are_called_what_they_were() {
        let rule = RuleId {
            chain: ChainId {
                family: Family::Ipv4.into(),
                table: "filter".into(),
                chain: "INPUT".into(),
            },
            ordinal: RuleOrdinal(3),
        };
        assert_eq!(rule.to_string(), "ipv4/filter/INPUT/3");
        assert_eq!(TableFamily::Ip6.word(), "ip6");
    }
}
