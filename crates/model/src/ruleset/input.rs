//! Commands as text for `iptables-restore`.

use std::collections::BTreeMap;

use super::command::{Command, Verb};
use super::tables::TableName;
use fwlab_record::Family;

/// Commands as text for `iptables-restore`, each rule with its command's number for its counter of packets, so that
/// `iptables-save -c` says which rule came of which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    text: String,
    table: TableName,
    /// The place of its command; nothing for `*table` and COMMIT.
    command: Option<usize>,
    /// Whether it is for a second run of the loader, with `--noflush`.
    is_later: bool,
}

impl Input {
    /// Of these commands those that are wanted, by their place.
    pub(super) fn of(commands: &[Command], wanted: impl Fn(usize) -> bool) -> Input {
        Input::written(commands, wanted, |at, command| {
            // With counters of its own that are left, it is refused for these.
            if adds(command) && !command.words.iter().any(|word| word == "-c") {
                format!("[{}:0] {command}", at + 1)
            } else {
                command.to_string()
            }
        })
    }

    /// The same, with each rule's number in a comment, for a loader that loses counters. A rule that is removed by what
    /// it says is taken to be the first that was written in the same words.
    pub(super) fn commented(
        commands: &[Command],
        family: Family,
        wanted: impl Fn(usize) -> bool,
    ) -> Input {
        let mut said: BTreeMap<(TableName, &[String]), Vec<usize>> = BTreeMap::new();
        for (at, command) in commands.iter().enumerate() {
            if adds(command) && wanted(at) {
                let words = command.words.get(1..).unwrap_or_default();
                said.entry((command.table, words)).or_default().push(at);
            }
        }
        let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, command) in commands.iter().enumerate().filter(|(at, _)| wanted(*at)) {
            if adds(command) {
                numbers.insert(at, at);
                continue;
            }
            let key = (command.table, command.words.get(1..).unwrap_or_default());
            if command.verb == Verb::Remove
                && let Some(alike) = said.get_mut(&key)
                && let Some(first) = alike.iter().position(|added| *added < at)
            {
                numbers.insert(at, alike.remove(first));
            }
        }
        Input::written(commands, wanted, |at, command| match numbers.get(&at) {
            Some(number) => commented(command, family, number + 1),
            None => command.to_string(),
        })
    }

    fn written(
        commands: &[Command],
        wanted: impl Fn(usize) -> bool,
        write: impl Fn(usize, &Command) -> String,
    ) -> Input {
        let mut lines = Vec::with_capacity(commands.len() + 8);
        for &table in TableName::ALL {
            let of_table = commands.iter().enumerate();
            let of_table = of_table.filter(|(_, command)| command.table == table);
            let mut is_open = false;
            // Before there is a rule or a policy, nothing can get in another's way.
            let mut has_made = false;
            let mut is_later = false;
            let mut behind_change = false;
            for (at, command) in of_table {
                let mut line = |text: String, command, is_later| {
                    lines.push(Line {
                        text,
                        table,
                        command,
                        is_later,
                    });
                };
                if !std::mem::replace(&mut is_open, true) {
                    line(format!("*{table}"), None, false);
                } else if has_made && (behind_change || command.stands_alone()) {
                    line("COMMIT".to_owned(), None, is_later);
                    is_later = true;
                    line(format!("*{table}"), None, true);
                }
                has_made |= adds(command) || command.verb == Verb::Policy;
                behind_change = command.stands_alone() && command.verb != Verb::NewChain;
                if wanted(at) {
                    line(write(at, command), Some(at), is_later);
                }
            }
            if is_open {
                lines.push(Line {
                    text: "COMMIT".to_owned(),
                    table,
                    command: None,
                    is_later,
                });
            }
        }
        Input { lines }
    }

    /// What the loader is given: the first text as usual, the others with `--noflush`. A line stands in one of them,
    /// and in each at its place, so that what is said of line 7 is about line 7.
    pub fn batches(&self) -> Vec<String> {
        let batch = |later: bool| {
            let mut text = String::new();
            for line in &self.lines {
                if line.is_later == later {
                    text.push_str(&line.text);
                }
                text.push('\n');
            }
            text
        };
        let mut batches = vec![batch(false)];
        if self.lines.iter().any(|line| line.is_later) {
            batches.push(batch(true));
        }
        batches
    }

    /// The table of a line, 1 for the first.
    pub(super) fn table(&self, line: u32) -> Option<TableName> {
        Some(self.line(line)?.table)
    }

    /// The place of a line's command.
    pub(super) fn command(&self, line: u32) -> Option<usize> {
        self.line(line)?.command
    }

    /// The places of the commands that it holds.
    pub(super) fn commands(&self) -> impl Iterator<Item = usize> {
        self.lines.iter().filter_map(|line| line.command)
    }

    fn line(&self, line: u32) -> Option<&Line> {
        self.lines.get((line as usize).checked_sub(1)?)
    }
}

fn adds(command: &Command) -> bool {
    matches!(command.verb, Verb::Add | Verb::Replace)
}

/// A command with a number for its comment, in the place of its own where it has one.
fn commented(command: &Command, family: Family, number: usize) -> String {
    let mut command = command.clone();
    let walk = command.walk(family);
    let own = walk.pieces.iter().find(|piece| piece.is("comment"));
    match own.and_then(|piece| piece.first).map(|value| value.word) {
        Some(word) if command.words[word - 1] == "--comment" => {
            command.words[word] = number.to_string();
            command.to_string()
        }
        _ => format!("{command} -m comment --comment {number}"),
    }
}
