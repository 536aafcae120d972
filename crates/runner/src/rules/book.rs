use std::collections::BTreeMap;
use std::time::Instant;

use fwlab_model::ruleset::Listing;
use fwlab_model::{Backend, Cause, ChainId, NodeName, RuleId, RuleOrdinal};
use fwlab_observe::{NftRules, TracePlace, TraceStep, TraceVerdict};

use super::{Part, PreparedRuleset};
use crate::judge::{Explain, Stop, StoppedBy};

/// Reads trace steps of one cell against the rules that were loaded.
#[derive(Debug)]
pub(crate) struct Rulebook<'a> {
    /// What was loaded, the latest first.
    loaded: Vec<&'a PreparedRuleset>,
    swapping: bool,
    handles: BTreeMap<NodeName, NftRules>,
}

/// What a trace step says about a packet, read against the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It went on.
    Went,
    /// It was stopped.
    Stopped(Stop),
    /// It was stopped while other rules were being loaded, by the old ones or by the new ones. That
    /// decides nothing: sent again, it meets the new ones.
    Unsettled,
    /// It was stopped, or may have been, by something that is none of the rules that were loaded.
    Unknown(String),
}

impl<'a> Rulebook<'a> {
    pub(crate) fn new(prepared: &'a PreparedRuleset) -> Rulebook<'a> {
        Rulebook {
            loaded: vec![prepared],
            swapping: false,
            handles: BTreeMap::new(),
        }
    }

    /// Other rules are being loaded: whose rule stops a packet is not known until they are.
    pub(crate) fn swap_begins(&mut self) {
        self.swapping = true;
    }

    /// Rules were loaded over those that were there.
    pub(crate) fn swap_ends(&mut self, rules: &'a PreparedRuleset) {
        self.swapping = false;
        self.handles.clear();
        self.loaded.insert(0, rules);
    }

    /// Whether a step can only be read with the node's rule handles, which are not known yet.
    pub(crate) fn wants_handles(&self, node: &NodeName, step: &TraceStep) -> bool {
        step.is_drop()
            && matches!(step.at, TracePlace::Rule { .. })
            && !self.handles.contains_key(node)
    }

    pub(crate) fn learn_handles(&mut self, node: &NodeName, rules: NftRules) {
        self.handles.insert(node.clone(), rules);
    }

    pub(crate) fn read(&self, node: &NodeName, at: Instant, step: &TraceStep) -> Reading {
        match self.read_settled(node, at, step) {
            Reading::Went => Reading::Went,
            _ if self.swapping => Reading::Unsettled,
            reading => reading,
        }
    }

    fn read_settled(&self, node: &NodeName, at: Instant, step: &TraceStep) -> Reading {
        let chain = ChainId {
            family: step.family,
            table: step.table.to_string(),
            chain: step.chain.to_string(),
        };
        let stop = |by, rejects| {
            Reading::Stopped(Stop {
                at,
                node: node.clone(),
                by,
                rejects,
                packet: step.packet,
            })
        };
        let listing = self
            .part(node, step.backend, &chain)
            .map(|part| &part.listing);
        match (&step.verdict, step.at) {
            (TraceVerdict::Drop, TracePlace::Policy) => {
                stop(StoppedBy::Policy(step.backend, chain), false)
            }
            (TraceVerdict::Drop, TracePlace::Rule { handle }) => {
                let ordinal = self.handles.get(node).and_then(|rules| {
                    rules.ordinal(step.table_family, &step.table, &step.chain, handle)
                });
                match ordinal {
                    Some(ordinal) => {
                        let rule = RuleId { chain, ordinal };
                        let rejects = listing.is_some_and(|listing| is_reject(listing, &rule));
                        stop(StoppedBy::Rule(step.backend, rule), rejects)
                    }
                    None => Reading::Unknown(format!(
                        "{node}: rule with handle {handle} of {chain} is not listed"
                    )),
                }
            }
            (TraceVerdict::Unsaid, TracePlace::Line { number, .. }) => match listing {
                None => Reading::Unknown(format!(
                    "{node}: {chain} was traced, and is none of the rules that were loaded"
                )),
                Some(listing) => {
                    let rule = RuleId {
                        chain,
                        ordinal: RuleOrdinal(number),
                    };
                    if listing.rule(&rule).is_none() {
                        let drops = listing.policy(&rule.chain) == Some("DROP");
                        return if drops {
                            stop(StoppedBy::Policy(step.backend, rule.chain), false)
                        } else {
                            Reading::Went
                        };
                    }
                    match listing.target(&rule) {
                        Some("DROP") => stop(StoppedBy::Rule(step.backend, rule), false),
                        Some("REJECT") => stop(StoppedBy::Rule(step.backend, rule), true),
                        _ => Reading::Went,
                    }
                }
            },
            (TraceVerdict::Queue | TraceVerdict::Stolen | TraceVerdict::Other(_), _) => {
                Reading::Unknown(format!(
                    "{node}: {chain} handed the packet to something else"
                ))
            }
            _ => Reading::Went,
        }
    }

    fn part(&self, node: &NodeName, backend: Backend, chain: &ChainId) -> Option<&'a Part> {
        let parts = self.loaded.iter().flat_map(|rules| &rules.parts);
        let mut of_backend = parts.filter(|part| {
            part.node == *node && part.backend == backend && part.family == chain.family
        });
        // Loading replaces the tables that it has, and leaves the others as they were.
        let has_table = |part: &&Part| {
            let mut tables = part.listing.tables();
            tables.any(|table| table.word() == chain.table)
        };
        of_backend
            .clone()
            .find(has_table)
            .or_else(|| of_backend.next())
    }
}

fn is_reject(listing: &Listing, rule: &RuleId) -> bool {
    listing.target(rule) == Some("REJECT")
}

impl Explain for Rulebook<'_> {
    fn cause_of(&self, stop: &Stop) -> Cause {
        let (node, packet) = (stop.node.clone(), stop.packet);
        match &stop.by {
            StoppedBy::Helper(_) => Cause::Helper { node, packet },
            StoppedBy::Rule(backend, rule) => {
                let backend = *backend;
                let part = self.part(&node, backend, &rule.chain);
                let statement = part
                    .and_then(|part| part.listing.rule(rule))
                    .unwrap_or("?")
                    .to_owned();
                let source_line = part.and_then(|part| part.lines.source_line(rule));
                Cause::Rule {
                    node,
                    backend,
                    rule: rule.clone(),
                    source_line,
                    statement,
                    packet,
                }
            }
            StoppedBy::Policy(backend, chain) => {
                let backend = *backend;
                let part = self.part(&node, backend, chain);
                let statement = format!("-P {} DROP", chain.chain);
                let source_line = part.and_then(|part| part.lines.policy_line(chain));
                Cause::Policy {
                    node,
                    backend,
                    chain: chain.clone(),
                    source_line,
                    statement,
                    packet,
                }
            }
        }
    }
}
