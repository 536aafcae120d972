//! What is in a set of ipset that a rule matches on.

use std::collections::{BTreeMap, BTreeSet};

use fwlab_record::Family;

use super::addresses::range;
use super::{Addresses, Condition};
use crate::ruleset::Sets;

/// The most sets that one may be a list of lists of.
const DEPTH: usize = 8;

/// The most members that are told apart from each other where a member says more than an address.
const APART: usize = 64;

/// The conditions that `--match-set NAME FLAGS` is, one for each part of the set's members that hosts differ in.
pub(super) fn members(name: &str, flags: &str, sets: &[&Sets], family: Family) -> Vec<Condition> {
    let texts: Vec<String> = sets.iter().map(|sets| sets.text()).collect();
    let mut read = Read {
        texts: &texts,
        family,
        flags: flags.split(',').collect(),
        parts: Vec::new(),
    };
    read.set(name, DEPTH);
    let words = format!("set {name}");
    let Read { flags, parts, .. } = read;
    let mut conditions = Vec::new();
    for (at, part) in parts {
        let is_source = flags.get(at).is_none_or(|flag| *flag == "src");
        match part {
            Part::Unread => conditions.push(Condition::Unread(words.clone())),
            Part::Interfaces(names) if is_source => conditions.push(Condition::In(names)),
            Part::Interfaces(names) => conditions.push(Condition::Out(names)),
            Part::Addresses(ranges, own) => {
                let words = own.unwrap_or_else(|| words.clone());
                let addresses = Addresses::of(family, ranges, words);
                conditions.extend(addresses.map(|addresses| match is_source {
                    true => Condition::Source(addresses),
                    false => Condition::Destination(addresses),
                }));
            }
            Part::Idle => {}
        }
    }
    conditions
}

/// One of the parts, divided by commas, of every member.
enum Part {
    /// With the words that name them, where the set does not.
    Addresses(Vec<(u128, u128)>, Option<String>),
    Interfaces(BTreeSet<String>),
    Unread,
    /// A port or a mark: no host is told by it.
    Idle,
}

struct Read<'a> {
    texts: &'a [String],
    family: Family,
    flags: Vec<&'a str>,
    /// Each with its place in a member.
    parts: Vec<(usize, Part)>,
}

impl Read<'_> {
    fn set(&mut self, name: &str, depth: usize) {
        let lines = || self.texts.iter().flat_map(|text| text.lines());
        let words = |line: &str| -> Vec<String> {
            line.split_ascii_whitespace().map(str::to_owned).collect()
        };
        let made = lines().map(words).find(|words| {
            matches!(
                words.first().map(String::as_str),
                Some("create" | "-N" | "n" | "new")
            ) && words.get(1).is_some_and(|made| made == name)
        });
        let Some(made) = made else {
            self.parts.push((0, Part::Unread));
            return;
        };
        let kind = made.get(2).map_or("", String::as_str);
        let (_, kinds) = kind.split_once(':').unwrap_or(("", ""));
        let members: Vec<String> = lines()
            .map(words)
            .filter(|words| {
                matches!(words.first().map(String::as_str), Some("add" | "-A" | "a"))
                    && words.get(1).is_some_and(|set| set == name)
            })
            .filter_map(|words| words.get(2).cloned())
            .collect();
        if kind == "list:set" {
            for member in members {
                if depth > 0 {
                    self.set(&member, depth - 1);
                }
            }
            return;
        }
        let netmask = made.iter().position(|word| word == "netmask");
        let netmask = netmask.and_then(|at| made.get(at + 1));
        let kinds: Vec<&str> = kinds.split(',').take(self.flags.len()).collect();
        // What a member says beside an address tells its address from others.
        let beside = |member: &str, at: usize| -> String {
            let parts = member.split(',').enumerate();
            let others = parts.filter(|(other, _)| *other != at);
            others.map(|(_, part)| format!("{part},")).collect()
        };
        for (at, kind) in kinds.iter().enumerate() {
            let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for member in &members {
                if let Some(value) = member.split(',').nth(at) {
                    groups.entry(beside(member, at)).or_default().push(value);
                }
            }
            let is_divided = groups.len() > 1;
            if groups.len() > APART {
                self.parts.push((at, Part::Unread));
                continue;
            }
            for values in groups.into_values() {
                let part = match *kind {
                    "ip" | "net" => {
                        let ranges = values.iter().filter_map(|value| {
                            let masked = netmask.map(|length| format!("{value}/{length}"));
                            let read = range(masked.as_deref().unwrap_or(value));
                            read.filter(|(family, _)| *family == self.family)
                                .map(|(_, range)| range)
                        });
                        let written = values.iter().map(|value| match netmask {
                            Some(netmask) => format!("{value} under netmask {netmask}"),
                            None => (*value).to_owned(),
                        });
                        let words = is_divided.then(|| written.collect::<Vec<String>>().join(", "));
                        Part::Addresses(ranges.collect(), words)
                    }
                    "iface" => {
                        Part::Interfaces(values.iter().map(|value| (*value).to_owned()).collect())
                    }
                    "mac" => Part::Unread,
                    _ => Part::Idle,
                };
                self.parts.push((at, part));
            }
        }
    }
}
