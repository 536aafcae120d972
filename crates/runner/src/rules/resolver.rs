use std::collections::BTreeMap;

use fwlab_judge::{Doubted, StoppedBy, What};
use fwlab_model::ruleset::native::NativeListing;
use fwlab_model::ruleset::{ByPort, Listing};
use fwlab_observe::{NftRules, PacketId, TracePlace, TraceStep, TraceVerdict};
use fwlab_record::{
    Backend, ChainId, Matched, NodeName, Packet, RuleId, RuleOrdinal, TableFamily, Walked,
    WalkedPlace,
};

use super::traced::Traced;
use super::walk::{Walks, told};
use super::way::{Ways, leaves};
use super::{Doubt, Listed, NodeRuleset, PreparedRuleset};

/// Reads trace steps of one cell against the rules that were loaded.
#[derive(Debug)]
pub(crate) struct RuleResolver<'a> {
    /// What was loaded, the latest first.
    loaded: Vec<&'a PreparedRuleset>,
    swapping: bool,
    handles: BTreeMap<NodeName, NftRules>,
    /// The ways of packets through the nodes that have rules in doubt, or some that tell ports apart.
    ways: BTreeMap<NodeName, Ways>,
    traced: Traced,
    walks: Walks,
}

/// What a trace step says about a packet, read against the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RuleReading {
    /// It went on.
    Passed,
    /// It was stopped, or handed to something that may stop it and does not say whether it did, or it went on to where a rule
    /// of address translation says.
    Met(Box<What>),
    /// It was stopped while other rules were being loaded, by the old ones or by the new ones. That
    /// decides nothing: sent again, it meets the new ones.
    Unsettled,
    /// It was stopped, or may have been, by something that is none of the rules that were loaded.
    Unknown(String),
}

impl<'a> RuleResolver<'a> {
    /// What was loaded last.
    pub(crate) fn latest(&self) -> &'a PreparedRuleset {
        self.loaded[0]
    }

    pub(crate) fn new(prepared: &'a PreparedRuleset) -> RuleResolver<'a> {
        RuleResolver {
            loaded: vec![prepared],
            swapping: false,
            handles: BTreeMap::new(),
            ways: BTreeMap::new(),
            traced: Traced::default(),
            walks: Walks::default(),
        }
    }

    /// Other rules are being loaded: whose rule stops a packet is not known until they are.
    pub(crate) fn swap_begins(&mut self) {
        self.swapping = true;
        self.traced.rules_change();
        self.walks.swap_begins();
    }

    /// Rules were loaded over those that were there.
    pub(crate) fn swap_ends(&mut self, rules: &'a PreparedRuleset) {
        self.swapping = false;
        self.walks.swap_ends();
        self.handles.clear();
        self.loaded.insert(0, rules);
    }

    /// Whether a step can only be read with the node's rule handles, which are not known yet.
    pub(crate) fn wants_handles(&self, node: &NodeName, step: &TraceStep) -> bool {
        let is_nft = !matches!(step.at, TracePlace::Line { .. });
        // A policy has no handle: it is the rules before it that are counted.
        is_nft
            && !self.handles.contains_key(node)
            && (step.is_drop()
                || step.verdict == TraceVerdict::Queue
                || self.may_translate(node, step)
                || self.may_pass_by_port(node, step))
    }

    pub(crate) fn learn_handles(&mut self, node: &NodeName, rules: NftRules) {
        self.handles.insert(node.clone(), rules);
    }

    /// How often each rule matched, of the nodes whose rules' handles are known, and unless rules were changed.
    pub(crate) fn matched(&self) -> Vec<Matched> {
        let found = self.traced.places().filter_map(|(node, step, times)| {
            let (part, chain) = self.place(node, step);
            let part = part?;
            let ordinal = self.ordinal(node, step)?;
            let rule = RuleId { chain, ordinal };
            // Behind the last line of legacy stands the policy.
            part.statement(&rule)?;
            Some(Matched {
                node: node.clone(),
                backend: part.backend(),
                source_line: part.lines.source_line(&rule),
                rule,
                times,
            })
        });
        let mut found: Vec<Matched> = found.collect();
        found.sort_unstable();
        found
    }

    /// The way of a packet through the rules of a node by now; nothing where not all of it is known.
    pub(crate) fn walked(&self, node: &NodeName, packet: PacketId) -> Vec<Walked> {
        let steps = self.walks.of(node, packet).iter();
        steps
            .filter_map(|step| self.walked_to(node, step))
            .collect()
    }

    /// Where a packet was at a step; nothing at the end of a chain that has no policy.
    fn walked_to(&self, node: &NodeName, step: &TraceStep) -> Option<Walked> {
        let (part, chain) = self.place(node, step);
        let place = match (step.at, part, self.ordinal(node, step)) {
            (TracePlace::Policy, ..) => WalkedPlace::Policy(chain),
            (TracePlace::Line { .. }, Some(part), Some(ordinal)) if part.has_chain(&chain) => {
                let rule = RuleId { chain, ordinal };
                match part.statement(&rule) {
                    Some(_) => WalkedPlace::Rule(rule),
                    // Behind the last line of legacy stands the policy, or the end of the chain.
                    None if part.has_policy(&rule.chain) => WalkedPlace::Policy(rule.chain),
                    None => return None,
                }
            }
            (TracePlace::Rule { .. }, Some(_), Some(ordinal)) => {
                WalkedPlace::Rule(RuleId { chain, ordinal })
            }
            _ => WalkedPlace::SomeRule(chain),
        };
        let source_line = part.and_then(|part| match &place {
            WalkedPlace::Rule(rule) => part.lines.source_line(rule),
            WalkedPlace::Policy(chain) => part.lines.policy_line(chain),
            WalkedPlace::SomeRule(_) => None,
        });
        let (verdict, to_chain) = told(&step.verdict);
        Some(Walked {
            backend: part.map_or(step.backend, NodeRuleset::backend),
            place,
            source_line,
            source_file: part
                .filter(|_| source_line.is_some())
                .and_then(|part| part.file.as_deref().map(str::to_owned)),
            verdict,
            to_chain: to_chain.map(str::to_owned),
        })
    }

    /// Where in its chain the rule of a step stands, as far as that is known.
    fn ordinal(&self, node: &NodeName, step: &TraceStep) -> Option<RuleOrdinal> {
        match step.at {
            TracePlace::Rule { handle } => {
                let handles = self.handles.get(node)?;
                handles.ordinal(step.table_family, &step.table, &step.chain, handle)
            }
            TracePlace::Line { number } => Some(RuleOrdinal(number)),
            TracePlace::Policy => None,
        }
    }

    pub(crate) fn read(&mut self, node: &NodeName, step: &TraceStep) -> RuleReading {
        self.traced.count(node, step);
        self.walks.step(node, step);
        if self.doubts(node).next().is_some() || self.by_port(node).next().is_some() {
            let (part, chain) = self.place(node, step);
            let backend = part.map_or(step.backend, NodeRuleset::backend);
            let ordinal = self.ordinal(node, step);
            let ways = self.ways.entry(node.clone()).or_default();
            ways.step((backend, &chain), ordinal, step);
        }
        match self.read_settled(node, step) {
            RuleReading::Passed => match self.translation(node, step) {
                Some(by) => RuleReading::Met(Box::new(What::Translated {
                    by,
                    packet: step.packet,
                })),
                None => RuleReading::Passed,
            },
            _ if self.swapping => RuleReading::Unsettled,
            reading => reading,
        }
    }

    /// Whether a rule of a node was asked about one of these packets; nothing where no way of one is known.
    pub(crate) fn asked(
        &self,
        node: &NodeName,
        rule: &RuleId,
        of: impl Fn(&Packet) -> bool,
    ) -> Option<bool> {
        self.ways.get(node)?.asked(rule, of)
    }

    /// What is known of those packets in a node, as they were in one chain or another.
    pub(crate) fn seen(&self, node: &NodeName, of: impl Fn(&Packet) -> bool) -> Vec<Packet> {
        let ways = self.ways.get(node).into_iter();
        ways.flat_map(|ways| ways.seen(&of).copied().collect::<Vec<_>>())
            .collect()
    }

    /// The rules that decide by chance and were asked about a packet that they look at. Not those that spread connections over
    /// servers: each of these is one that it was said to be.
    pub(crate) fn met_by_chance(&self) -> impl Iterator<Item = &'a Doubt> + '_ {
        let doubts = self.loaded.iter().flat_map(|rules| &rules.doubts);
        doubts.filter(|doubt| {
            let ways = self.ways.get(&doubt.node);
            doubt.is_chance && !self.spreads(doubt) && ways.is_some_and(|ways| ways.met(doubt))
        })
    }

    fn spreads(&self, doubt: &Doubt) -> bool {
        doubt.rule.as_ref().is_some_and(|rule| {
            let part = self.part(&doubt.node, doubt.backend, &rule.chain);
            rule.chain.table == "nat" || part.is_some_and(|part| part.translates(rule))
        })
    }

    fn by_port<'b>(&'b self, node: &'b NodeName) -> impl Iterator<Item = &'a ByPort> + 'b {
        let rules = self.loaded.iter().flat_map(|rules| &rules.by_port);
        rules.filter_map(move |(of, rule)| (of == node).then_some(rule))
    }

    /// Whether what opens a connection, or answers that, may leave a chain before a rule there that looks at its ports.
    fn may_pass_by_port(&self, node: &NodeName, step: &TraceStep) -> bool {
        let opens = matches!(step.packet, Packet::Tcp { flags, .. } if flags.is_syn() || flags.is_syn_ack());
        opens && leaves(step) && {
            let (_, chain) = self.place(node, step);
            self.by_port(node).any(|rule| rule.rule.chain == chain)
        }
    }

    fn handed_on(&self, node: &NodeName, step: &TraceStep, by: StoppedBy) -> RuleReading {
        RuleReading::Met(Box::new(What::HandedOn {
            number: step.packet_id.0,
            doubt: self.doubted(node, step.packet_id, &by),
            by,
            packet: step.packet,
        }))
    }

    /// A rule of nf_tables put a packet into a queue.
    fn may_be_stopped(&self, node: &NodeName, step: &TraceStep, handle: u64) -> RuleReading {
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
            None => RuleReading::Unknown(format!(
                "{node}: {chain} put the packet into a queue, but by none of the loaded rules"
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
        let ordinal = self.ordinal(node, step)?;
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

    fn read_settled(&self, node: &NodeName, step: &TraceStep) -> RuleReading {
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
                            None => return RuleReading::Passed,
                        }
                    }
                    _ => None,
                }
            }
            (TraceVerdict::Queue, TracePlace::Rule { handle }) => {
                return self.may_be_stopped(node, step, handle);
            }
            (TraceVerdict::Queue | TraceVerdict::Stolen | TraceVerdict::Other(_), _) => {
                return RuleReading::Unknown(format!(
                    "{node}: {chain} handed the packet to something else"
                ));
            }
            _ => return RuleReading::Passed,
        };
        match by {
            Some((_, Answer::Either)) => RuleReading::Unknown(format!(
                "{node}: a rule of {chain} dropped or rejected the packet, but it is not known which"
            )),
            Some((by, answer)) => RuleReading::Met(Box::new(What::Stopped {
                doubt: self.doubted(node, step.packet_id, &by),
                by,
                rejects: answer == Answer::Sent,
                packet: step.packet,
                state: step.state,
            })),
            None => RuleReading::Unknown(format!(
                "{node}: {chain} was traced ({}), and it is not one of the loaded rules",
                place_in_words(step.at)
            )),
        }
    }

    /// The part that a step is of, and the chain as that part names it. A table of nf_tables is nft's own when the
    /// script that was loaded made it: a script may well call one `ip filter`, as iptables-nft does.
    fn place(&self, node: &NodeName, step: &TraceStep) -> (Option<&'a NodeRuleset>, ChainId) {
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

    fn part(&self, node: &NodeName, backend: Backend, chain: &ChainId) -> Option<&'a NodeRuleset> {
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
fn of_line(part: &NodeRuleset, listing: &Listing, rule: RuleId) -> Option<(StoppedBy, Answer)> {
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
fn by_rule(part: &NodeRuleset, rule: RuleId) -> StoppedBy {
    StoppedBy::Rule {
        backend: part.backend(),
        source_line: part.lines.source_line(&rule),
        source_file: part.file.as_deref().map(str::to_owned),
        statement: part.statement(&rule).unwrap_or("?").to_owned(),
        rule,
    }
}

/// The policy of a chain of a part, with its text and the line that it came from.
fn by_policy(part: &NodeRuleset, chain: ChainId) -> StoppedBy {
    StoppedBy::Policy {
        backend: part.backend(),
        source_line: part.lines.policy_line(&chain),
        source_file: part.file.as_deref().map(str::to_owned),
        statement: part.policy(&chain),
        chain,
    }
}
