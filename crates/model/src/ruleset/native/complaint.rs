use std::ops::Range;

use super::NativeScript;
use super::token::{Piece, Token, block, statements};
use crate::ruleset::helpers;
use crate::ruleset::text::{SourceLine, SourceText};

const NO_SUCH: &str = "No such file or directory";

/// Of a helper object.
const NO_SUCH_HELPER: &str = "the kernel of this machine has no helper of this type and protocol; FTP's is `type \"ftp\" protocol tcp`";

/// One complaint of nft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The line of the script; nothing where nft does not say which.
    pub line: Option<SourceLine>,
    /// Its own words.
    pub words: String,
    /// What the kernel's error means among rules, where that is not plain.
    pub meaning: Option<&'static str>,
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.meaning {
            Some(meaning) => write!(f, "{}: {meaning}", self.words),
            None => f.write_str(&self.words),
        }
    }
}

impl NativeScript {
    /// Reads what `nft -f -` wrote to its standard error. The lines of the script that it repeats, with marks below
    /// them, are left out.
    pub fn complaints(&self, stderr: &str) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let objects = self.helper_types();
        let mut lines = stderr.lines().peekable();
        while let Some(line) = lines.next() {
            if let Some((place, words)) = located(line) {
                // The line that it is about, then the marks.
                let marks = |line: &str| {
                    line.contains(['^', '~']) && line.chars().all(|char| " \t^~-".contains(char))
                };
                if lines.clone().nth(1).is_some_and(marks) {
                    lines.nth(1);
                }
                let line = place.of(self.source());
                let mut complaint = complaint(Some(line), words);
                let at = |(span, _): &&(Range<usize>, &str)| span.contains(&line.start);
                if words.contains(NO_SUCH)
                    && let Some((_, helper)) = objects.iter().find(at)
                {
                    complaint.meaning = Some(match *helper {
                        helpers::FTP => helpers::LOAD_FTP,
                        _ => NO_SUCH_HELPER,
                    });
                }
                complaints.push(complaint);
            } else if !line.trim().is_empty() {
                complaints.push(complaint(None, line.trim()));
            }
        }
        complaints
    }

    /// Those complaints that are of the script itself, and how many may be of where nft found itself after another: with a
    /// mistake in a statement that goes over several lines, as a set may, nft reads on in its midst and refuses all that is
    /// behind it.
    pub fn leading(&self, complaints: Vec<Complaint>) -> (Vec<Complaint>, usize) {
        let count = complaints.len();
        let mut is_lost = false;
        let mut leading = Vec::new();
        for complaint in complaints {
            if is_lost && complaint.words.starts_with("syntax error") {
                continue;
            }
            let statement = complaint.line.and_then(|line| self.statement(line.start));
            is_lost |= statement
                .is_some_and(|statement| statement.iter().any(|piece| piece.token == Token::End));
            leading.push(complaint);
        }
        let others = count - leading.len();
        (leading, others)
    }

    /// The statement of a chain, a set or of the script itself that a byte is in.
    fn statement(&self, at: usize) -> Option<&[Piece]> {
        let within = |pieces: &&[Piece]| match pieces {
            [first, .., last] => (first.span.start..last.span.end).contains(&at),
            [only] => only.span.contains(&at),
            [] => false,
        };
        let of_script = statements(self.pieces()).find(within)?;
        let (head, body) = block(of_script);
        let mut words = head
            .iter()
            .map(|piece| &self.source().text()[piece.span.clone()]);
        let object = words.find(|word| !matches!(*word, "add" | "create"));
        let bodies = match object {
            Some("table") => 2,
            Some("chain" | "set" | "map" | "flowtable") => 1,
            _ => 0,
        };
        let mut found = of_script;
        let mut body = body;
        for _ in 0..bodies {
            // In what stands before the braces, or at the end of a line between statements.
            let Some(inside) =
                body.filter(|body| body.first().is_some_and(|first| first.span.start <= at))
            else {
                break;
            };
            found = statements(inside).find(within)?;
            body = block(found).1;
        }
        Some(found)
    }
}

fn complaint(line: Option<SourceLine>, words: &str) -> Complaint {
    Complaint {
        line,
        words: words.to_owned(),
        meaning: meaning(words),
    }
}

/// A line, and its first and last column, in bytes and 1 for the first.
struct Place {
    line: u32,
    columns: (usize, usize),
}

impl Place {
    fn of(&self, source: &SourceText) -> SourceLine {
        let behind = source.text().len();
        let (start, end) = source.span_of_line(self.line).unwrap_or((behind, behind));
        let (first, last) = self.columns;
        let within = |at: usize| (start + at).min(end);
        let whole = |mut at: usize, step: fn(usize) -> usize| {
            while !source.text().is_char_boundary(at) {
                at = step(at);
            }
            at
        };
        source.source_line(
            whole(within(first.saturating_sub(1)), |at| at - 1),
            whole(within(last.max(first)), |at| at + 1),
        )
    }
}

/// `/dev/stdin:3:5-9: Error: words`
fn located(line: &str) -> Option<(Place, &str)> {
    let (place, words) = line
        .split_once(": Error: ")
        .or_else(|| line.split_once(": Warning: "))?;
    let mut place = place.rsplitn(3, ':');
    let (first, last) = place.next()?.split_once('-')?;
    let place = Place {
        columns: (first.parse().ok()?, last.parse().ok()?),
        line: place.next()?.parse().ok()?,
    };
    Some((place, words))
}

fn meaning(words: &str) -> Option<&'static str> {
    const MEANINGS: &[(&str, &str)] = &[
        (
            "Message too long",
            "more than an ordinary user may send to the kernel at once, about 600 rules: run as root",
        ),
        (
            "Could not process rule: No such file or directory",
            "there is no such table, chain, set or object, or this kernel does not support the statement",
        ),
        (
            "Could not process rule: Operation not supported",
            "this statement is not allowed in this hook, or this kernel does not support it",
        ),
        (
            "Could not process rule: Too many links",
            "the chains jump in a loop, or more than 16 deep",
        ),
        (
            "Could not resolve hostname",
            "the lab has no resolver: write addresses",
        ),
        (
            "Interface does not exist",
            "the node has no such interface: name one in the topology, or match by `iifname`, which needs no existing interface",
        ),
        (
            "User does not exist",
            "the lab does not know the host's users: write the number, as `id -u NAME` says there",
        ),
        (
            "Group does not exist",
            "the lab does not know the host's groups: write the number, as `getent group NAME` says there",
        ),
        (
            "unknown identifier",
            "not defined on any line before it: is a file missing?",
        ),
    ];
    MEANINGS
        .iter()
        .find(|(sign, _)| words.contains(sign))
        .map(|(_, meaning)| *meaning)
}
