//! What the statements and expressions of a rule look at, in the words of `libnftables-json(5)`.
//!
//! Everything is impure that does not stand here as pure: a statement of a newer nft, too.

use serde_json::{Map, Value};

use crate::ruleset::mistake::quote;
use crate::ruleset::purity::Dependence;

/// What something depends on, and its name.
pub(super) type Found = Vec<(String, Dependence)>;

const PURE_STATEMENTS: &[&str] = &[
    "accept",
    "continue",
    "counter",
    "ct helper",
    "drop",
    "goto",
    "jump",
    "last",
    "log",
    "notrack",
    "reject",
    "return",
];

/// Both as statements and as expressions.
const IMPURE: &[(&str, Dependence)] = &[
    ("ct count", Dependence::Count),
    ("ct expectation", Dependence::Time),
    ("ct timeout", Dependence::Time),
    ("dup", Dependence::Machine),
    ("expires", Dependence::Time),
    ("flow", Dependence::Machine),
    ("fwd", Dependence::Machine),
    ("gc-interval", Dependence::Time),
    ("jhash", Dependence::Chance),
    ("limit", Dependence::Rate),
    ("meter", Dependence::Rate),
    ("numgen", Dependence::Chance),
    ("queue", Dependence::UserSpace),
    ("quota", Dependence::Count),
    ("rt", Dependence::Machine),
    ("socket", Dependence::UserSpace),
    ("symhash", Dependence::Chance),
    ("synproxy", Dependence::Time),
    ("timeout", Dependence::Time),
    ("tproxy", Dependence::UserSpace),
];

/// Statements that put something into a set.
const REMEMBERING: &[&str] = &["map", "set"];

const PURE_EXPRESSIONS: &[&str] = &[
    "dccp option",
    "exthdr",
    "fib",
    "ip option",
    "ipsec",
    "prefix",
    "sctp chunk",
];

/// Fields of headers that another value stands in when the packet is sent again.
const CHANGING_FIELDS: &[(&str, Dependence)] = &[
    ("ackseq", Dependence::Chance),
    ("checksum", Dependence::Chance),
    ("flowlabel", Dependence::Chance),
    ("id", Dependence::Chance),
    ("tsecr", Dependence::Time),
    ("tsval", Dependence::Time),
    ("window", Dependence::Chance),
];

const OPERATORS: &[&str] = &["&", "|", "^", "<<", ">>"];

const PURE_META: &[&str] = &[
    "iif", "iifgroup", "iifkind", "iifname", "iiftype", "ipsec", "l4proto", "length", "mark",
    "nfproto", "nftrace", "oif", "oifgroup", "oifkind", "oifname", "oiftype", "pkttype",
    "priority", "protocol", "sdif", "sdifname", "secpath",
];

/// The rest of what `rt` looks up is the machine's routes.
const PURE_RT: &[&str] = &["ipsec"];

const IMPURE_META: &[(&str, Dependence)] = &[
    ("cgroup", Dependence::Sender),
    ("cpu", Dependence::Machine),
    ("day", Dependence::Time),
    ("hour", Dependence::Time),
    ("random", Dependence::Chance),
    ("rtclassid", Dependence::Machine),
    ("skgid", Dependence::Sender),
    ("skuid", Dependence::Sender),
    ("time", Dependence::Time),
];

const PURE_CT: &[&str] = &[
    "daddr",
    "direction",
    "helper",
    "l3proto",
    "mark",
    "proto-dst",
    "proto-src",
    "protocol",
    "saddr",
    "state",
    "status",
    "zone",
];

const IMPURE_CT: &[(&str, Dependence)] = &[
    ("avgpkt", Dependence::Count),
    ("bytes", Dependence::Count),
    ("expiration", Dependence::Time),
    ("label", Dependence::Memory),
    ("packets", Dependence::Count),
];

/// What a statement of a rule depends on beside the packet and its connection.
pub(super) fn statement(value: &Value, found: &mut Found) {
    let Some((name, body)) = only(value) else {
        return unknown(value, found);
    };
    match name {
        _ if PURE_STATEMENTS.contains(&name) => {}
        "match" => members(body, &["left", "right"], &["op"], found),
        "vmap" => members(body, &["key", "data"], &[], found),
        "mangle" => members(body, &["key", "value"], &[], found),
        "snat" | "dnat" | "masquerade" | "redirect" => translation(name, body, found),
        _ if REMEMBERING.contains(&name) => found.push((name.to_owned(), Dependence::Memory)),
        _ => found.push((name.to_owned(), why(name, IMPURE))),
    }
}

/// What a set or map of a table depends on: elements that come and go.
pub(super) fn set(body: &Value, found: &mut Found) {
    let Some(body) = body.as_object() else {
        return unknown(body, found);
    };
    for (key, value) in body {
        match key.as_str() {
            "family" | "name" | "table" | "type" | "handle" | "comment" | "policy" | "size"
            | "auto-merge" | "map" => {}
            "elem" => expression(value, found),
            "stmt" => each(value, found, statement),
            "flags" => each(value, found, |flag, found| match flag.as_str() {
                Some("constant" | "interval") => {}
                Some("dynamic") => found.push(("flags dynamic".into(), Dependence::Memory)),
                Some("timeout") => found.push(("flags timeout".into(), Dependence::Time)),
                _ => unknown(flag, found),
            }),
            key => found.push((key.to_owned(), why(key, IMPURE))),
        }
    }
}

fn expression(value: &Value, found: &mut Found) {
    if let Value::Array(values) = value {
        values.iter().for_each(|value| expression(value, found));
        return;
    }
    if !value.is_object() {
        return;
    }
    let Some((name, body)) = only(value) else {
        return unknown(value, found);
    };
    match name {
        "payload" => header(value, body, &["protocol", "field"], found),
        "tcp option" => header(value, body, &["name", "field"], found),
        "meta" => key("meta", body, PURE_META, IMPURE_META, found),
        "ct" => key("ct", body, PURE_CT, IMPURE_CT, found),
        "rt" if (body["key"].as_str()).is_some_and(|key| PURE_RT.contains(&key)) => {}
        "map" => members(body, &["key", "data"], &[], found),
        "elem" => element(body, found),
        "set" | "concat" | "range" => expression(body, found),
        _ if OPERATORS.contains(&name) => expression(body, found),
        _ if PURE_EXPRESSIONS.contains(&name) || PURE_STATEMENTS.contains(&name) => {}
        _ => found.push((name.to_owned(), why(name, IMPURE))),
    }
}

/// A field of a header, by name.
fn header(value: &Value, body: &Value, keys: &[&str], found: &mut Found) {
    let Some(body) = body.as_object() else {
        return unknown(value, found);
    };
    if body.contains_key("base") {
        found.push(("raw payload".into(), Dependence::Content));
    } else if body.keys().any(|key| !keys.contains(&key.as_str())) {
        unknown(value, found);
    } else if let Some(field) = body.get("field").and_then(Value::as_str)
        && let Some((field, why)) = CHANGING_FIELDS.iter().find(|(known, _)| *known == field)
    {
        found.push(((*field).to_owned(), *why));
    }
}

/// An element of a set with more than its value.
fn element(body: &Value, found: &mut Found) {
    let Some(body) = body.as_object() else {
        return unknown(body, found);
    };
    for (key, value) in body {
        match key.as_str() {
            "val" => expression(value, found),
            "comment" | "counter" => {}
            key => found.push((key.to_owned(), why(key, IMPURE))),
        }
    }
}

/// `snat` and its like: pure where there is one address to choose from.
fn translation(name: &str, body: &Value, found: &mut Found) {
    let Some(body) = body.as_object() else {
        if !body.is_null() {
            unknown(body, found);
        }
        return;
    };
    for (key, value) in body {
        match key.as_str() {
            "family" => {}
            "addr" if only(value).is_some_and(|(kind, _)| matches!(kind, "range" | "prefix")) => {
                found.push((format!("{name} to several addresses"), Dependence::Chance));
            }
            "addr" | "port" => expression(value, found),
            "flags" => each(value, found, |flag, found| match flag.as_str() {
                Some("persistent") => {}
                Some(flag @ ("random" | "fully-random")) => {
                    found.push((flag.to_owned(), Dependence::Chance));
                }
                _ => unknown(flag, found),
            }),
            key => found.push((format!("{name} {key}"), Dependence::Unknown)),
        }
    }
}

/// An object with these expressions in it and nothing else that is not known.
fn members(body: &Value, expressions: &[&str], plain: &[&str], found: &mut Found) {
    let Some(body) = body.as_object() else {
        return unknown(body, found);
    };
    for (key, value) in body {
        if expressions.contains(&key.as_str()) {
            expression(value, found);
        } else if !plain.contains(&key.as_str()) {
            found.push((key.clone(), Dependence::Unknown));
        }
    }
}

fn key(of: &str, body: &Value, pure: &[&str], impure: &[(&str, Dependence)], found: &mut Found) {
    match body.get("key").and_then(Value::as_str) {
        Some(key) if pure.contains(&key) => {}
        Some(key) => found.push((format!("{of} {key}"), why(key, impure))),
        None => unknown(body, found),
    }
}

/// A list, or what stands alone for a list of one.
fn each(value: &Value, found: &mut Found, take: impl Fn(&Value, &mut Found)) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| take(value, found)),
        value => take(value, found),
    }
}

/// The one member of an object that has no other.
fn only(value: &Value) -> Option<(&str, &Value)> {
    let members: &Map<String, Value> = value.as_object()?;
    let mut members = members.iter();
    let (name, body) = members.next()?;
    members.next().is_none().then_some((name.as_str(), body))
}

fn why(name: &str, known: &[(&str, Dependence)]) -> Dependence {
    let found = known.iter().find(|(known, _)| *known == name);
    found.map_or(Dependence::Unknown, |(_, why)| *why)
}

fn unknown(value: &Value, found: &mut Found) {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    found.push((quote(&text), Dependence::Unknown));
}
