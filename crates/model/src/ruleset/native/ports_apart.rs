//! The ports of TCP that a rule of nft tells from others, in every form that nft writes them.

use serde_json::Value;

use super::effect::port_ranges;
use crate::ruleset::apart::Members;
use crate::ruleset::by_port::PortEnd;
use crate::ruleset::only::PortRange;
use fwlab_record::ChainId;

/// Those of a rule: as they stand there, and in the named sets and maps that it looks in, as these are listed.
pub(super) fn ports_apart(
    statements: &[Value],
    of: &ChainId,
    members: &Members<'_>,
) -> Vec<(PortEnd, PortRange)> {
    let looks = statements.iter().filter_map(|statement| {
        if let Some(it) = statement.get("match") {
            return Some((&it["left"], it["op"].as_str(), &it["right"]));
        }
        let it = statement.get("vmap")?;
        Some((&it["key"], None, &it["data"]))
    });
    let mut found = Vec::new();
    for (left, op, right) in looks {
        for (end, at) in port_fields(left) {
            let named = right.as_str().and_then(|name| name.strip_prefix('@'));
            let listed: &[Value] = match named {
                Some(name) => {
                    let id = (of.family, of.table.clone(), name.to_owned());
                    members
                        .get(&id)
                        .copied()
                        .flatten()
                        .map_or(&[], Vec::as_slice)
                }
                None => right["set"]
                    .as_array()
                    .map_or(std::slice::from_ref(right), Vec::as_slice),
            };
            let ranges = listed.iter().filter_map(|element| {
                let ports = port_ranges(component(element, at)?)?;
                Some(ports.into_iter().filter_map(|ports| compared(op, ports)))
            });
            found.extend(ranges.flatten().map(|ports| (end, ports)));
        }
    }
    found
}

/// The fields of an expression that are a port of TCP; of one that is put together, at which place each stands.
fn port_fields(left: &Value) -> Vec<(PortEnd, Option<usize>)> {
    let end = |value: &Value| {
        let field = &value["payload"];
        if !matches!(field["protocol"].as_str(), Some("tcp" | "th")) {
            return None;
        }
        match field["field"].as_str()? {
            "sport" => Some(PortEnd::Source),
            "dport" => Some(PortEnd::Destination),
            _ => None,
        }
    };
    match left["concat"].as_array() {
        Some(parts) => {
            let parts = parts.iter().enumerate();
            parts
                .filter_map(|(at, part)| Some((end(part)?, Some(at))))
                .collect()
        }
        None => end(left).map(|end| (end, None)).into_iter().collect(),
    }
}

/// What an element of a set or map says of one field.
fn component(element: &Value, at: Option<usize>) -> Option<&Value> {
    // An element of a map is a key and what it stands for.
    let key = match element.as_array().map(Vec::as_slice) {
        Some([key, _]) => key,
        Some(_) => return None,
        None => element,
    };
    let key = key["elem"].get("val").unwrap_or(key);
    match at {
        Some(at) => key["concat"].get(at),
        None => Some(key),
    }
}

/// The ports that a comparison tells from the rest.
fn compared(op: Option<&str>, (first, last): PortRange) -> Option<PortRange> {
    match op {
        Some(">=") => Some((first, u16::MAX)),
        Some(">") => Some((last.checked_add(1)?, u16::MAX)),
        Some("<=") => Some((0, last)),
        Some("<") => Some((0, first.checked_sub(1)?)),
        _ => Some((first, last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fwlab_record::TableFamily;
    use serde_json::json;

    #[test]
    fn ports_in_every_form_of_a_rule() {
        let chain = ChainId {
            family: TableFamily::Ip,
            table: "t".into(),
            chain: "c".into(),
        };
        let set = vec![
            json!(21),
            json!({"elem": {"val": {"range": [7, 9]}, "timeout": 5}}),
        ];
        let map = vec![json!([{"concat": ["192.0.2.1", {"range": [5, 6]}]}, {"drop": null}])];
        let of = |name: &str| (TableFamily::Ip, "t".to_owned(), name.to_owned());
        let members = Members::from([(of("s"), Some(&set)), (of("m"), Some(&map))]);
        let to = json!({"payload": {"protocol": "tcp", "field": "dport"}});
        let from = json!({"payload": {"protocol": "th", "field": "sport"}});
        let both = json!({"concat": [{"payload": {"protocol": "ip", "field": "daddr"}}, to]});
        let range = json!({"range": [40000, 40100]});
        let matches = |left: &Value, op: &str, right: Value| json!({"match": {"left": left, "op": op, "right": right}});
        let (source, destination) = (PortEnd::Source, PortEnd::Destination);
        for (statement, expected) in [
            (
                matches(&to, "==", range.clone()),
                vec![(destination, (40000, 40100))],
            ),
            (
                matches(&to, "!=", range.clone()),
                vec![(destination, (40000, 40100))],
            ),
            (
                matches(&to, ">=", json!(40000)),
                vec![(destination, (40000, 65535))],
            ),
            (matches(&to, ">", json!(65535)), vec![]),
            (
                matches(&to, "<", json!(40000)),
                vec![(destination, (0, 39999))],
            ),
            (
                matches(&from, "==", json!("@s")),
                vec![(source, (21, 21)), (source, (7, 9))],
            ),
            (matches(&from, "==", json!("@unknown")), vec![]),
            (
                matches(&both, "==", json!({"set": [{"concat": ["192.0.2.1", 21]}]})),
                vec![(destination, (21, 21))],
            ),
            (
                json!({"vmap": {"key": to, "data": {"set": [[21, {"accept": null}], [range, {"drop": null}]]}}}),
                vec![(destination, (21, 21)), (destination, (40000, 40100))],
            ),
            (
                json!({"vmap": {"key": both, "data": "@m"}}),
                vec![(destination, (5, 6))],
            ),
            (
                matches(
                    &json!({"payload": {"protocol": "udp", "field": "dport"}}),
                    "==",
                    json!(53),
                ),
                vec![],
            ),
        ] {
            let found = ports_apart(std::slice::from_ref(&statement), &chain, &members);
            assert_eq!(found, expected, "{statement}");
        }
    }
}
