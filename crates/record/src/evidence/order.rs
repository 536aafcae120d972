//! What led to something stands before it: nodes are heard in turn, and one may be heard late.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::{Fact, Seen, Way};
use crate::{Flow, NodeName, Packet};

/// A packet on its way, whatever address translation makes of it: flags, numbers and length.
type Key = (u8, u32, u32, u32);

fn key(packet: &Packet) -> Option<Key> {
    match packet {
        Packet::Tcp {
            flags,
            sequence,
            acknowledgement,
            payload,
            ..
        } => Some((flags.0, *sequence, *acknowledgement, *payload)),
        _ => None,
    }
}

/// Where the sightings of one packet stand among all facts: each time that it was sent.
#[derive(Default)]
struct Sightings<'a> {
    out: BTreeMap<&'a NodeName, Vec<usize>>,
    inward: BTreeMap<&'a NodeName, Vec<usize>>,
    stopped: BTreeMap<&'a NodeName, Vec<usize>>,
}

/// Puts facts into order: by time, but never an effect before its cause.
pub(super) fn ordered(mut facts: Vec<Fact>) -> Vec<Fact> {
    facts.sort_by_key(|fact| (fact.at, fact.event));
    let before = causes(&facts);
    let mut waits: Vec<usize> = vec![0; facts.len()];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); facts.len()];
    for (cause, effect) in before {
        after[cause].push(effect);
        waits[effect] += 1;
    }
    let mut ready: BinaryHeap<Reverse<usize>> = (0..facts.len())
        .filter(|index| waits[*index] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(facts.len());
    while let Some(Reverse(next)) = ready.pop() {
        order.push(next);
        for effect in &after[next] {
            waits[*effect] -= 1;
            if waits[*effect] == 0 {
                ready.push(Reverse(*effect));
            }
        }
    }
    // Nothing is its own cause; and if it were, it would stand at the end, and not be missing.
    order.extend((0..facts.len()).filter(|index| waits[*index] > 0));
    let mut facts: Vec<Option<Fact>> = facts.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|index| facts[index].take())
        .collect()
}

/// Pairs of facts of which the first led to the second.
fn causes(facts: &[Fact]) -> Vec<(usize, usize)> {
    let mut packets: BTreeMap<Key, Sightings<'_>> = BTreeMap::new();
    let mut opened: BTreeMap<(&NodeName, Flow), usize> = BTreeMap::new();
    let mut tracked: Vec<(usize, &NodeName, Flow)> = Vec::new();
    // SYNs that came in, and the SYN-ACKs that answer them: by node, and by the number that the one has and the other acknowledges.
    let mut asked: BTreeMap<(&NodeName, u32), usize> = BTreeMap::new();
    let mut answered: Vec<(usize, &NodeName, u32)> = Vec::new();
    for (index, fact) in facts.iter().enumerate() {
        if let Seen::Tracked { original, .. } = &fact.what
            && let Some(flow) = original.flow()
        {
            tracked.push((index, &fact.node, flow));
        }
        let Some(packet) = fact.what.packet() else {
            continue;
        };
        if let Seen::Packet {
            way,
            packet:
                Packet::Tcp {
                    flags,
                    sequence,
                    acknowledgement,
                    ..
                },
        } = &fact.what
        {
            match way {
                Way::In if flags.is_syn() => {
                    let place = (&fact.node, sequence.wrapping_add(1));
                    asked.entry(place).or_insert(index);
                }
                Way::Out if flags.is_syn_ack() => {
                    answered.push((index, &fact.node, *acknowledgement));
                }
                _ => {}
            }
        }
        let Some(key) = key(packet) else { continue };
        let of = packets.entry(key).or_default();
        let at = match &fact.what {
            Seen::Packet { way: Way::In, .. } => {
                if let Packet::Tcp { flow, flags, .. } = packet
                    && flags.is_syn()
                {
                    opened.entry((&fact.node, *flow)).or_insert(index);
                }
                &mut of.inward
            }
            Seen::Packet { way: Way::Out, .. } => &mut of.out,
            Seen::Stopped { .. } => &mut of.stopped,
            _ => continue,
        };
        at.entry(&fact.node).or_default().push(index);
    }
    let mut pairs = Vec::new();
    for of in packets.values() {
        // Only the sender is known to come before all others; on a loopback interface it is the receiver as well.
        let mut senders = of
            .out
            .iter()
            .filter(|(node, _)| !of.inward.contains_key(*node));
        if let (Some((_, sent)), None) = (senders.next(), senders.next()) {
            for arrived in of.inward.values() {
                pairs.extend(sent.iter().copied().zip(arrived.iter().copied()));
            }
        }
        for (node, arrived) in &of.inward {
            for later in [of.out.get(node), of.stopped.get(node)]
                .into_iter()
                .flatten()
            {
                pairs.extend(arrived.iter().copied().zip(later.iter().copied()));
            }
        }
    }
    pairs.extend(
        answered
            .into_iter()
            .filter_map(|(index, node, number)| Some((*asked.get(&(node, number))?, index))),
    );
    // Conntrack confirms a connection that came in when its packet has passed the rules.
    pairs.extend(
        tracked
            .into_iter()
            .filter_map(|(index, node, flow)| Some((*opened.get(&(node, flow))?, index))),
    );
    pairs
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{EventId, TcpFlags, Tuple};

    fn syn() -> Packet {
        Packet::Tcp {
            flow: flow(),
            flags: TcpFlags(TcpFlags::SYN),
            sequence: 7,
            acknowledgement: 0,
            payload: 0,
        }
    }

    fn flow() -> Flow {
        Flow {
            from: "10.0.0.2:40000".parse().expect("an address"),
            to: "10.0.0.1:21".parse().expect("an address"),
        }
    }

    fn fact(event: u64, ms: u64, node: &NodeName, what: Seen) -> Fact {
        Fact {
            event: EventId(event),
            at: Duration::from_millis(ms),
            node: node.clone(),
            connection: None,
            what,
            deciding: false,
        }
    }

    fn packet(way: Way) -> Seen {
        Seen::Packet { way, packet: syn() }
    }

    /// The server is heard first, and its conntrack before its wire.
    #[test]
    fn a_syn_leaves_before_it_arrives_and_is_tracked_after() {
        let (client, server) = (NodeName::client(), NodeName::server());
        let tracked = Seen::Tracked {
            original: Tuple::of(flow()),
            helper: None,
            master: None,
        };
        let facts = vec![
            fact(1, 1, &server, tracked),
            fact(2, 2, &server, packet(Way::In)),
            fact(3, 3, &client, packet(Way::Out)),
            fact(4, 9, &client, packet(Way::Out)),
            fact(5, 8, &server, packet(Way::In)),
        ];
        let order: Vec<u64> = ordered(facts).iter().map(|fact| fact.event.0).collect();
        assert_eq!(order, [3, 2, 1, 4, 5]);
    }

    /// The server's wire is heard before all others.
    #[test]
    fn a_syn_comes_before_its_answer() {
        let (client, server) = (NodeName::client(), NodeName::server());
        let answer = |way| Seen::Packet {
            way,
            packet: Packet::Tcp {
                flow: flow().reversed(),
                flags: TcpFlags(TcpFlags::SYN | TcpFlags::ACK),
                sequence: 70,
                acknowledgement: 8,
                payload: 0,
            },
        };
        let facts = vec![
            fact(1, 1, &server, answer(Way::Out)),
            fact(2, 2, &client, answer(Way::In)),
            fact(3, 3, &client, packet(Way::Out)),
            fact(4, 4, &server, packet(Way::In)),
        ];
        let order: Vec<u64> = ordered(facts).iter().map(|fact| fact.event.0).collect();
        assert_eq!(order, [3, 4, 1, 2]);
    }

    /// Over loopback it comes in where it went out, and a cycle would be no order.
    #[test]
    fn what_has_no_order_keeps_that_of_time() {
        let node = NodeName::client();
        let facts = vec![
            fact(2, 2, &node, packet(Way::In)),
            fact(1, 1, &node, packet(Way::Out)),
        ];
        let order: Vec<u64> = ordered(facts).iter().map(|fact| fact.event.0).collect();
        assert_eq!(order.len(), 2);
    }
}
