use std::collections::BTreeSet;
use std::sync::Arc;

use fwlab_model::ruleset::native::{NativeListing, NativeRule};
use fwlab_model::ruleset::{Correspondence, Listing, SourceText};
use fwlab_record::{Backend, ChainId, Family, NodeName, RuleId, RuleOrdinal};

/// Rules for one node, loaded in one go.
#[derive(Debug, Clone)]
pub struct NodeRuleset {
    /// The node that loads it.
    pub node: NodeName,
    /// What the loader is given, one after another.
    pub input: Arc<[String]>,
    /// What the kernel lists when it is loaded.
    pub listed: Listed,
    /// Which line of the source each listed rule came from.
    pub lines: Arc<Correspondence>,
    /// The file that these lines are of, where others of the same ruleset are of another.
    pub file: Option<Arc<str>>,
}

/// What the kernel lists of rules, as the program lists it that loaded them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// Rules of iptables.
    Iptables {
        /// The backend that they are loaded through.
        backend: Backend,
        /// The family.
        family: Family,
        /// The listing.
        listing: Arc<Listing>,
    },
    /// A script of nft.
    Native(Arc<NativeListing>),
}

/// The file that the lines of a text are of; none for a part of a file, whose lines are told from those of its other parts.
pub(super) fn file_of(source: &SourceText) -> Option<Arc<str>> {
    (!source.is_part()).then(|| source.name().into())
}

/// Leaves out which file lines are of where all are of one.
pub(super) fn forget_single_file(parts: &mut [NodeRuleset]) {
    let files: BTreeSet<&Arc<str>> = parts.iter().filter_map(|part| part.file.as_ref()).collect();
    if files.len() < 2 {
        parts.iter_mut().for_each(|part| part.file = None);
    }
}

impl NodeRuleset {
    /// Its rules, each as it is listed.
    pub(super) fn rules(&self) -> Vec<(RuleId, &str)> {
        match &self.listed {
            Listed::Iptables { listing, .. } => {
                let rules = listing.rules();
                rules.map(|(id, rule)| (id, rule.statement())).collect()
            }
            Listed::Native(listing) => listing
                .chains()
                .flat_map(|(chain, found)| {
                    (1..).zip(found.rules()).map(|(ordinal, rule)| {
                        let ordinal = RuleOrdinal(ordinal);
                        let chain = chain.clone();
                        (RuleId { chain, ordinal }, rule.statement())
                    })
                })
                .collect(),
        }
    }

    /// The backend that it is loaded through.
    pub fn backend(&self) -> Backend {
        match &self.listed {
            Listed::Iptables { backend, .. } => *backend,
            Listed::Native(_) => Backend::Native,
        }
    }

    /// The program that loaded and listed it, and its version; nothing where nothing is loaded.
    pub(super) fn loader(&self) -> Option<&str> {
        match &self.listed {
            Listed::Iptables { listing, .. } => listing.by(),
            Listed::Native(listing) => listing.by(),
        }
    }

    /// Whether this part has tables of the chain's family; of nft's own, the table itself.
    pub(super) fn is_of_family(&self, chain: &ChainId) -> bool {
        match &self.listed {
            Listed::Iptables { family, .. } => chain.family == (*family).into(),
            Listed::Native(listing) => listing.has_table(chain.family, &chain.table),
        }
    }

    /// Whether this part has the table that a chain is of.
    pub(super) fn has_table_of(&self, chain: &ChainId) -> bool {
        match &self.listed {
            Listed::Iptables {
                family, listing, ..
            } => {
                let mut tables = listing.tables();
                chain.family == (*family).into() && tables.any(|table| table.word() == chain.table)
            }
            Listed::Native(listing) => listing.has_table(chain.family, &chain.table),
        }
    }

    /// Whether a rule gives a connection another destination.
    pub(super) fn translates(&self, rule: &RuleId) -> bool {
        match &self.listed {
            Listed::Iptables { listing, .. } => {
                matches!(listing.target(rule), Some("DNAT" | "REDIRECT" | "NETMAP"))
            }
            Listed::Native(listing) => listing.rule(rule).is_some_and(NativeRule::translates),
        }
    }

    /// Whether any rule of a chain does.
    pub(super) fn translates_in(&self, chain: &ChainId) -> bool {
        let rules = match &self.listed {
            Listed::Iptables { listing, .. } => {
                listing.chain(chain).map_or(0, |chain| chain.rules().len())
            }
            Listed::Native(listing) => listing.chain(chain).map_or(0, |chain| chain.rules().len()),
        };
        let ordinals = 1..=u32::try_from(rules).unwrap_or(u32::MAX);
        ordinals
            .map(|ordinal| RuleId {
                chain: chain.clone(),
                ordinal: RuleOrdinal(ordinal),
            })
            .any(|rule| self.translates(&rule))
    }

    /// A rule as it is listed.
    pub(super) fn statement(&self, rule: &RuleId) -> Option<&str> {
        match &self.listed {
            Listed::Iptables { listing, .. } => listing.rule(rule),
            Listed::Native(listing) => Some(listing.rule(rule)?.statement()),
        }
    }

    /// Whether the listing has a chain.
    pub(super) fn has_chain(&self, chain: &ChainId) -> bool {
        match &self.listed {
            Listed::Iptables { listing, .. } => listing.chain(chain).is_some(),
            Listed::Native(listing) => listing.chain(chain).is_some(),
        }
    }

    /// Whether a chain of iptables has a policy: only those of hooks have one.
    pub(super) fn has_policy(&self, chain: &ChainId) -> bool {
        match &self.listed {
            Listed::Iptables { listing, .. } => listing.policy(chain).is_some(),
            Listed::Native(_) => false,
        }
    }

    /// A policy DROP as it is listed.
    pub(super) fn policy(&self, chain: &ChainId) -> String {
        match &self.listed {
            Listed::Iptables { .. } => format!("-P {} DROP", chain.chain),
            Listed::Native(listing) => listing.chain(chain).map_or_else(
                || "policy drop;".to_owned(),
                |chain| chain.hook().to_owned(),
            ),
        }
    }
}
