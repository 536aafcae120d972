//! Reads the format of `iptables-save` and `iptables-restore`.

use std::ops::Range;

use super::beside::Beside;
use super::free_text::Prose;
use super::lookalike;
use super::mistake::{MistakeBuilder, MistakeKind, Report, quote};
use super::over_lines;
use super::prompt::{Prompt, prompt};
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
        passed_over: 0,
        beside: Beside::new(family),
        free_text: Prose::new("outside a table, only `#` comments are allowed"),
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
    /// Where lines end that a mistake was told of already.
    passed_over: usize,
    beside: Beside,
    free_text: Prose,
    reading: &'r mut Reading,
    report: &'r mut Report,
}

impl<'t> Reader<'t, '_> {
    fn line(&mut self, line: &'t str, start: usize) {
        if start < self.passed_over {
            return;
        }
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        let span = start + indent..start + indent + trimmed.len();
        if trimmed.is_empty() {
            self.beside.blank();
            let blanks = start..start + line.len();
            if self.report.source().has_own_blanks(blanks) {
                let note = "a line of blanks: left out; iptables-restore itself refuses it";
                self.report.note(start, start + line.len(), note);
            }
            return;
        }
        match trimmed.as_bytes()[0] {
            b'#' if self.report.source().has_own_blanks(start..start + indent) => {
                self.report.note(
                    span.start,
                    span.end,
                    "an indented comment: iptables-restore itself refuses it",
                );
            }
            b'#' => {}
            b'*' => self.table(trimmed, span),
            b':' => self.chain(trimmed, span),
            _ if trimmed == "COMMIT" => self.commit(line, span),
            _ if is_rule(trimmed) => self.rule(line, start, span),
            _ if self.open.is_none() && self.beside.takes(trimmed, &span, self.report) => {}
            _ if prompt(line).0 == Prompt::Sure => {
                self.report.note(span.start, span.end, "a prompt: left out");
            }
            _ => self
                .free_text
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
                        "the table {table} appears a second time here: its rules up to here are discarded, as iptables-restore does"
                    );
                    self.report.note(span.start, span.end, note);
                    let statement = self.statement(span.clone(), Vec::new());
                    self.reading.start_again(table, &statement, self.report);
                }
                self.seen.push(table);
            }
        }
        self.beside.table();
        self.open = Some(Open { table, span });
    }

    fn close_unfinished(&mut self) {
        if let Some(open) = self.open.take() {
            let table = open.table.map_or("the table", TableName::word);
            self.report.push(|| {
                MistakeBuilder::new(
                    MistakeKind::MissingCommit,
                    open.span,
                    format!("{table} has no COMMIT"),
                )
                .label("starts here, and never ends")
                .help("each table ends with a line `COMMIT`; without it, nothing of the table is loaded")
            });
        }
    }

    fn commit(&mut self, line: &str, span: Range<usize>) {
        let begins = span.start - (line.len() - line.trim_start().len());
        let source = self.report.source();
        if source.has_own_blanks(begins..span.start)
            || source.has_own_blanks(span.end..begins + line.len())
        {
            self.report.note(
                span.start,
                span.end,
                "blanks around COMMIT: iptables-restore itself refuses them",
            );
        }
        if self.open.take().is_none() {
            self.report.push(|| {
                MistakeBuilder::new(MistakeKind::OutsideTable, span, "COMMIT without a table")
                    .label("no `*table` before it")
            });
        }
    }

    fn chain(&mut self, line: &'t str, span: Range<usize>) {
        let Some(open) = &self.open else {
            self.free_text
                .rule_outside(|| outside(line, span), self.report);
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
        if let Some(name) = words.first() {
            self.beside.declared(&name.text);
        }
        match &words[..] {
            [] => {}
            [name] => self.report.push(|| {
                let name = &name.text;
                MistakeBuilder::new(
                    MistakeKind::BadPolicy,
                    span,
                    format!("the chain `{}` without a policy", quote(name)),
                )
                .label("ACCEPT or DROP, or `-` for a user-defined chain")
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
            self.free_text
                .rule_outside(|| outside(lost, span), self.report);
            return;
        };
        let Some(table) = open.table else {
            return;
        };
        let counters = counters(line);
        let mut words = Vec::with_capacity(24);
        if let Err(opened) = restore_words(&line[counters..], start + counters, &mut words) {
            if let Some(closed) = over_lines::tell(self.text, opened, self.report) {
                self.passed_over = closed;
                return;
            }
            self.report.push(|| {
                MistakeBuilder::new(
                    MistakeKind::UnclosedQuote,
                    opened..span.end,
                    "an unmatched quotation mark",
                )
                .label("iptables-restore takes all of this as one word")
            });
            return;
        }
        let statement = self.statement(span, words);
        self.reading.statement(statement, Some(table), self.report);
    }

    fn finish(&mut self, source: &SourceText) {
        self.free_text.finish(self.report);
        self.beside.finish(self.report);
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
                let note =
                    "the last line has no line end: iptables-legacy-restore itself refuses that";
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

fn outside(line: &str, span: Range<usize>) -> MistakeBuilder {
    let draft = MistakeBuilder::new(MistakeKind::OutsideTable, span, "a rule outside any table")
        .label("which table?");
    if line.starts_with(':') {
        draft.help("write `*filter` before it and `COMMIT` after the last rule")
    } else {
        draft.help("write `*filter` before the first rule and `COMMIT` after the last; `iptables -S` leaves them out, `iptables-save` does not")
    }
}
