use std::collections::{BTreeMap, BTreeSet};

use super::attempt::Attempt;
use super::command::{Command, Verb};
use super::listing::{ListedRule, Listing};
use super::tables::ChainPolicy;
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
    #[error("the chain {0} was loaded but not asked for")]
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
    /// A command left no rule behind.
    #[error("`{0}` did not load, and the loader did not say why")]
    NotThere(String),
    /// A rule is there that no command made.
    #[error("the rule {rule} `{loaded}` was loaded but not asked for")]
    UnaskedRule {
        /// Where it is.
        rule: RuleId,
        /// The rule.
        loaded: String,
    },
}

impl Attempt<'_> {
    /// Reads off a listing with counters which command each rule came of, and compares what can be compared: no rule is
    /// there that no command made, none that was added lacks unless something was removed, and policies are as asked.
    ///
    /// # Errors
    /// Every difference, in order of table and chain.
    pub fn correspond(&self, loaded: &Listing) -> Result<Correspondence, Vec<Difference>> {
        self.correspond_by(loaded, |_, rule| {
            usize::try_from(rule.packets()?).ok()?.checked_sub(1)
        })
    }

    /// The same by what came of [`Attempt::commented`], for a listing that lost its numbers. Nothing where the two are
    /// not alike: then nobody knows which line a rule came from.
    pub fn correspond_by_comments(
        &self,
        loaded: &Listing,
        commented: &Listing,
    ) -> Option<Correspondence> {
        let family = loaded.family();
        let mut numbers = BTreeMap::new();
        for (id, rule) in commented.rules() {
            let (number, words) = rule.number_in_comment(family);
            numbers.insert(id, (number?, words));
        }
        let alike = loaded.rules().all(|(id, rule)| {
            numbers
                .get(&id)
                .is_some_and(|(_, words)| *words == rule.without_comment(family))
        });
        if !alike || loaded.rules().count() != numbers.len() {
            return None;
        }
        self.correspond_by(loaded, |id, _| numbers.get(id)?.0.checked_sub(1))
            .ok()
    }

    fn correspond_by(
        &self,
        loaded: &Listing,
        place: impl Fn(&RuleId, &ListedRule) -> Option<usize>,
    ) -> Result<Correspondence, Vec<Difference>> {
        let mut correspondence = Correspondence::default();
        let mut differences = Vec::new();
        let carried_out = |at: &usize| !self.is_left_out(*at);
        let commands = || self.commands().iter().enumerate();
        let mut lacking: BTreeSet<usize> = commands()
            .filter(|(at, command)| carried_out(at) && command.verb == Verb::Add)
            .map(|(at, _)| at)
            .collect();
        for table in loaded.tables() {
            let mut policies: BTreeMap<&str, (&Command, ChainPolicy)> = BTreeMap::new();
            for (at, command) in commands() {
                if let Some((chain, policy)) = command.policy(self.family)
                    && carried_out(&at)
                    && command.table == table
                {
                    policies.insert(chain, (command, policy));
                }
            }
            for (name, chain) in loaded.chains(table) {
                let id = loaded.id(table, name);
                let mut lines = Vec::with_capacity(chain.rules().len());
                for (ordinal, rule) in (1..).zip(chain.rules()) {
                    let id = RuleId {
                        chain: id.clone(),
                        ordinal: RuleOrdinal(ordinal),
                    };
                    let at = place(&id, rule);
                    let command = at.and_then(|at| self.commands().get(at));
                    lines.push(command.and_then(Command::source));
                    if let Some((at, _)) = at.zip(command).filter(|(at, _)| carried_out(at)) {
                        lacking.remove(&at);
                        continue;
                    }
                    differences.push(Difference {
                        line: None,
                        kind: DifferenceKind::UnaskedRule {
                            rule: id,
                            loaded: rule.statement().to_owned(),
                        },
                    });
                }
                let asked = policies.get(name);
                if let (Some((command, asked)), Some(loaded)) = (asked, chain.policy())
                    && *asked != loaded
                {
                    differences.push(Difference {
                        line: command.source(),
                        kind: DifferenceKind::Policy {
                            chain: id.clone(),
                            asked: *asked,
                            loaded,
                        },
                    });
                }
                let policy = asked.and_then(|(command, _)| command.source());
                correspondence.insert(id, policy, lines);
            }
        }
        let removes = |table| {
            commands().any(|(at, command)| {
                let verb = matches!(command.verb, Verb::Remove | Verb::Replace);
                verb && carried_out(&at) && command.table == table
            })
        };
        let lacking = lacking.into_iter().map(|at| &self.commands()[at]);
        let lacking = lacking.filter(|command| !removes(command.table));
        differences.extend(lacking.map(|command| Difference {
            line: command.source(),
            kind: DifferenceKind::NotThere(command.to_string()),
        }));
        if differences.is_empty() {
            Ok(correspondence)
        } else {
            Err(differences)
        }
    }
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
[3:0] -A INPUT -s 1.1.1.1/32 -j ACCEPT
[3:0] -A INPUT -s 2.2.2.2/32 -j ACCEPT
[4:0] -A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -g f
[5:0] -A f -j REJECT --reject-with icmp-port-unreachable
COMMIT
";

    fn compared(loaded: &str) -> Result<Correspondence, Vec<Difference>> {
        let asked = parse(&Source::new("asked", ASKED), Family::Ipv4).ruleset;
        let attempt = Attempt::new(&asked, Family::Ipv4);
        attempt.correspond(&Listing::parse(loaded, Family::Ipv4).unwrap())
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
            told(
                "[5:0] -A f -j REJECT --reject-with icmp-port-unreachable\n",
                ""
            ),
            ["`-A f -j REJECT` did not load, and the loader did not say why"]
        );
        assert_eq!(
            told("COMMIT", "[0:0] -A INPUT -j LOG\n[7:0] -A f -j LOG\nCOMMIT"),
            [
                "the rule ipv4/filter/INPUT/4 `-A INPUT -j LOG` was loaded but not asked for",
                "the rule ipv4/filter/f/2 `-A f -j LOG` was loaded but not asked for"
            ]
        );
    }
}
