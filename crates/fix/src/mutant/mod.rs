//! A ruleset's own text with one mistake in it, as somebody might make it.

mod policy;
mod words;

use std::fmt;

use fwlab_model::ruleset::{Format, Source, recognise};

use crate::edit::Text;
use crate::take_away;

/// What was made otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A rule was taken away.
    Dropped,
    /// A rule asks less: these words of it were left out.
    Widened(String),
    /// A rule stands behind the one that followed it in its chain, which is on this line.
    Moved(u32),
    /// A policy accepts.
    PolicyAccepts,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Dropped => f.write_str("taken away"),
            Change::Widened(words) => write!(f, "without `{words}`"),
            Change::Moved(line) => write!(f, "after line {line}"),
            Change::PolicyAccepts => f.write_str("with the policy ACCEPT"),
        }
    }
}

/// A text with one mistake in it.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// The line that was changed, as the text was before.
    pub line: u32,
    /// How.
    pub change: Change,
    /// The text.
    pub source: Source,
}

/// A line of a text that holds rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleLine {
    /// The line.
    pub line: u32,
    /// Their chain, whatever it is called: what matters is which lines have the same.
    pub chain: String,
}

/// A text with each of its rules taken away, asking less, and behind the next one of its chain; and with each policy that stops
/// packets accepting. Whether one loads, or is the same to the kernel, is not known here. The lines are those of its rules, in
/// order.
pub fn mutants(source: &Source, rules: &[RuleLine]) -> Vec<Mutant> {
    let text = Text::of(source);
    let is_script = recognise(source) == Format::Nft;
    let mut found = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let mutant = |change, source| Mutant {
            line: rule.line,
            change,
            source,
        };
        if let Ok(without) = take_away(source, rule.line) {
            found.push(mutant(Change::Dropped, without));
        }
        let Some(line) = text.alone(rule.line) else {
            continue;
        };
        let widened = match is_script {
            true => words::of_script(line).into_iter().collect(),
            false => words::of_iptables(line),
        };
        for (left_out, widened) in widened {
            let changed = text.with(source, rule.line, &widened);
            found.extend(changed.map(|changed| mutant(Change::Widened(left_out), changed)));
        }
        let next = rules[at + 1..].iter().find(|next| next.chain == rule.chain);
        let next = next.and_then(|next| Some((next.line, text.alone(next.line)?)));
        if let Some((next, other)) = next.filter(|(_, other)| *other != line) {
            let moved = text.with(source, rule.line, other);
            let moved = moved.and_then(|moved| Text::of(&moved).with(&moved, next, line));
            found.extend(moved.map(|moved| mutant(Change::Moved(next), moved)));
        }
    }
    for (line, accepting) in policy::accepting(&text, is_script) {
        found.extend(text.with(source, line, &accepting).map(|source| Mutant {
            line,
            change: Change::PolicyAccepts,
            source,
        }));
    }
    found.sort_by_key(|mutant| mutant.line);
    found
}

impl Text {
    /// A line that neither continues another nor is continued.
    fn alone(&self, line: u32) -> Option<&str> {
        let place = self.place(line).ok()?;
        let continues = |line: &String| line.trim_end().ends_with('\\');
        let before = place
            .checked_sub(1)
            .and_then(|before| self.lines.get(before));
        let is_alone = !before.is_some_and(continues) && !continues(&self.lines[place]);
        is_alone.then_some(self.lines[place].as_str())
    }

    /// The source with another line in the place of one.
    fn with(&self, source: &Source, line: u32, other: &str) -> Option<Source> {
        let place = self.place(line).ok()?;
        let mut changed = Text::of(source);
        other.clone_into(&mut changed.lines[place]);
        Some(changed.into_source(source))
    }
}

#[cfg(test)]
mod tests;
