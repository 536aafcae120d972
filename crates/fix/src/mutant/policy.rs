//! Policies that stop packets, made to accept.

use super::words::split;
use crate::edit::Text;

/// Each line with a policy that stops packets, as it would accept; by its number.
pub(super) fn accepting(text: &Text, is_script: bool) -> Vec<(u32, String)> {
    let lines = (text.first_line()..).zip(&text.lines);
    let accepting = lines.filter_map(|(number, line)| {
        let accepting = match is_script {
            true => of_script(line),
            false => of_iptables(line),
        };
        Some((number, accepting?))
    });
    accepting.collect()
}

/// `policy drop;`
fn of_script(line: &str) -> Option<String> {
    let code = line.split('#').next().unwrap_or_default();
    let is_policy = code.contains("hook ") || code.trim_start().starts_with("policy ");
    let place = code.find("policy drop").filter(|_| is_policy)?;
    let mut line = line.to_owned();
    line.replace_range(place..place + "policy drop".len(), "policy accept");
    Some(line)
}

/// `:INPUT DROP [0:0]`, `iptables -P INPUT DROP`
fn of_iptables(line: &str) -> Option<String> {
    let words = split(line);
    let at = match words.first().map(|word| &line[word.clone()]) {
        Some(first) if first.starts_with(':') => 1,
        _ => {
            let is_policy = |word: &&str| matches!(*word, "-P" | "--policy");
            let mut each = words.iter().map(|word| &line[word.clone()]);
            each.position(|word| is_policy(&word))? + 2
        }
    };
    let policy = words
        .get(at)
        .filter(|word| &line[(*word).clone()] == "DROP")?;
    let mut accepting = line.to_owned();
    accepting.replace_range(policy.clone(), "ACCEPT");
    Some(accepting)
}
