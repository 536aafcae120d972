//! What rules of nft tell apart, read from its JSON.

use std::collections::{BTreeMap, BTreeSet};

use fwlab_record::{ChainId, Family, RuleId, RuleOrdinal, TableFamily};
use serde_json::Value;

use super::addresses::range;
use super::at_interfaces::stands_at;
use super::{Addresses, Condition, Told};
use crate::ruleset::Hook;
use crate::ruleset::native::NativeListing;
use crate::ruleset::only::Only;

/// What is in the named sets and maps of a table, by family, table and name.
pub(in crate::ruleset) type Members<'a> =
    BTreeMap<(TableFamily, String, String), Option<&'a Vec<Value>>>;

/// The most members that are told apart from each other where a member says more than an address.
const APART: usize = 64;

/// Which hosts a rule tells apart.
#[derive(Debug, Clone, Default)]
pub(in crate::ruleset) struct Apart {
    conditions: Vec<Condition>,
    /// The rule without them; empty where there is none.
    rest: String,
}

impl Apart {
    /// Reads the statements of a rule.
    pub(in crate::ruleset) fn read(
        statements: &[Value],
        chain: &ChainId,
        members: &Members<'_>,
    ) -> Apart {
        let of = Of { chain, members };
        let mut conditions = Vec::new();
        for statement in statements {
            of.statement(statement, &mut conditions);
        }
        let rest = match conditions.is_empty() {
            true => String::new(),
            false => statements.iter().map(without_address).collect(),
        };
        Apart { conditions, rest }
    }
}

impl NativeListing {
    /// The rules that tell hosts apart, each with its conditions.
    pub fn told(&self) -> Vec<Told> {
        let reached = self.reached();
        let mut told = Vec::new();
        for (chain_of, listed) in self.chains() {
            let stands_at = stands_at(listed);
            if let Some((hook, condition)) = &stands_at {
                told.push(Told {
                    rule: RuleId {
                        chain: chain_of.clone(),
                        ordinal: RuleOrdinal(0),
                    },
                    hooks: BTreeSet::from([*hook]),
                    only: Only::default(),
                    conditions: vec![condition.clone()],
                    rest: String::new(),
                    decides: false,
                    negated: false,
                    translates: false,
                });
            }
            for (rule, ordinal) in listed.rules().iter().zip(1..) {
                let Apart { conditions, rest } = rule.apart();
                let mut conditions = conditions.clone();
                let is_listed = |target: &&String| {
                    let chain = (*target).clone();
                    let id = ChainId {
                        chain,
                        ..chain_of.clone()
                    };
                    self.chain(&id).is_some()
                };
                if !rule.targets().iter().all(|target| is_listed(&target)) {
                    // nft does not list what stands in `jump { … }`.
                    conditions.push(Condition::Unread(
                        "rules of a chain without a name".to_owned(),
                    ));
                }
                if conditions.is_empty() && !rule.translates() {
                    continue;
                }
                let hooks = match (chain_of.family, &stands_at) {
                    (_, Some((hook, _))) => BTreeSet::from([*hook]),
                    // Its other chains are reached from one of these.
                    (TableFamily::Netdev, None) => {
                        BTreeSet::from([Hook::Prerouting, Hook::Postrouting])
                    }
                    _ => reached.of(chain_of),
                };
                told.push(Told {
                    rule: RuleId {
                        chain: chain_of.clone(),
                        ordinal: RuleOrdinal(ordinal),
                    },
                    hooks,
                    only: rule.only().clone(),
                    conditions,
                    rest: rest.clone(),
                    decides: ["accept", "drop", "reject", "return"]
                        .iter()
                        .any(|verdict| rest.contains(&format!("\"{verdict}\"")))
                        && !rest.contains("\"mangle\""),
                    negated: rest.contains("!="),
                    translates: rule.translates(),
                });
            }
        }
        told
    }
}

/// Where a statement stands.
struct Of<'a> {
    chain: &'a ChainId,
    members: &'a Members<'a>,
}

/// What a key of a comparison is about.
#[derive(Clone, Copy)]
enum Key {
    In,
    Out,
    Source,
    Destination,
    /// Of the connection, whichever way the packet goes.
    Either,
    Unread,
}

impl Of<'_> {
    fn statement(&self, statement: &Value, found: &mut Vec<Condition>) {
        for (name, body) in statement.as_object().into_iter().flatten() {
            match name.as_str() {
                "match" => self.compared(&body["left"], &body["right"], found),
                "vmap" | "map" => self.compared(&body["key"], &body["data"], found),
                _ => self.nested(body, found),
            }
        }
    }

    /// Maps stand within statements: `dnat to ip saddr map { … }`.
    fn nested(&self, value: &Value, found: &mut Vec<Condition>) {
        match value {
            Value::Object(members) => {
                if members.contains_key("map") {
                    self.statement(value, found);
                } else {
                    members.values().for_each(|value| self.nested(value, found));
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.nested(value, found)),
            _ => {}
        }
    }

    fn compared(&self, left: &Value, right: &Value, found: &mut Vec<Condition>) {
        let keys: Vec<Option<Key>> = match left["concat"].as_array() {
            Some(keys) => keys.iter().map(key).collect(),
            None => vec![key(left)],
        };
        for (at, key) in keys.iter().enumerate() {
            let Some(key) = *key else { continue };
            let part = |value: &Value| match value["concat"].as_array() {
                Some(parts) => parts.get(at).cloned().unwrap_or_default(),
                None => value.clone(),
            };
            // What a map makes of its members, or the rest of a member, tells them apart.
            let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
            for (member, beside) in self.listed(right) {
                let apart = match left["concat"].is_array() {
                    true => member.clone(),
                    false => beside,
                };
                let place = groups.iter().position(|(one, _)| *one == apart);
                let last = APART - 1;
                match place.or((groups.len() > last).then_some(last)) {
                    Some(place) => groups[place].1.push(part(&member)),
                    None => groups.push((apart, vec![part(&member)])),
                }
            }
            // What is told apart within a set is not named by the set.
            let words = right.as_str().and_then(|name| name.strip_prefix('@'));
            let words = words.filter(|_| groups.len() == 1);
            for (_, group) in &groups {
                conditions(key, group, words, found);
            }
        }
    }

    /// The members of what a key is compared with, each with what a map makes of it.
    fn listed(&self, right: &Value) -> Vec<(Value, Value)> {
        let named = right.as_str().and_then(|name| name.strip_prefix('@'));
        let members = match named {
            Some(name) => {
                let chain = self.chain;
                let id = (chain.family, chain.table.clone(), name.to_owned());
                let members = self.members.get(&id).copied().flatten();
                members.cloned().unwrap_or_default()
            }
            None => match right["set"].as_array() {
                Some(members) => members.clone(),
                None => vec![right.clone()],
            },
        };
        let member = |value: &Value| value["elem"].get("val").unwrap_or(value).clone();
        members
            .iter()
            .map(|one| match one.as_array().map(Vec::as_slice) {
                Some([one, made]) => (member(one), made.clone()),
                _ => (member(one), Value::Null),
            })
            .collect()
    }
}

fn key(left: &Value) -> Option<Key> {
    let payload = &left["payload"];
    let field = payload["field"].as_str().unwrap_or_default();
    match payload["protocol"].as_str() {
        Some("ip" | "ip6") => match field {
            "saddr" => return Some(Key::Source),
            "daddr" => return Some(Key::Destination),
            _ => {}
        },
        Some("ether") if field == "saddr" => return Some(Key::Unread),
        _ => {}
    }
    match left["meta"]["key"].as_str() {
        Some("iif" | "iifname") => return Some(Key::In),
        Some("oif" | "oifname") => return Some(Key::Out),
        Some("iifgroup" | "oifgroup" | "iiftype" | "oiftype" | "iifkind" | "oifkind") => {
            return Some(Key::Unread);
        }
        _ => {}
    }
    let ct = left["ct"]["key"].as_str().unwrap_or_default();
    if ct.ends_with("saddr") || ct.ends_with("daddr") {
        return Some(Key::Either);
    }
    // A part of an address, under a mask.
    let masked = left["&"].as_array().and_then(|parts| parts.first());
    masked.and_then(key).map(|_| Key::Unread)
}

fn conditions(key: Key, members: &[Value], set: Option<&str>, found: &mut Vec<Condition>) {
    let interfaces = || -> BTreeSet<String> {
        let names = members.iter().filter_map(Value::as_str);
        names.map(|name| name.replace('*', "+")).collect()
    };
    match key {
        Key::In => found.push(Condition::In(interfaces())),
        Key::Out => found.push(Condition::Out(interfaces())),
        Key::Unread => found.push(Condition::Unread(
            members
                .iter()
                .map(|member| format!("{} ", written(member)))
                .collect(),
        )),
        Key::Source | Key::Destination | Key::Either => {
            for family in Family::ALL.iter().copied() {
                let read = members.iter().filter_map(|member| range(&written(member)));
                let ranges: Vec<(u128, u128)> = read
                    .filter(|(of, _)| *of == family)
                    .map(|(_, range)| range)
                    .collect();
                let words = match (set, members) {
                    (Some(set), _) => format!("set {set}"),
                    (None, members) if members.len() <= 3 => {
                        let members: Vec<String> = members.iter().map(written).collect();
                        members.join(", ")
                    }
                    (None, members) => {
                        format!("{} and {} more", written(&members[0]), members.len() - 1)
                    }
                };
                let Some(addresses) = Addresses::of(family, ranges, words) else {
                    continue;
                };
                if !matches!(key, Key::Destination) {
                    found.push(Condition::Source(addresses.clone()));
                }
                if !matches!(key, Key::Source) {
                    found.push(Condition::Destination(addresses));
                }
            }
        }
    }
}

/// A member as a person writes it: `192.0.2.0/24`, `192.0.2.1-192.0.2.9`.
fn written(member: &Value) -> String {
    if let (Some(address), Some(length)) = (
        member["prefix"]["addr"].as_str(),
        member["prefix"]["len"].as_u64(),
    ) {
        return format!("{address}/{length}");
    }
    if let Some([first, last]) = member["range"].as_array().map(Vec::as_slice) {
        return format!("{}-{}", written(first), written(last));
    }
    member
        .as_str()
        .map_or_else(|| member.to_string(), str::to_owned)
}

/// A statement as text, without the addresses that it compares one key with.
fn without_address(statement: &Value) -> String {
    let compared = &statement["match"];
    match key(&compared["left"]) {
        Some(Key::Source | Key::Destination) => {
            format!("{}{}", compared["left"], compared["op"])
        }
        _ if statement.get("counter").is_some() => String::new(),
        _ => statement.to_string(),
    }
}
