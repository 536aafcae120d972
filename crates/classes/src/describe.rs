//! Classes that came to the same, in words.

use std::collections::BTreeSet;

use crate::{Class, Classes, Position, Respect};

/// From as many classes a box is looked for at a time.
const STARTS: usize = 8;

/// The most names that are written out.
const LISTED: usize = 6;

impl Classes {
    /// Says which hosts the classes of these places are, a line for each box that they make: `from 203.0.113.0/24 on eth0`.
    /// All of them are `anyone`.
    pub fn describe(&self, classes: &BTreeSet<usize>) -> Vec<String> {
        let chosen: BTreeSet<&Class> = classes.iter().map(|at| &self.classes[*at]).collect();
        let others: BTreeSet<&Class> = self
            .classes
            .iter()
            .chain(&self.beyond)
            .filter(|one| !chosen.contains(one))
            .collect();
        let mut covered: BTreeSet<&Class> = BTreeSet::new();
        let mut rooms: Vec<Vec<BTreeSet<usize>>> = Vec::new();
        while let Some(room) = chosen
            .iter()
            .filter(|class| !covered.contains(*class))
            .take(STARTS)
            .flat_map(|class| self.rooms(class, &chosen, &others))
            .map(|room| {
                let new = chosen.iter().filter(|one| !covered.contains(*one));
                let new = new.filter(|one| within(&room, one)).count();
                ((new, self.whole(&room)), room)
            })
            // The first of those that say the most in the fewest words.
            .reduce(|best, one| if one.0 > best.0 { one } else { best })
            .map(|(_, room)| room)
        {
            covered.extend(chosen.iter().copied().filter(|one| within(&room, one)));
            rooms.push(room);
        }
        for at in 0..rooms.len() {
            self.shorten(at, &mut rooms, &chosen);
        }
        rooms.iter().map(|room| self.written(room)).collect()
    }

    /// What other boxes say, too, is left out of one where that makes fewer words.
    fn shorten(&self, at: usize, rooms: &mut [Vec<BTreeSet<usize>>], chosen: &BTreeSet<&Class>) {
        let is_elsewhere = |class: &Class| {
            let mut others = rooms.iter().enumerate().filter(|(other, _)| *other != at);
            others.any(|(_, room)| within(room, class))
        };
        let here = chosen.iter().filter(|class| within(&rooms[at], class));
        let needed: Vec<&&Class> = here.filter(|class| !is_elsewhere(class)).collect();
        let places = 0..self.respects.len();
        let smaller: Vec<BTreeSet<usize>> = places
            .map(|respect| needed.iter().map(|class| class.0[respect]).collect())
            .collect();
        if !needed.is_empty() && self.written(&smaller).len() < self.written(&rooms[at]).len() {
            rooms[at] = smaller;
        }
    }

    /// In how many respects a box leaves nobody out.
    fn whole(&self, room: &[BTreeSet<usize>]) -> usize {
        let pairs = room.iter().zip(&self.respects);
        pairs
            .filter(|(chosen, (_, values))| chosen.len() == values.len())
            .count()
    }

    /// Boxes around a class that no other class is in, as wide as can be: in one respect first, or in another.
    fn rooms(
        &self,
        class: &Class,
        chosen: &BTreeSet<&Class>,
        others: &BTreeSet<&Class>,
    ) -> Vec<Vec<BTreeSet<usize>>> {
        let count = self.respects.len();
        let orders = (0..count).map(|first| (0..count).map(move |at| (first + at) % count));
        let widened = |order: &mut dyn Iterator<Item = usize>| {
            let mut room: Vec<BTreeSet<usize>> =
                class.0.iter().map(|at| BTreeSet::from([*at])).collect();
            for respect in order {
                // The values at which another class, or one of these, is beside the room.
                let beside = |classes: &BTreeSet<&Class>| -> BTreeSet<usize> {
                    let near = classes.iter().filter(|one| {
                        let places = room.iter().zip(&one.0).enumerate();
                        let mut others = places.filter(|(at, _)| *at != respect);
                        others.all(|(_, (values, at))| values.contains(at))
                    });
                    near.map(|one| one.0[respect]).collect()
                };
                let taken = beside(others);
                // Where no class is stands in nobody's way when that makes it all; else it is not worth a word.
                let wider: BTreeSet<usize> = match taken.is_empty() {
                    true => (0..self.respects[respect].1.len()).collect(),
                    false => beside(chosen).difference(&taken).copied().collect(),
                };
                room[respect].extend(wider);
            }
            room
        };
        orders.map(|mut order| widened(&mut order)).collect()
    }

    fn written(&self, room: &[BTreeSet<usize>]) -> String {
        let part = |wanted: Respect| {
            let place = self
                .respects
                .iter()
                .position(|(respect, _)| *respect == wanted)?;
            self.part(place, &room[place])
        };
        let end = |before: &str, alone: &str, address: Respect, interface: Respect| match (
            part(address),
            part(interface),
        ) {
            (Some(address), Some(interface)) => Some(format!("{before} {address} on {interface}")),
            (Some(address), None) => Some(format!("{before} {address}")),
            (None, Some(interface)) => Some(format!("{alone} {interface}")),
            (None, None) => None,
        };
        let own = |before: &str| part(Respect::Own).map(|own| format!("{before} {own}"));
        let near = |before, alone| end(before, alone, Respect::Address, Respect::Interface);
        let far = part(Respect::FarInterface);
        let words: Vec<String> = match self.position {
            Position::Server | Position::Hairpin => [near("from", "on"), own("to")]
                .into_iter()
                .flatten()
                .collect(),
            Position::Client => [near("to", "on"), own("from")]
                .into_iter()
                .flatten()
                .collect(),
            Position::Router => {
                let far = end("to", "to", Respect::FarAddress, Respect::FarInterface);
                [near("from", "from"), far].into_iter().flatten().collect()
            }
            Position::Forwarder => {
                let server = far.map(|interface| format!("with the server on {interface}"));
                [near("from", "from"), own("to"), server]
                    .into_iter()
                    .flatten()
                    .collect()
            }
        };
        match words.is_empty() {
            true => "anyone".to_owned(),
            false => words.join(" "),
        }
    }

    /// Some values of one respect; nothing where they are all.
    fn part(&self, place: usize, chosen: &BTreeSet<usize>) -> Option<String> {
        let (respect, values) = &self.respects[place];
        if chosen.len() == values.len() {
            // With one value only, what was chosen or is the only one that there is needs no word.
            return None;
        }
        let of_interfaces = matches!(respect, Respect::Interface | Respect::FarInterface);
        let words = |at: &usize| values[*at].words().to_owned();
        if !chosen.iter().any(|at| values[*at].is_rest()) {
            return Some(listed(chosen.iter().map(words).collect()));
        }
        if chosen.len() == 1 {
            let other = match (of_interfaces, respect) {
                (true, _) => "any other interface",
                (false, Respect::Own) => "any other address",
                (false, _) => "anywhere else",
            };
            return Some(other.to_owned());
        }
        let missing: Vec<String> = (0..values.len())
            .filter(|at| !chosen.contains(at))
            .map(|at| words(&at))
            .collect();
        let any = match (of_interfaces, respect) {
            (true, _) => "any interface",
            (false, Respect::Own) => "any address",
            (false, _) => "anywhere",
        };
        Some(format!("{any} but {}", listed(missing)))
    }
}

/// Some names, and how many more there are.
fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn within(room: &[BTreeSet<usize>], class: &Class) -> bool {
    room.iter()
        .zip(&class.0)
        .all(|(values, at)| values.contains(at))
}
