//! The steps of packets through the rules of a node, in order, as the trace tells them.

use std::collections::BTreeMap;

use fwlab_observe::{PacketId, TraceStep, TraceVerdict};
use fwlab_record::{NodeName, Verdict};

/// Packets whose steps are remembered in a node: more than can be under way at one time.
const REMEMBERED: usize = 512;

/// The most steps of a packet that are remembered: of a way that is longer, none is told.
const LONGEST: usize = 1 << 10;

/// What was traced of packets in all nodes.
#[derive(Debug, Default)]
pub(super) struct Walks {
    nodes: BTreeMap<NodeName, OfNode>,
    /// Whether other rules are being loaded: a way then begins in the old ones and ends in the new ones.
    swapping: bool,
}

#[derive(Debug, Default)]
struct OfNode {
    walks: BTreeMap<PacketId, Vec<TraceStep>>,
    /// The latest packet that was traced.
    latest: Option<PacketId>,
    /// The latest that may have met earlier rules.
    of_earlier: Option<PacketId>,
}

impl Walks {
    /// Takes in a step.
    pub(super) fn step(&mut self, node: &NodeName, step: &TraceStep) {
        if !self.nodes.contains_key(node) {
            self.nodes.insert(node.clone(), OfNode::default());
        }
        let Some(of) = self.nodes.get_mut(node) else {
            return;
        };
        let packet = Some(step.packet_id);
        of.latest = of.latest.max(packet);
        if self.swapping || packet <= of.of_earlier {
            return;
        }
        let walk = of.walks.entry(step.packet_id).or_default();
        if walk.len() <= LONGEST {
            walk.push(step.clone());
        }
        if of.walks.len() > REMEMBERED {
            of.walks.pop_first();
        }
    }

    /// Other rules are being loaded.
    pub(super) fn swap_begins(&mut self) {
        self.swapping = true;
        self.nodes.values_mut().for_each(|of| of.walks.clear());
    }

    /// They are loaded.
    pub(super) fn swap_ends(&mut self) {
        self.swapping = false;
        for of in self.nodes.values_mut() {
            of.of_earlier = of.latest;
        }
    }

    /// The steps of a packet by now; none where not all are known.
    pub(super) fn of(&self, node: &NodeName, packet: PacketId) -> &[TraceStep] {
        let walk = self.nodes.get(node).and_then(|of| of.walks.get(&packet));
        match walk {
            Some(walk) if walk.len() <= LONGEST => walk,
            _ => &[],
        }
    }
}

/// What a step told a packet, and the chain that it led to.
pub(super) fn told(verdict: &TraceVerdict) -> (Option<Verdict>, Option<&str>) {
    match verdict {
        TraceVerdict::Accept => (Some(Verdict::Accept), None),
        TraceVerdict::Drop => (Some(Verdict::Drop), None),
        TraceVerdict::Continue => (Some(Verdict::Continue), None),
        TraceVerdict::Jump(chain) => (Some(Verdict::Jump), Some(chain)),
        TraceVerdict::Goto(chain) => (Some(Verdict::Goto), Some(chain)),
        TraceVerdict::Return => (Some(Verdict::Return), None),
        TraceVerdict::Queue => (Some(Verdict::Queue), None),
        TraceVerdict::Stolen => (Some(Verdict::Stolen), None),
        TraceVerdict::Other(_) | TraceVerdict::Unsaid => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fwlab_observe::TracePlace;
    use fwlab_record::{Backend, Family, Packet, TableFamily};

    use super::*;

    fn step(packet: u64, number: u32) -> TraceStep {
        let address = "10.0.0.1".parse().expect("an address");
        TraceStep {
            backend: Backend::Legacy,
            family: Family::Ipv4,
            table_family: TableFamily::Ipv4,
            table: Arc::from("filter"),
            chain: Arc::from("INPUT"),
            at: TracePlace::Line { number },
            verdict: TraceVerdict::Unsaid,
            packet_id: PacketId(packet),
            packet: Packet::Other {
                from: address,
                to: address,
                number: 50,
            },
            input: None,
            output: None,
            state: None,
        }
    }

    #[test]
    fn a_way_through_two_rulesets_is_none() {
        let node = NodeName::server();
        let mut walks = Walks::default();
        walks.step(&node, &step(1, 1));
        walks.step(&node, &step(1, 2));
        assert_eq!(walks.of(&node, PacketId(1)).len(), 2);
        assert_eq!(walks.of(&NodeName::client(), PacketId(1)), []);
        walks.swap_begins();
        walks.step(&node, &step(1, 3));
        walks.step(&node, &step(2, 1));
        walks.swap_ends();
        // They go on in the new rules.
        walks.step(&node, &step(1, 4));
        walks.step(&node, &step(2, 2));
        walks.step(&node, &step(3, 1));
        let known = [1, 2, 3].map(|packet| walks.of(&node, PacketId(packet)).len());
        assert_eq!(known, [0, 0, 1]);
    }

    #[test]
    fn of_a_way_that_is_too_long_nothing_is_told() {
        let node = NodeName::server();
        let mut walks = Walks::default();
        (0..LONGEST).for_each(|_| walks.step(&node, &step(1, 1)));
        assert_eq!(walks.of(&node, PacketId(1)).len(), LONGEST);
        walks.step(&node, &step(1, 1));
        assert_eq!(walks.of(&node, PacketId(1)), []);
        for packet in 2..2 + 2 * REMEMBERED as u64 {
            walks.step(&node, &step(packet, 1));
        }
        assert_eq!(walks.nodes[&node].walks.len(), REMEMBERED);
    }
}
