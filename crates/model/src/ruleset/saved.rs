//! Reads the format of `iptables-save` and `iptables-restore`.

use std::ops::Range;

use super::lookalike;
use super::mistake::{Draft, MistakeKind, Report, quote};
use super::pasted::only_prints;
use super::prompt::{Prompt, prompt};
use super::prose::Prose;
use super::quoting::{Word, restore_words};
use super::reading::{Reading, unknown_table};
use super::statement::{Form, Statement};
use super::tables::TableName;
use super::text::SourceText;
use fwlab_record::Family;

/// The table that is open while lines are read.
struct Open {
    /// Nothing when the table does not exist.
    table: Option<TableName>,
    span: Range<usize>,
}

pub(super) fn read(
    source: &SourceText,
    family: Family,
    reading: &mut Reading,
    report: &mut Report,
) {
    reading.is_for(family);
    let mut reader = Reader {
        text: source.text(),
        family,
        open: None,
        seen: Vec::new(),
        prose: Prose::new("outside of a table only `#` comments may stand"),
        reading,
        report,
    };
    let mut at = 0;
    for line in source.text().split_inclusive('\n') {
        let start = at;
        at += line.len();
        reader.line(line.trim_end_matches(['\n', '\r']), start);
    }
    reader.finish(source);
}

struct Reader<'t, 'r> {
    text: &'t str,
    family: Family,
    open: Option<Open>,
    seen: Vec<TableName>,
    prose: Prose,
    reading: &'r mut Reading,
    report: &'r mut Report,
}

impl<'t> Reader<'t, '_> {
    fn line(&mut self, line: &'t str, start: usize) {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        let span = start + indent..start + indent + trimmed.len();
        if trimmed.is_empty() {
            let is_fence = |fence: &Range<usize>| fence.start == start;
            if !line.is_empty() && !self.report.source().fences().iter().any(is_fence) {
                let note = "a line of blanks: left out; iptables-restore itself refuses it";
                self.report.note(start, start + line.len(), note);
            }
            return;
        }
        match trimmed.as_bytes()[0] {
            b'#' if indent > 0 => {
                self.report.note(
                    span.start,
                    span.end,
                    "a comment that is indented: iptables-restore itself refuses it",
                );
            }
            b'#' => {}
            b'*' => self.table(trimmed, span),
            b':' => self.chain(trimmed, span),
            _ if trimmed == "COMMIT" => self.commit(line, span),
            _ if is_rule(trimmed) => self.rule(line, start, span),
            _ if prompt(line).0 == Prompt::Sure => {
                self.report.note(span.start, span.end, "a prompt: left out");
            }
            _ if self.open.is_none() && only_prints(trimmed) => {
                let note = "a command that prints rules and changes none: left out";
                self.report.note(span.start, span.end, note);
            }
            _ => self
                .prose
                .line(span, trimmed, self.open.is_some(), self.report),
        }
    }

    fn table(&mut self, line: &'t str, span: Range<usize>) {
        self.close_unfinished();
        let name = line[1..]
            .split_ascii_whitespace()
            .next()
            .unwrap_or_default();
        let table = name.parse::<TableName>().ok();
        match table {
            None => self.report.push(|| unknown_table(name, span.clone())),
            Some(table) => {
                if self.seen.contains(&table) {
                    let note = format!(
                        "the table {table} stands here a second time: its rules up to here are gone, as in iptables-restore"
                    );
                    self.report.note(span.start, span.end, note);
                    let statement = self.statement(span.clone(), Vec::new());
                    self.reading.start_again(table, &statement, self.report);
                }
                self.seen.push(table);
            }
        }
        self.open = Some(Open { table, span });
    }

    fn close_unfinished(&mut self) {
        if let Some(open) = self.open.take() {
            let table = open.table.map_or("the table", TableName::word);
            self.report.push(|| {
                Draft::new(
                    MistakeKind::MissingCommit,
                    open.span,
                    format!("{table} has no COMMIT"),
                )
                .label("starts here, and never ends")
                .help("a line `COMMIT` ends each table; without it nothing of the table is loaded")
            });
        }
    }

    fn commit(&mut self, line: &str, span: Range<usize>) {
        if line != "COMMIT" {
            self.report.note(
                span.start,
                span.end,
                "blanks beside COMMIT: iptables-restore itself refuses them",
            );
        }
        if self.open.take().is_none() {
            self.report.push(|| {
                Draft::new(MistakeKind::OutsideTable, span, "COMMIT without a table")
                    .label("no `*table` before it")
            });
        }
    }

    fn chain(&mut self, line: &'t str, span: Range<usize>) {
        let Some(open) = &self.open else {
            self.prose.rule_outside(|| outside(line, span), self.report);
            return;
        };
        let Some(table) = open.table else {
            return;
        };
        let place = |word: &'t str| {
            let at = span.start + (word.as_ptr() as usize - line.as_ptr() as usize);
            Word {
                text: word.into(),
                span: at..at + word.len(),
                quoted: false,
            }
        };
        let words: Vec<Word<'t>> = line[1..].split_ascii_whitespace().map(place).collect();
        match &words[..] {
            [] => {}
            [name] => self.report.push(|| {
                let name = &name.text;
                Draft::new(
                    MistakeKind::BadPolicy,
                    span,
                    format!("the chain `{}` without a policy", quote(name)),
                )
                .label("ACCEPT or DROP, or `-` for a chain of one's own")
                .help(format!("write `:{name} - [0:0]`"))
            }),
            // iptables-nft takes `:INPUT -`, and makes nothing of it.
            [_, ..] => {
                let statement = self.statement(span, words);
                self.reading.declare(table, &statement, self.report);
            }
        }
    }

    fn statement(&self, span: Range<usize>, words: Vec<Word<'t>>) -> Statement<'t> {
        Statement {
            family: self.family,
            text: self.text,
            span,
            words,
            form: Form::Saved,
        }
    }

    fn rule(&mut self, line: &'t str, start: usize, span: Range<usize>) {
        let Some(open) = &self.open else {
            let lost = line.trim();
            self.prose.rule_outside(|| outside(lost, span), self.report);
            return;
        };
        let Some(table) = open.table else {
            return;
        };
        let counters = counters(line);
        let mut words = Vec::with_capacity(24);
        if let Err(opened) = restore_words(&line[counters..], start + counters, &mut words) {
            self.report.push(|| {
                Draft::new(
                    MistakeKind::UnclosedQuote,
                    opened..span.end,
                    "a quotation mark without its fellow",
                )
                .label("iptables-restore takes all of this for one word")
            });
            return;
        }
        let statement = self.statement(span, words);
        self.reading.statement(statement, Some(table), self.report);
    }

    fn finish(&mut self, source: &SourceText) {
        self.prose.finish(self.report);
        self.close_unfinished();
        let text = source.text();
        if !text.is_empty() && !text.ends_with('\n') {
            let end = text.len();
            let start = text.rfind('\n').map_or(0, |at| at + 1);
            // Of a comment, it does not miss it.
            if !matches!(
                text[start..].trim_start().as_bytes().first(),
                None | Some(b'#')
            ) {
                let note = "the last line has no end: iptables-legacy-restore itself refuses that";
                self.report.note(start, end, note);
            }
        }
    }
}

/// Whether a line is a rule, or one with a wrong dash: an option comes first,
/// or counters do.
fn is_rule(line: &str) -> bool {
    let line = &line[counters(line)..];
    let word = line.split_ascii_whitespace().next().unwrap_or_default();
    word.starts_with('-') || word == "!" || lookalike::option_meant(word).is_some()
}

/// The length of the `[packets:bytes]` that may stand before a rule.
pub(super) fn counters(line: &str) -> usize {
    let indent = line.len() - line.trim_start().len();
    let counters = line[indent..]
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match counters.and_then(|(inside, _)| inside.split_once(':')) {
        Some((packets, bytes)) if digits(packets) && digits(bytes) => {
            indent + packets.len() + bytes.len() + 3
        }
        _ => 0,
    }
}

fn outside(line: &str, span: Range<usize>) -> Draft {
    let draft = Draft::new(
        MistakeKind::OutsideTable,
        span,
        "a rule outside of any table",
    )
    .label("which table?");
    if line.starts_with(':') {
        draft.help("`*filter` before it, `COMMIT` behind the last rule")
    } else {
        draft.help("`*filter` before the first rule, `COMMIT` behind the last; `iptables -S` leaves them out, `iptables-save` does not")
    }
}
