//! What a rule can do to a packet, and to which.

use serde_json::Value;

use crate::ruleset::apart::Members;
use crate::ruleset::only::{ICMPV6, Only, PortRange, TCP, UDP, protocol_number};
use fwlab_record::ChainId;

/// What a rule does with a packet that matches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing that the packet notices: it logs or counts.
    Idle,
    /// It ends the packet's way through its chain.
    Returns,
    /// What the chain does that it jumps to.
    Jumps(String),
    /// It decides what becomes of the packet, or changes it.
    Decides,
}

/// Statements that leave the packet as it is, and where it is.
const IDLE: &[&str] = &[
    "continue", "counter", "last", "limit", "log", "map", "match", "quota", "set", "ct count",
    "meter",
];

/// What the statements of a rule do.
pub(super) fn effect(statements: &[Value]) -> Effect {
    let mut effect = Effect::Idle;
    for (name, body) in statements.iter().filter_map(Value::as_object).flatten() {
        effect = match name.as_str() {
            name if IDLE.contains(&name) => continue,
            "return" if effect == Effect::Idle => Effect::Returns,
            "jump" if effect == Effect::Idle => match body["target"].as_str() {
                Some(target) => Effect::Jumps(target.to_owned()),
                None => Effect::Decides,
            },
            _ => Effect::Decides,
        };
    }
    effect
}

/// The chains that the statements of a rule may lead to: a jump's own target, and those of verdict maps, named ones too.
pub(super) fn targets(statements: &[Value], of: &ChainId, members: &Members<'_>) -> Vec<String> {
    let mut found = Vec::new();
    statements
        .iter()
        .for_each(|statement| leading(statement, &mut found));
    let mut named = Vec::new();
    statements
        .iter()
        .for_each(|statement| sets(statement, &mut named));
    for name in named {
        let id = (of.family, of.table.clone(), name);
        let listed = members.get(&id).copied().flatten();
        listed
            .into_iter()
            .flatten()
            .for_each(|member| leading(member, &mut found));
    }
    found.sort();
    found.dedup();
    found
}

fn leading(value: &Value, found: &mut Vec<String>) {
    match value {
        // nft has no JSON for a chain without a name, and writes it as text.
        Value::String(text) if text.starts_with("jump {") || text.starts_with("goto {") => {
            found.push("{ … }".to_owned());
        }
        Value::Array(values) => values.iter().for_each(|value| leading(value, found)),
        Value::Object(members) => {
            for (name, body) in members {
                match (name.as_str(), body["target"].as_str()) {
                    ("jump" | "goto", Some(target)) => found.push(target.to_owned()),
                    _ => leading(body, found),
                }
            }
        }
        _ => {}
    }
}

/// The named sets and maps that the statements of a rule mention.
pub(super) fn sets(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.extend(text.strip_prefix('@').map(str::to_owned)),
        Value::Array(values) => values.iter().for_each(|value| sets(value, found)),
        Value::Object(members) => members.values().for_each(|value| sets(value, found)),
        _ => {}
    }
}

/// The packets that a rule looks at, by its protocol and ports.
pub(super) fn looked_at(statements: &[Value]) -> Only {
    let mut only = Only::default();
    for (name, body) in statements.iter().filter_map(Value::as_object).flatten() {
        // A field of a protocol's header is looked at in that protocol's packets alone, whatever it is compared to.
        match name.as_str() {
            "match" => headers(&body["left"], &mut only),
            "vmap" => headers(&body["key"], &mut only),
            _ => {}
        }
        if name != "match" || !matches!(body["op"].as_str(), Some("==" | "in")) {
            continue;
        }
        let (left, right) = (&body["left"], &body["right"]);
        let field = &left["payload"];
        let named = match (field["protocol"].as_str(), field["field"].as_str()) {
            _ if left["meta"]["key"] == "l4proto" => protocols(right),
            (Some("ip"), Some("protocol")) => protocols(right),
            // What stands first there need not be what is transported.
            (Some("ip6"), Some("nexthdr")) => protocols(right)
                .filter(|numbers| numbers.iter().all(|number| LAST.contains(number))),
            _ => None,
        };
        if let Some(numbers) = named {
            only.of_protocols(&numbers);
        }
        let ports = match field["field"].as_str() {
            Some("dport") => &mut only.to_ports,
            Some("sport") => &mut only.from_ports,
            _ => continue,
        };
        *ports = port_ranges(right);
    }
    only
}

/// Protocols behind which IPv6 has no header more.
const LAST: [u8; 3] = [TCP, UDP, ICMPV6];

/// Narrows to the protocols in whose headers an expression looks.
fn headers(value: &Value, only: &mut Only) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| headers(value, only)),
        Value::Object(members) => {
            for (name, body) in members {
                match (name.as_str(), body["protocol"].as_str()) {
                    ("tcp option", _) => only.protocol("tcp"),
                    // Not one within another packet.
                    ("payload", Some(protocol)) if body["tunnel"].is_null() => {
                        only.protocol(protocol);
                    }
                    _ => headers(body, only),
                }
            }
        }
        _ => {}
    }
}

fn protocols(value: &Value) -> Option<Vec<u8>> {
    if let Some(elements) = value["set"].as_array() {
        let numbers = elements.iter().map(protocols);
        return Some(numbers.collect::<Option<Vec<_>>>()?.concat());
    }
    let number = match value.as_u64() {
        Some(number) => u8::try_from(number).ok()?,
        None => protocol_number(value.as_str()?)?,
    };
    Some(vec![number])
}

pub(super) fn port_ranges(value: &Value) -> Option<Vec<PortRange>> {
    let port = |value: &Value| u16::try_from(value.as_u64()?).ok();
    if let Some(port) = port(value) {
        return Some(vec![(port, port)]);
    }
    if let Some(range) = value["range"].as_array() {
        return match range.as_slice() {
            [first, last] => Some(vec![(port(first)?, port(last)?)]),
            _ => None,
        };
    }
    let elements = value["set"].as_array()?;
    let ranges = elements
        .iter()
        .map(port_ranges)
        .collect::<Option<Vec<_>>>()?;
    Some(ranges.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_logs_or_counts_does_nothing() {
        let limit = json!({"limit": {"rate": 1, "per": "second"}});
        for (statements, expected) in [
            (json!([limit, {"log": null}]), Effect::Idle),
            (json!([limit, {"drop": null}]), Effect::Decides),
            (json!([limit, {"return": null}]), Effect::Returns),
            (
                json!([{"jump": {"target": "logs"}}]),
                Effect::Jumps("logs".into()),
            ),
            (json!([{"mangle": {}}, {"return": null}]), Effect::Decides),
            (json!([{"something new": 1}]), Effect::Decides),
        ] {
            let statements = statements.as_array().expect("a list");
            assert_eq!(effect(statements), expected, "{statements:?}");
        }
    }

    #[test]
    fn ports_in_all_their_forms() {
        for (right, expected) in [
            (json!(21), Some(vec![(21, 21)])),
            (json!({"range": [20, 21]}), Some(vec![(20, 21)])),
            (
                json!({"set": [21, {"range": [50000, 50100]}]}),
                Some(vec![(21, 21), (50000, 50100)]),
            ),
            (json!("@ports"), None),
            (json!({"set": ["ftp"]}), None),
        ] {
            assert_eq!(port_ranges(&right), expected, "{right}");
        }
    }
}
