//! Which sightings of packets are one packet's way from a node to the next.

use std::collections::BTreeMap;

use fwlab_record::{Fact, NodeName, Packet, Seen, Way};

/// What a fact is of a packet's way; facts are named by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hop {
    /// An arrow is drawn in its place.
    Arrow { from: usize, to: usize },
    /// It is part of an arrow that is drawn elsewhere.
    Drawn,
    /// The packet that was stopped here had come from there.
    Stopped { from: usize },
}

/// A packet, whatever address translation makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Tcp([u32; 4]),
    Other(Packet),
}

fn key(packet: &Packet) -> Key {
    match packet {
        Packet::Tcp {
            flags,
            sequence,
            acknowledgement,
            payload,
            ..
        } => Key::Tcp([u32::from(flags.0), *sequence, *acknowledgement, *payload]),
        other => Key::Other(*other),
    }
}

/// What was seen of a packet that was sent once.
#[derive(Debug, Default)]
struct Sent {
    out: Vec<usize>,
    inward: Vec<usize>,
    stopped: Vec<usize>,
}

/// What is told of the way of each packet, by the places of the facts.
pub(super) fn hops(facts: &[Fact]) -> BTreeMap<usize, Hop> {
    let mut found = BTreeMap::new();
    for sent in sent(facts) {
        sent.follow(facts, &mut found);
    }
    found
}

/// Each time that a packet was sent: a sender that sends it again begins the next.
fn sent(facts: &[Fact]) -> Vec<Sent> {
    let mut all: Vec<Sent> = Vec::new();
    let mut latest: BTreeMap<Key, (usize, &NodeName)> = BTreeMap::new();
    for (index, fact) in facts.iter().enumerate() {
        let way = match &fact.what {
            Seen::Packet { way, .. } => Some(*way),
            Seen::Stopped { .. } | Seen::StoppedBetween { .. } => None,
            _ => continue,
        };
        let Some(key) = fact.what.packet().map(key) else {
            continue;
        };
        let known = latest.get(&key).copied();
        let place = match known {
            Some((place, sender)) if way != Some(Way::Out) || *sender != fact.node => place,
            _ => {
                all.push(Sent::default());
                latest.insert(key, (all.len() - 1, &fact.node));
                all.len() - 1
            }
        };
        let of = &mut all[place];
        match way {
            Some(Way::Out) => of.out.push(index),
            Some(Way::In) => of.inward.push(index),
            None => of.stopped.push(index),
        }
    }
    all
}

impl Sent {
    /// From its sender from node to node.
    fn follow(mut self, facts: &[Fact], found: &mut BTreeMap<usize, Hop>) {
        let node = |index: usize| &facts[index].node;
        // Nodes are heard in turn: whoever sent it on got it before those that did not.
        let is_sent_on = |index: usize| self.out.iter().any(|out| node(*out) == node(index));
        self.inward
            .sort_by_key(|index| (!is_sent_on(*index), *index));
        let mut last = (!self.out.is_empty()).then(|| self.out.remove(0));
        let mut arrows: Vec<(usize, usize)> = Vec::new();
        for to in self.inward {
            let Some(from) = last.filter(|from| node(*from) != node(to)) else {
                continue;
            };
            arrows.push((from, to));
            let next = self.out.iter().position(|out| node(*out) == node(to));
            last = next.map(|next| self.out.remove(next));
        }
        for stopped in self.stopped {
            let came = arrows
                .iter()
                .rposition(|(_, to)| node(*to) == node(stopped));
            if let Some((from, to)) = came.map(|came| arrows.remove(came)) {
                found.insert(stopped, Hop::Stopped { from });
                found.insert(from, Hop::Drawn);
                found.insert(to, Hop::Drawn);
            }
        }
        for (from, to) in arrows {
            let (first, second) = (from.min(to), from.max(to));
            found.insert(first, Hop::Arrow { from, to });
            found.insert(second, Hop::Drawn);
        }
    }
}
