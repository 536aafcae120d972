//! Interfaces, divided by the conditions that name them.

use std::collections::BTreeSet;

use fwlab_record::InterfaceName;

use crate::Value;

/// The most names that are written out.
const WRITTEN: usize = 4;

/// Divides interfaces by conditions, each of which holds for the names in it; `eth+` is every one that begins so. What no
/// condition names is last.
pub(crate) fn values(conditions: &[BTreeSet<String>], usual: &[InterfaceName]) -> Vec<Value> {
    let mut distinct: Vec<&BTreeSet<String>> = Vec::new();
    for names in conditions {
        if !distinct.contains(&names) {
            distinct.push(names);
        }
    }
    let conditions = distinct;
    let holding = |name: &str| -> Vec<bool> {
        let held = conditions
            .iter()
            .map(|names| names.iter().any(|pattern| holds(pattern, name)));
        held.collect()
    };
    let mut named: Vec<(String, Vec<String>)> = Vec::new();
    for pattern in conditions.iter().copied().flatten() {
        if pattern == "lo" || named.iter().any(|(known, _)| known == pattern) {
            continue;
        }
        match pattern.strip_suffix('+') {
            None => named.push((pattern.clone(), vec![pattern.clone()])),
            Some(begin) => {
                let names = (0..100).map(|number| format!("{begin}{number}"));
                let exact = |name: &String| conditions.iter().any(|names| names.contains(name));
                let fresh = names.filter(|name| !exact(name)).take(2).collect();
                named.push((pattern.clone(), fresh));
            }
        }
    }
    let none = vec![false; conditions.len()];
    // Those that every condition holds for alike are one.
    let mut parts: Vec<(Vec<bool>, Vec<String>, Vec<InterfaceName>)> = Vec::new();
    for (words, names) in named {
        for name in names {
            let held = holding(&name);
            let Ok(interface) = InterfaceName::new(name) else {
                continue;
            };
            let place = parts.iter().position(|(known, ..)| *known == held);
            let place = place.unwrap_or_else(|| {
                parts.push((held, Vec::new(), Vec::new()));
                parts.len() - 1
            });
            let (_, all_words, interfaces) = &mut parts[place];
            if !all_words.contains(&words) {
                all_words.push(words.clone());
            }
            interfaces.push(interface);
        }
    }
    let mut values: Vec<Value> = parts
        .into_iter()
        .map(|(_, words, interfaces)| {
            // What a pattern holds for need not be said once more by name.
            Value::interfaces(written(&words), false, interfaces)
        })
        .collect();
    let fallback =
        ["e0", "e1", "link0", "link1"].map(|name| InterfaceName::new(name).expect("a name"));
    let rest: Vec<InterfaceName> = usual
        .iter()
        .chain(&fallback)
        .filter(|name| holding(name.as_str()) == none)
        .cloned()
        .collect();
    if !rest.is_empty() {
        values.push(Value::interfaces(String::new(), true, rest));
    }
    values
}

fn holds(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('+') {
        Some(begin) => name.starts_with(begin),
        None => pattern == name,
    }
}

fn written(words: &[String]) -> String {
    if words.len() <= WRITTEN {
        return words.join(", ");
    }
    let more = words.len() - WRITTEN + 1;
    format!("{} and {more} more", words[..WRITTEN - 1].join(", "))
}
