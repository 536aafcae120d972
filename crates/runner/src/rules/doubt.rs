use std::collections::{BTreeMap, BTreeSet};

use fwlab_model::ruleset::native::{NativeImpurity, NativePlace};
use fwlab_model::ruleset::{Dependence, Impurity, Only};
use fwlab_observe::{PacketId, TraceStep, TraceVerdict};
use fwlab_record::{Backend, ChainId, NodeName, Packet, RuleId};

/// A rule by which the same packet may be decided on otherwise the next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The node that has the rule.
    pub node: NodeName,
    /// The backend that it is loaded through.
    pub backend: Backend,
    /// The rule. Nothing for one that cannot be placed: then any packet may meet it.
    pub rule: Option<RuleId>,
    /// The packets that it looks at.
    pub only: Only,
    /// Whether all that it depends on is who sends the packet: what TCP itself sends again is decided on as before.
    pub of_sender: bool,
    /// What it depends on, in words.
    pub why: String,
}

impl Doubt {
    /// What iptables' rules depend on, as far as they decide.
    pub(super) fn of_iptables(
        node: &NodeName,
        backend: Backend,
        impurities: Vec<Impurity>,
    ) -> impl Iterator<Item = Doubt> {
        impurities
            .into_iter()
            .filter(|impurity| impurity.decides)
            .map(move |impurity| Doubt {
                node: node.clone(),
                backend,
                why: impurity.to_string(),
                of_sender: impurity.why == Dependence::Sender,
                only: impurity.only,
                rule: Some(impurity.rule),
            })
    }

    /// What rules of nft depend on, as far as they decide.
    pub(super) fn of_native(
        node: &NodeName,
        impurities: Vec<NativeImpurity>,
    ) -> impl Iterator<Item = Doubt> {
        impurities.into_iter().flat_map(move |impurity| {
            let why = impurity.to_string();
            // What is in a set that elements leave is no matter of who sends a packet.
            let of_sender = impurity.why == Dependence::Sender
                && matches!(impurity.place, NativePlace::Rule(_));
            impurity
                .decides_in
                .into_iter()
                .map(move |(rule, only)| Doubt {
                    node: node.clone(),
                    backend: Backend::Native,
                    rule: Some(rule),
                    only,
                    of_sender,
                    why: why.clone(),
                })
        })
    }

    fn is_on(&self, way: &Way, stopped_by: Option<&RuleId>) -> bool {
        let Some(rule) = &self.rule else { return true };
        let is_behind =
            stopped_by.is_some_and(|stop| stop.chain == rule.chain && stop.ordinal < rule.ordinal);
        !is_behind
            && way.chains.contains(&(self.backend, rule.chain.clone()))
            && way.packets.iter().any(|packet| self.only.may_be(packet))
    }
}

/// The chains that a packet went through in a node, and what it looked like there.
#[derive(Debug, Clone, Default)]
struct Way {
    chains: BTreeSet<(Backend, ChainId)>,
    packets: BTreeSet<Packet>,
}

/// The ways of packets through one node: kept where a rule of it may decide on the same packet otherwise next time.
#[derive(Debug, Default)]
pub(super) struct Ways(BTreeMap<PacketId, Way>);

/// Packets whose way is remembered: more than can be under way at one time.
const REMEMBERED: usize = 512;

impl Ways {
    pub(super) fn step(&mut self, backend: Backend, chain: &ChainId, step: &TraceStep) {
        let way = self.0.entry(step.packet_id).or_default();
        way.packets.insert(step.packet);
        way.chains.insert((backend, chain.clone()));
        if let TraceVerdict::Jump(target) | TraceVerdict::Goto(target) = &step.verdict {
            let target = ChainId {
                chain: target.to_string(),
                ..chain.clone()
            };
            way.chains.insert((backend, target));
        }
        if self.0.len() > REMEMBERED {
            self.0.pop_first();
        }
    }

    /// The first of these doubts that was on a packet's way.
    pub(super) fn doubt<'d>(
        &self,
        packet: PacketId,
        stopped_by: Option<&RuleId>,
        doubts: impl Iterator<Item = &'d Doubt>,
    ) -> Option<&'d Doubt> {
        let way = self.0.get(&packet)?;
        let mut on_it = doubts.filter(|doubt| doubt.is_on(way, stopped_by));
        // Who sends it is the lesser doubt.
        let first = on_it.next()?;
        if first.of_sender {
            return on_it.find(|doubt| !doubt.of_sender).or(Some(first));
        }
        Some(first)
    }
}
