use std::collections::BTreeMap;

use fwlab_judge::{Doubted, StoppedBy, What};
use fwlab_model::ruleset::Listing;
use fwlab_model::ruleset::native::NativeListing;
use fwlab_observe::{NftRules, PacketId, TracePlace, TraceStep, TraceVerdict};
use fwlab_record::{Backend, ChainId, NodeName, Packet, RuleId, RuleOrdinal, TableFamily};

use super::doubt::Ways;
use super::{Doubt, Listed, Part, PreparedRuleset};

/// Reads trace steps of one cell against the rules that were loaded.
#[derive(Debug)]
pub(crate) struct Rulebook<'a> {
    /// What was loaded, the latest first.
    loaded: Vec<&'a PreparedRuleset>,
    swapping: bool,
    handles: BTreeMap<NodeName, NftRules>,
    /// The ways of packets through the nodes that have rules in doubt.
    ways: BTreeMap<NodeName, Ways>,
}

/// What a trace step says about a packet, read against the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It went on.
    Went,
    /// It was stopped, or handed to something that may stop it and does not say whether it did, or it went on to where a rule
    /// of address translation says.
    Met(Box<What>),
    /// It was stopped while other rules were being loaded, by the old ones or by the new ones. That
    /// decides nothing: sent again, it meets the new ones.
    Unsettled,
    /// It was stopped, or may have been, by something that is none of the rules that were loaded.
    Unknown(String),
}

impl<'a> Rulebook<'a> {
    /// What was loaded last.
    pub(crate) fn latest(&self) -> &'a PreparedRuleset {
        self.loaded[0]
    }

    pub(crate) fn new(prepared: &'a PreparedRuleset) -> Rulebook<'a> {
        Rulebook {
            loaded: vec![prepared],
            swapping: false,
            handles: BTreeMap::new(),
            ways: BTreeMap::new(),
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
        matches!(step.at, TracePlace::Rule { .. })
            && !self.handles.contains_key(node)
            && (step.is_drop()
                || step.verdict == TraceVerdict::Queue
                || self.may_translate(node, step))
    }

    pub(crate) fn learn_handles(&mut self, node: &NodeName, rules: NftRules) {
        self.handles.insert(node.clone(), rules);
    }

    pub(crate) fn read(&mut self, node: &NodeName, step: &TraceStep) -> Reading {
        if self.doubts(node).next().is_some() {
            let (part, chain) = self.place(node, step);
            let backend = part.map_or(step.backend, Part::backend);
            let ways = self.ways.entry(node.clone()).or_default();
            ways.step(backend, &chain, step);
        }
        match self.read_settled(node, step) {
            Reading::Went => match self.translation(node, step) {
                Some(by) => Reading::Met(Box::new(What::Translated {
                    by,
                    packet: step.packet,
                })),
                None => Reading::Went,
            },
            _ if self.swapping => Reading::Unsettled,
            reading => reading,
        }
    }

    fn handed_on(&self, node: &NodeName, step: &TraceStep, by: StoppedBy) -> Reading {
        Reading::Met(Box::new(What::HandedOn {
            number: step.packet_id.0,
            doubt: self.doubted(node, step.packet_id, &by),
            by,
            packet: step.packet,
        }))
    }

    /// A rule of nf_tables put a packet into a queue.
    fn may_be_stopped(&self, node: &NodeName, step: &TraceStep, handle: u64) -> Reading {
        let (part, chain) = self.place(node, step);
        let found = part.and_then(|part| {
            let rules = self.handles.get(node)?;
            let ordinal = rules.ordinal(step.table_family, &step.table, &step.chain, handle)?;
            let rule = RuleId {
                chain: chain.clone(),
                ordinal,
            };
            Some(by_rule(part, rule))
        });
        match found {
            Some(by) => self.handed_on(node, step, by),
            None => Reading::Unknown(format!(
                "{node}: {chain} put the packet into a queue by none of the rules that were loaded"
            )),
        }
    }

    /// Whether a step may be that of a rule that gives a connection another destination.
    fn may_translate(&self, node: &NodeName, step: &TraceStep) -> bool {
        let opens = matches!(step.packet, Packet::Tcp { flags, .. } if flags.is_syn());
        let goes_on = matches!(step.verdict, TraceVerdict::Accept | TraceVerdict::Unsaid);
        opens && goes_on && {
            let (part, chain) = self.place(node, step);
            part.is_some_and(|part| part.translates_in(&chain))
        }
    }

    /// The rule of a step that gives a connection another destination.
    fn translation(&self, node: &NodeName, step: &TraceStep) -> Option<StoppedBy> {
        if !self.may_translate(node, step) {
            return None;
        }
        let (part, chain) = self.place(node, step);
        let part = part?;
        let ordinal = match step.at {
            TracePlace::Rule { handle } => {
                let handles = self.handles.get(node)?;
                handles.ordinal(step.table_family, &step.table, &step.chain, handle)?
            }
            TracePlace::Line { number } => RuleOrdinal(number),
            TracePlace::Policy => return None,
        };
        let rule = RuleId { chain, ordinal };
        part.translates(&rule).then(|| by_rule(part, rule))
    }

    fn doubts<'b>(&'b self, node: &'b NodeName) -> impl Iterator<Item = &'a Doubt> + 'b {
        let doubts = self.loaded.iter().flat_map(|rules| &rules.doubts);
        doubts.filter(move |doubt| doubt.node == *node)
    }

    /// What on a packet's way through a node may decide on the same packet otherwise the next time.
    fn doubted(&self, node: &NodeName, packet: PacketId, by: &StoppedBy) -> Option<Doubted> {
        let rule = match by {
            StoppedBy::Rule { rule, .. } => Some(rule),
            _ => None,
        };
        let doubt = (self.ways.get(node)?).doubt(packet, rule, self.doubts(node))?;
        Some(Doubted {
            of_sender: doubt.of_sender,
            why: doubt.why.clone(),
        })
    }

    fn read_settled(&self, node: &NodeName, step: &TraceStep) -> Reading {
        let (part, chain) = self.place(node, step);
        let by = match (&step.verdict, step.at) {
            (TraceVerdict::Drop, TracePlace::Policy) => {
                part.map(|part| (by_policy(part, chain.clone()), Answer::None))
            }
            (TraceVerdict::Drop, TracePlace::Rule { handle }) => part.and_then(|part| {
                let rules = self.handles.get(node)?;
                let ordinal = rules.ordinal(step.table_family, &step.table, &step.chain, handle)?;
                let rule = RuleId {
                    chain: chain.clone(),
                    ordinal,
                };
                let answer = match &part.listed {
                    Listed::Iptables { listing, .. } => answer_of(listing.target(&rule)),
                    Listed::Native(listing) => answer_of_native(listing, &rule)?,
                };
                Some((by_rule(part, rule), answer))
            }),
            (TraceVerdict::Unsaid, TracePlace::Line { number }) => {
                match part.map(|part| (part, &part.listed)) {
                    Some((part, Listed::Iptables { listing, .. })) => {
                        let rule = RuleId {
                            chain: chain.clone(),
                            ordinal: RuleOrdinal(number),
                        };
                        let may_stop = || {
                            let target = listing.target(&rule);
                            target.is_some_and(|target| MAY_STOP.contains(&target))
                        };
                        if may_stop() {
                            return self.handed_on(node, step, by_rule(part, rule));
                        }
                        match of_line(part, listing, rule) {
                            Some(by) => Some(by),
                            None => return Reading::Went,
                        }
                    }
                    _ => None,
                }
            }
            (TraceVerdict::Queue, TracePlace::Rule { handle }) => {
                return self.may_be_stopped(node, step, handle);
            }
            (TraceVerdict::Queue | TraceVerdict::Stolen | TraceVerdict::Other(_), _) => {
                return Reading::Unknown(format!(
                    "{node}: {chain} handed the packet to something else"
                ));
            }
            _ => return Reading::Went,
        };
        match by {
            Some((_, Answer::Either)) => Reading::Unknown(format!(
                "{node}: a rule of {chain} dropped or rejected the packet, and which of the two cannot be told"
            )),
            Some((by, answer)) => Reading::Met(Box::new(What::Stopped {
                doubt: self.doubted(node, step.packet_id, &by),
                by,
                rejects: answer == Answer::Sent,
                packet: step.packet,
                state: step.state,
            })),
            None => Reading::Unknown(format!(
                "{node}: {chain} was traced ({}), and it is none of the rules that were loaded",
                place_in_words(step.at)
            )),
        }
    }

    /// The part that a step is of, and the chain as that part names it. A table of nf_tables is nft's own when the
    /// script that was loaded made it: a script may well call one `ip filter`, as iptables-nft does.
    fn place(&self, node: &NodeName, step: &TraceStep) -> (Option<&'a Part>, ChainId) {
        let chain = |family| ChainId {
            family,
            table: step.table.to_string(),
            chain: step.chain.to_string(),
        };
        if step.backend == Backend::Nft {
            let native = chain(step.table_family);
            let part = self.part(node, Backend::Native, &native);
            let can_be_iptables = matches!(step.table_family, TableFamily::Ip | TableFamily::Ip6);
            if part.is_some() || !can_be_iptables {
                return (part, native);
            }
        }
        let chain = chain(step.family.into());
        (self.part(node, step.backend, &chain), chain)
    }

    fn part(&self, node: &NodeName, backend: Backend, chain: &ChainId) -> Option<&'a Part> {
        let parts = self.loaded.iter().flat_map(|rules| &rules.parts);
        let mut of_backend = parts.filter(|part| {
            part.node == *node && part.backend() == backend && part.is_of_family(chain)
        });
        // Loading replaces the tables that it has, and leaves the others as they were.
        of_backend
            .clone()
            .find(|part| part.has_table_of(chain))
            .or_else(|| of_backend.next())
    }
}

/// What the sender of a packet gets that a rule stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    None,
    Sent,
    /// None, or one: the trace does not say.
    Either,
}

/// Targets of legacy that may end a packet's way, and whose trace does not say whether they did.
const MAY_STOP: &[&str] = &["NFQUEUE", "QUEUE", "SYNPROXY", "TARPIT"];

fn answer_of(target: Option<&str>) -> Answer {
    if target == Some("REJECT") {
        Answer::Sent
    } else {
        Answer::None
    }
}

/// Nothing where the listing has not that rule: those of a chain without a name are not listed by themselves.
fn answer_of_native(listing: &NativeListing, rule: &RuleId) -> Option<Answer> {
    Some(match listing.rule(rule)?.rejects() {
        Some(true) => Answer::Sent,
        Some(false) => Answer::None,
        None => Answer::Either,
    })
}

/// What stopped a packet in a line of a legacy chain; nothing when it went on.
fn of_line(part: &Part, listing: &Listing, rule: RuleId) -> Option<(StoppedBy, Answer)> {
    if listing.rule(&rule).is_none() {
        let drops = listing.policy(&rule.chain) == Some("DROP");
        return drops.then(|| (by_policy(part, rule.chain), Answer::None));
    }
    match listing.target(&rule) {
        target @ Some("DROP" | "REJECT") => {
            let answer = answer_of(target);
            Some((by_rule(part, rule), answer))
        }
        _ => None,
    }
}

fn place_in_words(place: TracePlace) -> String {
    match place {
        TracePlace::Rule { handle } => format!("rule with handle {handle}"),
        TracePlace::Policy => "policy".to_owned(),
        TracePlace::Line { number } => format!("line {number}"),
    }
}

/// A rule of a part, with its text and the line that it came from.
fn by_rule(part: &Part, rule: RuleId) -> StoppedBy {
    StoppedBy::Rule {
        backend: part.backend(),
        source_line: part.lines.source_line(&rule),
        statement: part.statement(&rule).unwrap_or("?").to_owned(),
        rule,
    }
}

/// The policy of a chain of a part, with its text and the line that it came from.
fn by_policy(part: &Part, chain: ChainId) -> StoppedBy {
    StoppedBy::Policy {
        backend: part.backend(),
        source_line: part.lines.policy_line(&chain),
        statement: part.policy(&chain),
        chain,
    }
}
