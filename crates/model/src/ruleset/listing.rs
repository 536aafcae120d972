use std::collections::BTreeMap;

use super::quoting::restore_words;
use super::saved::counters;
use super::tables::{ChainPolicy, TableName};
use super::walk::{Core, walk};
use fwlab_record::{ChainId, Family, RuleId, RuleOrdinal};

/// What the kernel has, as `iptables-save` or `ip6tables-save` wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    family: Family,
    pub(super) tables: BTreeMap<TableName, BTreeMap<String, ListedChain>>,
}

/// A chain as the kernel has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedChain {
    policy: Option<ChainPolicy>,
    rules: Vec<ListedRule>,
}

impl ListedChain {
    /// The policy of a built-in chain; other chains have none.
    pub fn policy(&self) -> Option<ChainPolicy> {
        self.policy
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[ListedRule] {
        &self.rules
    }
}

/// A rule as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRule {
    statement: String,
    target: Option<String>,
    goto: bool,
}

impl ListedRule {
    /// The rule as it is listed, `-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT`.
    pub fn statement(&self) -> &str {
        &self.statement
    }

    /// Where a packet goes that matches: `ACCEPT`, `DROP`, `REJECT`, `LOG`, a chain, …
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// Whether the rule goes to its chain for good (`-g`).
    pub fn is_goto(&self) -> bool {
        self.goto
    }
}

/// Why a listing cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// A table that iptables does not have.
    #[error("line {line} of the listing starts the unknown table `{table}`")]
    UnknownTable {
        /// The line, 1 for the first.
        line: u32,
        /// The table.
        table: String,
    },
    /// A line that is none of `*table`, `:CHAIN`, `-A` and COMMIT, or not where it can stand.
    #[error("line {line} of the listing is not understood: `{text}`")]
    NotUnderstood {
        /// The line, 1 for the first.
        line: u32,
        /// What it says.
        text: String,
    },
    /// The listing ends within a table.
    #[error("the listing ends within the table {table}")]
    CutOff {
        /// The table.
        table: TableName,
    },
}

impl Listing {
    /// Reads what `iptables-save` wrote, with or without counters.
    ///
    /// # Errors
    /// When a line is not what `iptables-save` writes.
    pub fn parse(saved: &str, family: Family) -> Result<Listing, ListingError> {
        let mut listing = Listing {
            family,
            tables: BTreeMap::new(),
        };
        let mut open: Option<TableName> = None;
        for (number, line) in (1..).zip(saved.lines()) {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let not_understood = || ListingError::NotUnderstood {
                line: number,
                text: super::mistake::quote(line),
            };
            if let Some(name) = line.strip_prefix('*') {
                let Ok(table) = name.parse() else {
                    return Err(ListingError::UnknownTable {
                        line: number,
                        table: super::mistake::quote(name),
                    });
                };
                listing.tables.entry(table).or_default();
                open = Some(table);
                continue;
            }
            let chains = open
                .and_then(|table| listing.tables.get_mut(&table))
                .ok_or_else(not_understood)?;
            let rule = line[counters(line)..].trim_start();
            if line == "COMMIT" {
                open = None;
            } else if let Some(chain) = line.strip_prefix(':') {
                let mut words = chain.split_ascii_whitespace();
                let name = words.next().ok_or_else(not_understood)?;
                let policy = words.next().and_then(ChainPolicy::read);
                chains.entry(name.to_owned()).or_default().policy = policy;
            } else if rule.starts_with("-A ") {
                let (chain, rule) = listed(rule, family).ok_or_else(not_understood)?;
                chains.entry(chain).or_default().rules.push(rule);
            } else {
                return Err(not_understood());
            }
        }
        match open {
            Some(table) => Err(ListingError::CutOff { table }),
            None => Ok(listing),
        }
    }

    /// The family that the listing is of.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The tables that are listed. A table that no rule ever touched may not be.
    pub fn tables(&self) -> impl Iterator<Item = TableName> + '_ {
        self.tables.keys().copied()
    }

    /// The chains of a table, in order of name.
    pub fn chains(&self, table: TableName) -> impl Iterator<Item = (&str, &ListedChain)> {
        let chains = self.tables.get(&table);
        chains
            .into_iter()
            .flat_map(|chains| chains.iter().map(|(name, chain)| (name.as_str(), chain)))
    }

    /// A chain.
    pub fn chain(&self, id: &ChainId) -> Option<&ListedChain> {
        if id.family.of_iptables() != Some(self.family) {
            return None;
        }
        self.tables.get(&id.table.parse().ok()?)?.get(&id.chain)
    }

    /// The policy of a built-in chain, as iptables writes it: `ACCEPT` or `DROP`.
    pub fn policy(&self, id: &ChainId) -> Option<&'static str> {
        self.chain(id)?.policy.map(ChainPolicy::word)
    }

    /// A rule as it is listed, `-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT`.
    pub fn rule(&self, id: &RuleId) -> Option<&str> {
        self.listed(id).map(ListedRule::statement)
    }

    fn listed(&self, id: &RuleId) -> Option<&ListedRule> {
        let RuleOrdinal(ordinal) = id.ordinal;
        self.chain(&id.chain)?
            .rules
            .get((ordinal as usize).checked_sub(1)?)
    }

    /// Where a rule sends a packet that matches.
    pub fn target(&self, id: &RuleId) -> Option<&str> {
        self.listed(id)?.target()
    }
}

fn listed(line: &str, family: Family) -> Option<(String, ListedRule)> {
    let mut words = Vec::with_capacity(16);
    restore_words(line, 0, &mut words).ok()?;
    let walk = walk(&words, family);
    let mut chain = None;
    let (mut target, mut goto) = (None, false);
    for piece in &walk.pieces {
        match piece.core() {
            Some(Core::Append) => chain = Some(piece.value().to_owned()),
            Some(core @ (Core::Jump | Core::Goto)) => {
                target = Some(piece.value().to_owned());
                goto = core == Core::Goto;
            }
            _ => {}
        }
    }
    let rule = ListedRule {
        statement: line.to_owned(),
        target,
        goto,
    };
    Some((chain?, rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: &str =
        "# Generated by iptables-nft-save v1.8.9 (nf_tables) on Sun Nov 22 13:00:00 2026
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A OUTPUT -p tcp -m tcp --dport 21 -j CT --helper ftp
COMMIT
# Completed
*filter
:INPUT DROP [1:60]
:FORWARD ACCEPT [0:0]
:ftp - [0:0]
[5:300] -A INPUT -m comment --comment \"jump -j DROP\" -j ftp
-A INPUT -g ftp
-A ftp
COMMIT
";

    fn id(table: &str, chain: &str, ordinal: u32) -> RuleId {
        let chain = ChainId {
            family: Family::Ipv4.into(),
            table: table.into(),
            chain: chain.into(),
        };
        RuleId {
            chain,
            ordinal: RuleOrdinal(ordinal),
        }
    }

    #[test]
    fn rules_and_policies_are_found_by_place() {
        let listing = Listing::parse(SAVED, Family::Ipv4).unwrap();
        let rule = listing.listed(&id("filter", "INPUT", 1)).unwrap();
        assert_eq!(
            rule.statement(),
            "-A INPUT -m comment --comment \"jump -j DROP\" -j ftp"
        );
        assert_eq!(rule.target(), Some("ftp"));
        assert!(listing.listed(&id("filter", "INPUT", 2)).unwrap().is_goto());
        assert_eq!(listing.target(&id("raw", "OUTPUT", 1)), Some("CT"));
        assert_eq!(listing.target(&id("filter", "ftp", 1)), None);
        assert_eq!(listing.rule(&id("filter", "INPUT", 3)), None);
        assert_eq!(listing.rule(&id("filter", "INPUT", 0)), None);
        assert_eq!(
            listing.policy(&id("filter", "INPUT", 1).chain),
            Some("DROP")
        );
        assert_eq!(listing.policy(&id("filter", "ftp", 1).chain), None);
        assert_eq!(listing.policy(&id("nat", "INPUT", 1).chain), None);
    }

    #[test]
    fn what_is_no_listing_is_refused() {
        let parse = |text| Listing::parse(text, Family::Ipv4).unwrap_err();
        assert_eq!(
            parse("*filter\n"),
            ListingError::CutOff {
                table: TableName::Filter
            }
        );
        assert!(matches!(
            parse("*none\n"),
            ListingError::UnknownTable { line: 1, .. }
        ));
        assert!(matches!(
            parse("\n-A INPUT\n"),
            ListingError::NotUnderstood { line: 2, .. }
        ));
        assert!(matches!(
            parse("*filter\nfoo\n"),
            ListingError::NotUnderstood { line: 2, .. }
        ));
        assert!(matches!(
            parse("*filter\n:\n"),
            ListingError::NotUnderstood { line: 2, .. }
        ));
        assert!(matches!(
            parse("*filter\n-A \n"),
            ListingError::NotUnderstood { line: 2, .. }
        ));
    }
}
