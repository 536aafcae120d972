//! Rulesets: parsed, proven to load, loaded into cells, or found there as an image loaded them;
//! and trace steps read against them.

mod batches;
mod cell_rules;
mod doubt;
mod error;
mod image;
mod image_rules;
mod interfaces;
mod loader;
mod native;
mod node_ruleset;
mod prepare;
mod prove;
mod proven;
mod remembered;
mod resolver;
mod sets;
mod tools;
mod traced;
mod walk;
mod way;

use std::collections::BTreeSet;
use std::sync::Arc;

use fwlab_model::ruleset::{ByPort, ByPush, Hook, PortEnd, Sets, Told};
use fwlab_record::{ChainId, NodeName, RuleId, RuleOrdinal};

pub(crate) use cell_rules::CellRules;
pub(crate) use doubt::Doubt;
pub use error::PrepareError;
pub(crate) use image::no_container;
pub(crate) use image_rules::ImageRulesError;
pub use loader::{LoadError, Loader};
pub(crate) use native::lacks;
pub use node_ruleset::{Listed, NodeRuleset};
pub use prove::UNREACHED;
pub(crate) use resolver::{RuleReading, RuleResolver};
pub use tools::NoLoader;

/// A ruleset that is known to load.
#[derive(Debug, Clone, Default)]
pub struct PreparedRuleset {
    /// The sets that rules match on, which are made first.
    pub sets: Vec<(NodeName, Arc<Sets>)>,
    /// What is loaded, in order.
    pub parts: Vec<NodeRuleset>,
    /// The rules by which the same packet may be decided on otherwise the next time.
    pub doubts: Vec<Doubt>,
    /// The rules that look at a range of destination ports, and the node of each.
    pub by_port: Vec<(NodeName, ByPort)>,
    /// The rules that decide by PSH on segments of data, and the node of each.
    pub by_push: Vec<(NodeName, ByPush)>,
    /// What is odd about it here, in words.
    pub notes: Vec<String>,
    /// The program that this machine lacks to load it, in words; then its cells are skipped.
    pub lacks: Option<String>,
}

impl PreparedRuleset {
    /// The ports of TCP that rules tell from others, as ranges, and the end at which they look: those of one port, too.
    pub fn ports(&self) -> BTreeSet<(PortEnd, (u16, u16))> {
        let of_part = |part: &NodeRuleset| match &part.listed {
            Listed::Iptables { listing, .. } => listing.ports(),
            Listed::Native(listing) => listing.ports(),
        };
        self.parts.iter().flat_map(of_part).collect()
    }

    /// The ranges of destination ports that rules accept or lead on, and of each whether the rule tells no hosts apart.
    pub fn opened(&self) -> Vec<((u16, u16), bool)> {
        let told = self.told();
        let of_rule = |(node, by_port): &(NodeName, ByPort)| {
            let mut parts = self.parts.iter().filter(|part| part.node == *node);
            let statement = parts.find_map(|part| part.statement(&by_port.rule))?;
            let mut words = statement.split_whitespace();
            let opens = words.clone().any(|word| {
                let word = word.to_ascii_lowercase();
                matches!(&*word, "accept" | "dnat" | "redirect")
            });
            let is_negated = words.any(|word| matches!(word, "!" | "!="));
            let is_for_all = told.iter().all(|told| told.rule != by_port.rule);
            (opens && !is_negated).then_some((by_port.ports, is_for_all))
        };
        let to = self.by_port.iter();
        to.filter(|(_, by_port)| by_port.end == PortEnd::Destination)
            .filter_map(of_rule)
            .collect()
    }

    /// A rule on a node that would assign FTP's helper, by its line.
    pub(crate) fn assigning(&self, node: &NodeName) -> Option<String> {
        let parts = self.parts.iter().filter(|part| part.node == *node);
        let mut found = parts.flat_map(|part| {
            let assigning = part.rules().into_iter().filter(|(_, statement)| {
                statement.contains("ct helper set")
                    || statement.contains("-j CT") && statement.contains("--helper ftp")
            });
            assigning.map(|(id, statement)| match part.lines.source_of(&id) {
                Some(source) => format!("line {} `{statement}`", source.line),
                None => format!("{id} `{statement}`"),
            })
        });
        found.next()
    }

    /// Whether some rules take packets out of conntrack.
    pub fn untracks(&self) -> bool {
        let mut rules = self.parts.iter().flat_map(NodeRuleset::rules);
        rules.any(|(_, statement)| {
            let mut words = statement.split_whitespace();
            words.any(|word| matches!(word, "NOTRACK" | "--notrack" | "notrack"))
        })
    }

    /// From which hooks a chain is known to be reached.
    pub fn hooks_of(&self, chain: &ChainId) -> BTreeSet<Hook> {
        let of_part = |part: &NodeRuleset| match &part.listed {
            Listed::Iptables { listing, .. } => listing.hooks_of(chain),
            Listed::Native(listing) => listing.hooks_of(chain),
        };
        self.parts.iter().flat_map(of_part).collect()
    }

    /// The rules that lead to another chain and not back: a packet that they match comes to no later rule of theirs. With each its
    /// line.
    pub fn gotos(&self) -> Vec<(RuleId, Option<u32>)> {
        let of_part = |part: &NodeRuleset| -> Vec<(RuleId, Option<u32>)> {
            let found: Vec<RuleId> = match &part.listed {
                Listed::Iptables { listing, .. } => {
                    let gotos = listing.rules().filter(|(_, rule)| rule.is_goto());
                    gotos.map(|(id, _)| id).collect()
                }
                Listed::Native(listing) => {
                    let rules = listing.chains().flat_map(|(chain, found)| {
                        let numbered = (1..).map(RuleOrdinal).zip(found.rules());
                        numbered.map(move |(ordinal, rule)| (chain, ordinal, rule))
                    });
                    let leads = |words: &str| words.split_whitespace().any(|word| word == "goto");
                    rules
                        .filter(|(_, _, rule)| leads(rule.statement()))
                        .map(|(chain, ordinal, _)| RuleId {
                            chain: chain.clone(),
                            ordinal,
                        })
                        .collect()
                }
            };
            let with_line = |id: RuleId| {
                let line = part.lines.source_of(&id).map(|source| source.line);
                (id, line)
            };
            found.into_iter().map(with_line).collect()
        };
        self.parts.iter().flat_map(of_part).collect()
    }

    /// Which hosts its rules tell apart, as they are listed.
    pub fn told(&self) -> Vec<Told> {
        let sets: Vec<&Sets> = self.sets.iter().map(|(_, sets)| &**sets).collect();
        let parts = self.parts.iter();
        parts
            .flat_map(|part| match &part.listed {
                Listed::Iptables { listing, .. } => listing.told(&sets),
                Listed::Native(listing) => listing.told(),
            })
            .collect()
    }

    /// Whether the same rules stand at the same nodes.
    pub(crate) fn is_listed_as(&self, other: &PreparedRuleset) -> bool {
        let mut parts = self.parts.iter().zip(&other.parts);
        self.parts.len() == other.parts.len()
            && parts.all(|(one, other)| one.node == other.node && one.listed == other.listed)
    }

    /// What loads it, as it calls itself; nothing where nothing is loaded.
    pub(crate) fn loader(&self) -> Option<&str> {
        self.parts.iter().find_map(NodeRuleset::loader)
    }

    /// Whether what was loaded may have begun with `flush ruleset`.
    pub(crate) fn may_flush(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part.listed, Listed::Native(_)))
    }
}
