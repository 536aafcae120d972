//! The ways of packets through the rules of a node, as far as the trace tells.

use std::collections::{BTreeMap, BTreeSet};

use fwlab_observe::{PacketId, TracePlace, TraceStep, TraceVerdict};
use fwlab_record::{Backend, ChainId, Packet, RuleId, RuleOrdinal};

use super::Doubt;

/// The chains that a packet went through in a node, and what it looked like there.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    pub(super) chains: BTreeSet<(Backend, ChainId)>,
    pub(super) packets: BTreeSet<Packet>,
    /// The rule by which it left a chain: those behind it were not asked.
    left: BTreeMap<ChainId, RuleOrdinal>,
}

impl Way {
    /// Whether a rule was asked, as far as is known: not one that stands behind the rule by which the packet left its chain.
    fn asked(&self, rule: &RuleId) -> bool {
        let walked = self.chains.iter().any(|(_, chain)| *chain == rule.chain);
        let left = self.left.get(&rule.chain);
        walked && left.is_none_or(|last| rule.ordinal <= *last)
    }
}

/// The ways of packets through one node: kept where a rule of it may decide on the same packet otherwise next time.
#[derive(Debug, Default)]
pub(super) struct Ways(BTreeMap<PacketId, Way>);

/// Packets whose way is remembered: more than can be under way at one time.
const REMEMBERED: usize = 512;

impl Ways {
    /// Takes in a step; `ordinal`: of the rule that it is of, where that is known.
    pub(super) fn step(
        &mut self,
        (backend, chain): (Backend, &ChainId),
        ordinal: Option<RuleOrdinal>,
        step: &TraceStep,
    ) {
        let way = self.0.entry(step.packet_id).or_default();
        way.packets.insert(step.packet);
        way.chains.insert((backend, chain.clone()));
        match ordinal {
            Some(ordinal) if leaves(step) => {
                way.left.insert(chain.clone(), ordinal);
            }
            // Legacy's trace tells of each rule that matched: one that the packet did not leave by is followed by another.
            None if step.at == TracePlace::Policy => {
                way.left.remove(chain);
            }
            _ => {}
        }
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

    /// Whether a rule was asked about one of these packets; nothing where no way of one is known.
    pub(super) fn asked(&self, rule: &RuleId, of: impl Fn(&Packet) -> bool) -> Option<bool> {
        let mut about = self
            .0
            .values()
            .filter(|way| way.packets.iter().any(&of))
            .peekable();
        about.peek()?;
        Some(about.any(|way| way.asked(rule)))
    }

    /// What is known of those packets, as they were in one chain or another.
    pub(super) fn seen(&self, of: impl Fn(&Packet) -> bool) -> impl Iterator<Item = &Packet> {
        let about = self
            .0
            .values()
            .filter(move |way| way.packets.iter().any(&of));
        about.flat_map(|way| &way.packets)
    }

    /// Whether a rule in doubt was asked about a packet that it looks at.
    pub(super) fn met(&self, doubt: &Doubt) -> bool {
        let Some(rule) = &doubt.rule else {
            return false;
        };
        let mut ways = self.0.values();
        ways.any(|way| {
            way.asked(rule) && way.packets.iter().any(|packet| doubt.only.may_be(packet))
        })
    }
}

/// Whether a packet may leave a chain with this step: by a rule that does not say that it went on.
pub(super) fn leaves(step: &TraceStep) -> bool {
    match &step.verdict {
        TraceVerdict::Continue | TraceVerdict::Jump(_) => false,
        _ => step.at != TracePlace::Policy,
    }
}
