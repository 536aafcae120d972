//! Whether a rule tells segments of data apart by PSH: what it says of `tcp flags` is worked out for each.

use serde_json::{Value, json};

use crate::ruleset::by_push::{SEGMENTS, flag};
use fwlab_record::TcpFlags;

/// Whether the statements of a rule do otherwise with a segment of data that has PSH.
pub(super) fn tells_apart(statements: &[Value]) -> bool {
    SEGMENTS.iter().any(|segment| {
        let [without, with] =
            [*segment, segment | TcpFlags::PSH].map(|flags| answers(statements, flags));
        without != with
    })
}

/// What the statements that look at flags say of a segment with these.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// The element of a verdict map that it is looked up as.
    Element(Option<usize>),
    /// What nobody here can work out, and so may be another for other flags.
    Unknown(u8),
}

/// Nothing where the rule does not match.
fn answers(statements: &[Value], flags: u8) -> Option<Vec<Answer>> {
    let mut answers = Vec::new();
    for statement in statements {
        let (matched, looked_up) = (&statement["match"], &statement["vmap"]);
        if looks_at_flags(&matched["left"]) {
            match is_matched(matched, flags) {
                Some(false) => return None,
                Some(true) => {}
                None => answers.push(Answer::Unknown(flags)),
            }
        }
        if looks_at_flags(&looked_up["key"]) {
            let element = element(looked_up, flags);
            answers.push(element.map_or(Answer::Unknown(flags), Answer::Element));
        }
    }
    Some(answers)
}

fn is_flags(value: &Value) -> bool {
    value["payload"] == json!({"protocol": "tcp", "field": "flags"})
}

fn looks_at_flags(value: &Value) -> bool {
    match value {
        _ if is_flags(value) => true,
        Value::Array(values) => values.iter().any(looks_at_flags),
        Value::Object(members) => members.values().any(looks_at_flags),
        _ => false,
    }
}

fn is_matched(matched: &Value, flags: u8) -> Option<bool> {
    let left = number(&matched["left"], flags)?;
    let right = &matched["right"];
    let is_among = |value: u8| match right["set"].as_array() {
        Some(elements) => {
            let elements = elements.iter().map(|element| number(element, flags));
            let elements: Vec<u8> = elements.collect::<Option<_>>()?;
            Some(elements.contains(&value))
        }
        None => Some(number(right, flags)? == value),
    };
    Some(match matched["op"].as_str()? {
        "==" => is_among(left)?,
        "!=" => !is_among(left)?,
        "in" => left & number(right, flags)? != 0,
        "!" => left & number(right, flags)? == 0,
        "<" => left < number(right, flags)?,
        ">" => left > number(right, flags)?,
        "<=" => left <= number(right, flags)?,
        ">=" => left >= number(right, flags)?,
        _ => return None,
    })
}

/// Which element of a verdict map is found.
fn element(looked_up: &Value, flags: u8) -> Option<Option<usize>> {
    let key = number(&looked_up["key"], flags)?;
    let elements = looked_up["data"]["set"].as_array()?;
    let keys = elements.iter().map(|element| number(&element[0], flags));
    let keys: Vec<u8> = keys.collect::<Option<_>>()?;
    Some(keys.iter().position(|one| *one == key))
}

/// An expression's value for a segment with these flags.
fn number(value: &Value, flags: u8) -> Option<u8> {
    let each = |values: &[Value]| -> Option<Vec<u8>> {
        values.iter().map(|value| number(value, flags)).collect()
    };
    match value {
        _ if is_flags(value) => Some(flags),
        Value::Number(number) => u8::try_from(number.as_u64()?).ok(),
        Value::String(name) => Some(flag(name)).filter(|flag| *flag != 0),
        Value::Array(names) => Some(each(names)?.into_iter().fold(0, |one, other| one | other)),
        Value::Object(members) => {
            let (operator, operands) = members.iter().next()?;
            let operands = each(operands.as_array()?)?.into_iter();
            match operator.as_str() {
                "|" => operands.reduce(|one, other| one | other),
                "&" => operands.reduce(|one, other| one & other),
                "^" => operands.reduce(|one, other| one ^ other),
                _ => None,
            }
        }
        Value::Null | Value::Bool(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(op: &str, left: &Value, right: &Value) -> bool {
        tells_apart(&[json!({"match": {"op": op, "left": left, "right": right}})])
    }

    #[test]
    fn matches_as_nft_lists_them() {
        let flags = json!({"payload": {"protocol": "tcp", "field": "flags"}});
        let masked = |mask: Value| json!({"&": [flags, mask]});
        for (op, left, right, expected) in [
            ("!", &flags, json!(["fin", "syn", "psh"]), true),
            ("!", &flags, json!(["fin", "syn"]), false),
            ("in", &flags, json!("psh"), true),
            ("in", &flags, json!(["psh", "ack"]), false),
            ("==", &flags, json!("ack"), true),
            ("==", &flags, json!("psh"), false),
            ("!=", &flags, json!("ack"), true),
            (">", &flags, json!("ack"), true),
            ("<", &flags, json!("psh"), false),
            ("==", &masked(json!(["psh", "ack"])), json!("psh"), false),
            ("==", &masked(json!(["fin", "psh"])), json!("psh"), true),
            (
                "==",
                &masked(json!({"|": ["syn", "ack"]})),
                json!("ack"),
                false,
            ),
            (
                "==",
                &flags,
                json!({"set": [{"|": ["psh", "ack"]}, "ack"]}),
                false,
            ),
            ("==", &flags, json!({"set": ["syn", "ack"]}), true),
            ("==", &flags, json!("@a_set"), true),
            (
                "==",
                &json!({"payload": {"protocol": "tcp", "field": "dport"}}),
                json!(21),
                false,
            ),
        ] {
            assert_eq!(told(op, left, &right), expected, "{op} {left} {right}");
        }
    }

    #[test]
    fn a_verdict_map_is_looked_up() {
        let vmap = |data: Value| {
            let key = json!({"payload": {"protocol": "tcp", "field": "flags"}});
            tells_apart(&[json!({"vmap": {"key": key, "data": {"set": data}}})])
        };
        assert!(vmap(json!([["ack", {"drop": null}]])));
        assert!(!vmap(
            json!([["syn", {"drop": null}], ["psh", {"drop": null}]])
        ));
        assert!(tells_apart(&[json!({"vmap": {
            "key": {"payload": {"protocol": "tcp", "field": "flags"}},
            "data": "@a_map"
        }})]));
    }

    #[test]
    fn what_one_statement_leaves_out_another_does_not_tell_apart() {
        let flags = json!({"payload": {"protocol": "tcp", "field": "flags"}});
        let is = |right: &str| json!({"match": {"op": "in", "left": flags, "right": right}});
        assert!(!tells_apart(&[is("psh"), is("syn")]));
    }
}
