//! One transfer as a timeline: a column for each node.

use fwlab_record::CellRecord;

use crate::lanes::{lanes, place, words};
use crate::walked::walked;

/// The columns of the time and the event's number.
const TIME: usize = 16;

/// The narrowest column that a word of the trade fits into.
const NARROWEST: usize = 24;

/// What happened, in order: when, and in the column of the node where it was seen. Where the columns would be too narrow, one
/// below the other.
pub fn timeline(record: &CellRecord, width: usize) -> Vec<String> {
    let nodes = lanes(&record.evidence.facts);
    let column = width.saturating_sub(TIME) / nodes.len().max(1);
    let mut lines = Vec::new();
    if column >= NARROWEST {
        let heads = nodes
            .iter()
            .map(|node| format!("{:column$}", node.as_str()));
        let head = format!("{:TIME$}{}", "      ms  no.", heads.collect::<String>());
        lines.push(head.trim_end().to_owned());
    }
    for fact in &record.evidence.facts {
        let time = format!(
            "{}{:8.3}  {:<4} ",
            if fact.deciding { '▶' } else { ' ' },
            fact.at.as_secs_f64() * 1e3,
            fact.event.0
        );
        let at = nodes
            .iter()
            .position(|node| *node == place(fact))
            .unwrap_or(0);
        let (before, text) = match column >= NARROWEST {
            true => (at * column, words(fact)),
            false => (0, format!("{}: {}", place(fact), words(fact))),
        };
        // The last column may be as wide as the rest.
        let room = width.saturating_sub(TIME + before).max(NARROWEST);
        let room = if column >= NARROWEST {
            room.min(column.max(60))
        } else {
            room
        };
        let mut parts = wrapped(&text, room);
        if fact.deciding
            && let Some(way) = walked(&record.evidence)
        {
            let way = wrapped(&way, room.saturating_sub(2)).into_iter();
            parts.extend(way.map(|part| format!("  {part}")));
        }
        for (number, part) in parts.into_iter().enumerate() {
            let time = if number == 0 { time.as_str() } else { "" };
            let line = format!("{time:TIME$}{:before$}{part}", "");
            lines.push(line.trim_end().to_owned());
        }
    }
    if record.evidence.left_out > 0 {
        lines.push(format!(
            "{:TIME$}and {} events more",
            "", record.evidence.left_out
        ));
    }
    lines
}

/// A text in lines of at most so many columns, broken between words where it can be.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is one");
        let length = last.chars().count() + 1 + word.chars().count();
        if last.is_empty() {
            last.push_str(word);
        } else if length < width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(format!("  {word}"));
        }
    }
    lines
}
