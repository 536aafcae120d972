//! What is in a set of ipset that a rule matches on.

use std::collections::BTreeSet;

use fwlab_record::Family;

use super::addresses::range;
use super::{Addresses, Condition};
use crate::ruleset::Sets;

/// The most sets that one may be a list of lists of.
const DEPTH: usize = 8;

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
    for (at, part) in parts.into_iter().enumerate() {
        let is_source = flags.get(at).is_none_or(|flag| *flag == "src");
        match part {
            Part::Unread => conditions.push(Condition::Unread(words.clone())),
            Part::Interfaces(names) if is_source => conditions.push(Condition::In(names)),
            Part::Interfaces(names) => conditions.push(Condition::Out(names)),
            Part::Addresses(ranges) => {
                let addresses = Addresses::of(family, ranges, words.clone());
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
    Addresses(Vec<(u128, u128)>),
    Interfaces(BTreeSet<String>),
    Unread,
    /// A port or a mark: no host is told by it.
    Idle,
}

struct Read<'a> {
    texts: &'a [String],
    family: Family,
    flags: Vec<&'a str>,
    parts: Vec<Part>,
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
            self.parts.push(Part::Unread);
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
        for (at, kind) in kinds.split(',').enumerate().take(self.flags.len()) {
            let values = members
                .iter()
                .filter_map(|member| member.split(',').nth(at));
            let part = match kind {
                "ip" | "net" => {
                    let ranges = values.filter_map(|value| {
                        let masked = netmask.map(|length| format!("{value}/{length}"));
                        let read = range(masked.as_deref().unwrap_or(value));
                        read.filter(|(family, _)| *family == self.family)
                            .map(|(_, range)| range)
                    });
                    Part::Addresses(ranges.collect())
                }
                "iface" => Part::Interfaces(values.map(str::to_owned).collect()),
                "mac" => Part::Unread,
                _ => Part::Idle,
            };
            self.parts.push(part);
        }
    }
}
