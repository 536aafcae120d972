use fwlab_record::Family;
use serde_json::{Map, Value};

use super::answer::Answered;
use crate::reading::Reading;

/// A rule that says which table of routes is asked for which packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRule {
    /// The family of its packets.
    pub family: Family,
    /// The lower one is asked first.
    pub priority: u32,
    /// The packets and what becomes of them, in the words of `ip rule`: `from all lookup main`.
    pub words: String,
}

impl PolicyRule {
    /// Whether every host has it.
    pub fn is_usual(&self) -> bool {
        matches!(
            (self.priority, self.words.as_str()),
            (0, "from all lookup local")
                | (32766, "from all lookup main")
                | (32767, "from all lookup default")
        )
    }
}

impl Answered<'_> {
    pub(crate) fn policy_rules(&self, reading: &mut Reading<'_>) -> Vec<PolicyRule> {
        let family = self.family();
        if self.is_json() {
            let rules: Vec<Map<String, Value>> = self.json(reading);
            let rules = rules.iter().filter(|rule| !rule.is_empty());
            return rules
                .map(|rule| PolicyRule {
                    family,
                    priority: rule
                        .get("priority")
                        .and_then(Value::as_u64)
                        .and_then(|priority| priority.try_into().ok())
                        .unwrap_or(0),
                    words: words(rule),
                })
                .collect();
        }
        let mut rules = Vec::new();
        for (line, text) in self.text() {
            let rule = text.split_once(':').and_then(|(priority, words)| {
                Some(PolicyRule {
                    family,
                    priority: priority.parse().ok()?,
                    words: words.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
                })
            });
            match rule {
                Some(rule) => rules.push(rule),
                None => self.not_understood(reading, line, &text),
            }
        }
        rules
    }
}

/// What an object of JSON says, in the order and the words in which `ip rule` says it.
fn words(rule: &Map<String, Value>) -> String {
    let said = |key: &str| rule.get(key).map(plain);
    let prefix = |key: &str, length: &str| {
        let length = said(length).map(|length| format!("/{length}"));
        said(key).map(|address| address + &length.unwrap_or_default())
    };
    let mut words = Vec::new();
    if rule.contains_key("not") {
        words.push("not".to_owned());
    }
    words.push(format!(
        "from {}",
        prefix("src", "srclen").unwrap_or("all".into())
    ));
    words.extend(prefix("dst", "dstlen").map(|to| format!("to {to}")));
    if let Some(mark) = said("fwmark") {
        let mask = said("fwmask").map(|mask| format!("/{mask}"));
        words.push(format!("fwmark {mark}{}", mask.unwrap_or_default()));
    }
    let told = [
        "priority", "not", "src", "srclen", "dst", "dstlen", "fwmark", "fwmask", "table", "action",
    ];
    for (key, value) in rule {
        if !told.contains(&key.as_str()) {
            words.push(format!("{key} {}", plain(value)));
        }
    }
    words.extend(said("table").map(|table| format!("lookup {table}")));
    words.extend(said("action"));
    words.join(" ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
