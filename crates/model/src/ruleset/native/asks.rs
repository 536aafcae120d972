//! What a rule asks of a packet and does to it beyond what transfers of FTP and new connections can meet.

use serde_json::Value;

use super::effect::port_ranges;
use crate::ruleset::asks::STATES;

/// What it asks or does beyond that, the first of it, and whether every packet that comes to it ends there.
pub(super) fn asks(statements: &[Value]) -> (Option<String>, bool) {
    let mut beyond = None;
    let (mut asks, mut decides, mut ends) = (false, false, false);
    for (name, body) in statements.iter().filter_map(Value::as_object).flatten() {
        let found = match name.as_str() {
            "match" => {
                asks = true;
                compared(body)
            }
            "counter" => None,
            "accept" | "drop" | "reject" => {
                (decides, ends) = (true, true);
                None
            }
            "return" | "jump" | "goto" | "ct helper" => {
                decides = true;
                None
            }
            other => Some(other.to_owned()),
        };
        beyond = beyond.or(found);
    }
    if !decides {
        beyond = beyond.or_else(|| Some("no verdict".to_owned()));
    }
    let ends_all = ends && !asks && beyond.is_none();
    (beyond, ends_all)
}

/// What a comparison is about, where it is beyond that.
fn compared(body: &Value) -> Option<String> {
    let (left, right) = (&body["left"], &body["right"]);
    let is_equal = matches!(body["op"].as_str(), Some("==" | "in"));
    if let Some(key) = left["meta"]["key"].as_str() {
        let is_known = match key {
            "iif" | "iifname" | "oif" | "oifname" => true,
            "l4proto" | "nfproto" | "protocol" => is_equal,
            _ => false,
        };
        return (!is_known).then(|| format!("meta {key}"));
    }
    if let Some(key) = left["ct"]["key"].as_str() {
        let mut words = Vec::new();
        written(right, &mut words);
        let is_known = match key {
            "state" => words.iter().all(|word| STATES.contains(word)),
            "helper" => is_equal && words == ["ftp"],
            _ => false,
        };
        return (!is_known).then(|| format!("ct {key}"));
    }
    let field = &left["payload"];
    let protocol = field["protocol"].as_str();
    match (protocol, field["field"].as_str()) {
        (Some("ip" | "ip6"), Some("saddr" | "daddr")) => None,
        (Some("ip"), Some("protocol")) | (Some("ip6"), Some("nexthdr")) if is_equal => None,
        (Some("tcp" | "udp" | "th"), Some("sport" | "dport"))
            if is_equal && port_ranges(right).is_some() =>
        {
            None
        }
        (Some(protocol), Some(field)) => Some(format!("{protocol} {field}")),
        _ => Some("a comparison that is not read".to_owned()),
    }
}

fn written<'v>(value: &'v Value, words: &mut Vec<&'v str>) {
    match value {
        Value::String(word) => words.push(word),
        Value::Array(values) => values.iter().for_each(|value| written(value, words)),
        Value::Object(members) => members.values().for_each(|value| written(value, words)),
        // A state by its number.
        _ => words.push("?"),
    }
}
