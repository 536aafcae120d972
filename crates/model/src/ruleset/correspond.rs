use std::collections::BTreeMap;

use super::listing::{ListedChain, ListedRule, Listing};
use super::rule::{Chain, Rule, Ruleset};
use super::tables::{ChainPolicy, TableName};
use super::text::SourceLine;
use fwlab_record::{ChainId, RuleId, RuleOrdinal};

/// That the kernel has what was asked for, and which line each part came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Correspondence {
    chains: BTreeMap<ChainId, Lines>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Lines {
    policy: Option<SourceLine>,
    rules: Vec<Option<SourceLine>>,
}

impl Correspondence {
    /// Takes where the parts of a chain came from, its rules in order.
    pub(super) fn insert(
        &mut self,
        chain: ChainId,
        policy: Option<SourceLine>,
        rules: Vec<Option<SourceLine>>,
    ) {
        self.chains.insert(chain, Lines { policy, rules });
    }

    /// The line that a loaded rule came from, 1 for the first; nothing for one
    /// that was generated, or that the ruleset does not have.
    pub fn source_line(&self, rule: &RuleId) -> Option<u32> {
        Some(self.source_of(rule)?.line)
    }

    /// The line that set a chain's policy, 1 for the first.
    pub fn policy_line(&self, chain: &ChainId) -> Option<u32> {
        Some(self.chains.get(chain)?.policy?.line)
    }

    /// The statement that a loaded rule came from.
    pub fn source_of(&self, rule: &RuleId) -> Option<SourceLine> {
        let at = (rule.ordinal.0 as usize).checked_sub(1)?;
        *self.chains.get(&rule.chain)?.rules.get(at)?
    }
}

/// Something that the kernel has otherwise than it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Difference {
    /// The line that asked for it; nothing for what was generated, or not asked for.
    pub line: Option<SourceLine>,
    /// What it is.
    pub kind: DifferenceKind,
}

/// How the kernel's rules differ from those that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DifferenceKind {
    /// A chain is not there.
    #[error("the chain {0} did not load")]
    NoChain(ChainId),
    /// A chain is there that was not asked for, in a table that was.
    #[error("the chain {0} is loaded, and was not asked for")]
    Unasked(ChainId),
    /// A chain has another policy.
    #[error("the chain {chain} has the policy {loaded}, not {asked}")]
    Policy {
        /// The chain.
        chain: ChainId,
        /// The policy that was asked for.
        asked: ChainPolicy,
        /// The policy that the kernel has.
        loaded: ChainPolicy,
    },
    /// A rule is not there, or another in its place.
    #[error("the rule {rule} `{asked}` did not load: there is {}", loaded.as_deref().map_or_else(|| "none".to_owned(), |loaded| format!("`{loaded}`")))]
    Rule {
        /// Where it should be.
        rule: RuleId,
        /// The rule that was asked for.
        asked: String,
        /// What stands there.
        loaded: Option<String>,
    },
    /// A chain has more rules than were asked for.
    #[error("the chain {chain} has {loaded} rules, not {asked}")]
    MoreRules {
        /// The chain.
        chain: ChainId,
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        loaded: usize,
    },
}

/// Compares what the kernel has of one family with what it was asked for.
///
/// A rule is listed in other words than it was written in: services as numbers,
/// `--syn` as flags, masks and default types spelled out. Its place is the same,
/// since lists of addresses were multiplied when the ruleset was read, so places
/// are compared, counts, targets and policies. Tables that the ruleset does not
/// have are left alone by a restore, and not looked at.
///
/// # Errors
/// Every difference, in order of table and chain.
pub fn correspond(asked: &Ruleset, loaded: &Listing) -> Result<Correspondence, Vec<Difference>> {
    let family = loaded.family();
    let mut correspondence = Correspondence::default();
    let mut differences = Vec::new();
    let nothing = ListedChain::default();
    for (name, table) in asked.tables(family) {
        let id = |chain: &str| ChainId {
            family: family.into(),
            table: name.word().to_owned(),
            chain: chain.to_owned(),
        };
        for chain in table.chains() {
            let id = id(chain.name());
            let listed = loaded
                .tables
                .get(&name)
                .and_then(|chains| chains.get(chain.name()));
            let Some(listed) = listed.or_else(|| untouched(name, chain).then_some(&nothing)) else {
                let first = chain.rules().first().and_then(Rule::source);
                differences.push(Difference {
                    line: chain.source().or(first),
                    kind: DifferenceKind::NoChain(id),
                });
                continue;
            };
            compare(&id, chain, listed, &mut differences);
            let rules = chain.rules().iter().map(Rule::source).collect();
            correspondence.insert(id, chain.source(), rules);
        }
        for (chain, listed) in loaded.chains(name) {
            let asked = table.chain(chain).is_some();
            let fresh = name.hook(chain).is_some() && listed.rules().is_empty();
            if !asked && !fresh {
                let kind = DifferenceKind::Unasked(id(chain));
                differences.push(Difference { line: None, kind });
            }
        }
    }
    if differences.is_empty() {
        Ok(correspondence)
    } else {
        Err(differences)
    }
}

/// Whether a chain asks for nothing but what an unlisted table has anyway.
fn untouched(table: TableName, chain: &Chain) -> bool {
    table.hook(chain.name()).is_some()
        && chain.rules().is_empty()
        && chain.policy() != Some(ChainPolicy::Drop)
}

fn compare(id: &ChainId, chain: &Chain, listed: &ListedChain, differences: &mut Vec<Difference>) {
    if let (Some(asked), Some(loaded)) = (chain.policy(), listed.policy())
        && asked != loaded
    {
        differences.push(Difference {
            line: chain.source(),
            kind: DifferenceKind::Policy {
                chain: id.clone(),
                asked,
                loaded,
            },
        });
    }
    for (at, rule) in chain.rules().iter().enumerate() {
        let there = listed.rules().get(at);
        if there.is_some_and(|there| same_target(rule, there)) {
            continue;
        }
        // What follows is out of step with its places, and would only repeat this.
        differences.push(Difference {
            line: rule.source(),
            kind: DifferenceKind::Rule {
                rule: RuleId {
                    chain: id.clone(),
                    ordinal: RuleOrdinal(at as u32 + 1),
                },
                asked: rule.to_string(),
                loaded: there.map(|there| there.statement().to_owned()),
            },
        });
        return;
    }
    if listed.rules().len() > chain.rules().len() {
        differences.push(Difference {
            line: None,
            kind: DifferenceKind::MoreRules {
                chain: id.clone(),
                asked: chain.rules().len(),
                loaded: listed.rules().len(),
            },
        });
    }
}

fn same_target(asked: &Rule, loaded: &ListedRule) -> bool {
    // One extension under two names.
    let name = |target| {
        if target == Some("NOTRACK") {
            Some("CT")
        } else {
            target
        }
    };
    name(asked.target()) == name(loaded.target()) && asked.is_goto() == loaded.is_goto()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::{Source, parse};
    use fwlab_record::Family;

    const ASKED: &str = "*filter
:INPUT DROP [0:0]
:f - [0:0]
-A INPUT -s 1.1.1.1,2.2.2.2 -j ACCEPT
-A INPUT -p tcp --syn -g f
-A f -j REJECT
COMMIT
";
    const LOADED: &str = "*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:f - [0:0]
-A INPUT -s 1.1.1.1/32 -j ACCEPT
-A INPUT -s 2.2.2.2/32 -j ACCEPT
-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -g f
-A f -j REJECT --reject-with icmp-port-unreachable
COMMIT
";

    fn compared(loaded: &str) -> Result<Correspondence, Vec<Difference>> {
        let asked = parse(&Source::new("asked", ASKED), Family::Ipv4)
            .unwrap()
            .ruleset;
        correspond(&asked, &Listing::parse(loaded, Family::Ipv4).unwrap())
    }

    fn id(chain: &str, ordinal: u32) -> RuleId {
        RuleId {
            chain: ChainId {
                family: Family::Ipv4.into(),
                table: "filter".into(),
                chain: chain.into(),
            },
            ordinal: RuleOrdinal(ordinal),
        }
    }

    #[test]
    fn every_loaded_rule_has_its_line() {
        let correspondence = compared(LOADED).unwrap();
        let line = |chain, ordinal| correspondence.source_line(&id(chain, ordinal)).unwrap();
        assert_eq!(
            [
                line("INPUT", 1),
                line("INPUT", 2),
                line("INPUT", 3),
                line("f", 1)
            ],
            [4, 4, 5, 6]
        );
        assert_eq!(correspondence.policy_line(&id("INPUT", 1).chain), Some(2));
        assert_eq!(correspondence.source_of(&id("INPUT", 4)), None);
    }

    #[test]
    fn differences_are_told_with_their_line() {
        let told = |from: &str, to: &str| {
            let differences = compared(&LOADED.replace(from, to)).unwrap_err();
            differences
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told("INPUT DROP", "INPUT ACCEPT"),
            ["the chain ipv4/filter/INPUT has the policy ACCEPT, not DROP"]
        );
        assert_eq!(
            told("-A INPUT -s 2.2.2.2/32 -j ACCEPT\n", ""),
            [
                "the rule ipv4/filter/INPUT/2 `-s 2.2.2.2 -j ACCEPT` did not load: there is `-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -g f`"
            ]
        );
        assert_eq!(
            told("-A f -j REJECT --reject-with icmp-port-unreachable\n", ""),
            ["the rule ipv4/filter/f/1 `-j REJECT` did not load: there is none"]
        );
        assert_eq!(
            told("COMMIT", "-A INPUT -j LOG\nCOMMIT"),
            ["the chain ipv4/filter/INPUT has 4 rules, not 3"]
        );
        assert_eq!(
            told(":f - [0:0]", ":g - [0:0]\n-A FORWARD -j LOG"),
            [
                "the chain ipv4/filter/FORWARD is loaded, and was not asked for",
                "the chain ipv4/filter/g is loaded, and was not asked for"
            ]
        );
    }

    #[test]
    fn other_tables_are_not_looked_at() {
        let more = format!("*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j LOG\nCOMMIT\n{LOADED}");
        assert!(compared(&more).is_ok());
        assert_eq!(compared("").unwrap_err()[0].line.unwrap().line, 2);
    }
}
