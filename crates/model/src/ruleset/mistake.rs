use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::Diagnostic;

use super::text::{SourceLine, SourceText};
use crate::Placed;
use fwlab_record::words;

/// The mistakes of one source that are told one by one; more are only counted.
pub const MISTAKES_TOLD: usize = 50;

/// As many notes of the same words are told as one.
const GATHERED: usize = 3;

words! {
    /// What kind of mistake a ruleset's text has.
    pub enum MistakeKind {
        /// A dash of typography where an option has `-` or `--`.
        Dash,
        /// A quotation mark of typography where the text needs `"` or `'`.
        Quote,
        /// A blank that does not separate words, or a character that cannot be seen.
        Blank,
        /// Bytes that are no text.
        NotText,
        /// No ruleset that is understood here.
        NotARuleset,
        /// Prose, or another program's text, among the rules.
        Prose,
        /// Something that only a shell could carry out.
        Shell,
        /// A quotation mark without its fellow.
        UnclosedQuote,
        /// A table without COMMIT.
        MissingCommit,
        /// A rule that belongs to no table.
        OutsideTable,
        /// A table that does not exist.
        UnknownTable,
        /// A chain that does not exist.
        UnknownChain,
        /// A jump to a chain or target that does not exist.
        UnknownTarget,
        /// A conntrack helper that does not exist.
        UnknownHelper,
        /// An option that does not exist.
        UnknownOption,
        /// An option that needs a protocol, a match or a target before it.
        OptionOutOfPlace,
        /// A word that belongs to no option.
        StrayWord,
        /// A `!` that negates nothing.
        Negation,
        /// A target that this table or chain does not take.
        Misplaced,
        /// A policy that is neither ACCEPT nor DROP.
        BadPolicy,
        /// A statement without a command, or with two.
        Command,
        /// What the loader refuses, in its words.
        Refused,
        /// More than is loaded.
        TooLong,
        /// A file of this machine that an nft script would read.
        Include,
        /// The lab's own table in an nft script.
        LabTable,
        /// A rule of iptables-nft that nft listed in part.
        Unprinted,
    }
}

/// One mistake in a ruleset's text: where, what, and what to write instead.
#[derive(Debug, Clone, thiserror::Error, Diagnostic)]
#[error("{placed}")]
#[diagnostic(forward(placed))]
pub struct Mistake {
    kind: MistakeKind,
    placed: Placed,
    line: u32,
}

impl Mistake {
    /// What kind of mistake it is.
    pub fn kind(&self) -> MistakeKind {
        self.kind
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        self.placed.message()
    }

    /// What to write instead.
    pub fn help(&self) -> Option<&str> {
        self.placed.remedy()
    }

    /// The line of the source, 1 for the first.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Whether both are about the same place.
    fn overlaps(&self, other: &Mistake) -> bool {
        match (self.span(), other.span()) {
            (Some(one), Some(other)) => one.start < other.end && other.start < one.end,
            // Nothing is shown of the text.
            _ => self.line == other.line,
        }
    }

    /// The bytes that the mistake is in, of the text as decoded.
    pub fn span(&self) -> Option<Range<usize>> {
        self.placed.span()
    }
}

/// Every mistake of a source at once, in order of line.
#[derive(Debug, Clone, thiserror::Error, Diagnostic)]
#[error("{}", counted(mistakes.len() + more, text.name()))]
#[diagnostic(code("ruleset"))]
pub struct Mistakes {
    #[related]
    mistakes: Vec<Mistake>,
    more: usize,
    #[help]
    more_in_words: Option<String>,
    #[source_code]
    text: Arc<SourceText>,
}

fn counted(count: usize, name: &str) -> String {
    match count {
        1 => format!("a mistake in {name}"),
        count => format!("{count} mistakes in {name}"),
    }
}

impl Mistakes {
    fn of(text: Arc<SourceText>, mut mistakes: Vec<Mistake>, more: usize) -> Mistakes {
        mistakes.sort_by_key(|mistake| {
            let span = mistake.span().map_or(0, |span| span.start);
            (mistake.line, span)
        });
        let more = more + mistakes.len().saturating_sub(MISTAKES_TOLD);
        mistakes.truncate(MISTAKES_TOLD);
        Mistakes {
            more_in_words: (more > 0)
                .then(|| format!("the first {}, and {more} more", mistakes.len())),
            mistakes,
            more,
            text,
        }
    }

    /// The mistakes, at most [`MISTAKES_TOLD`], in order of line.
    pub fn told(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// How many there are beside those told.
    pub fn more(&self) -> usize {
        self.more
    }

    /// The text that they are in.
    pub fn source(&self) -> &Arc<SourceText> {
        &self.text
    }

    /// These and others of the same text; of what both tell at one place, the one that says more.
    ///
    /// # Errors
    /// The others, where they are of another text.
    pub fn with(&mut self, others: Mistakes) -> Result<(), Mistakes> {
        let is_same =
            self.text.name() == others.text.name() && self.text.text() == others.text.text();
        if !is_same {
            return Err(others);
        }
        let mut mistakes = std::mem::take(&mut self.mistakes);
        for other in others.mistakes {
            let same = mistakes.iter_mut().find(|mistake| mistake.overlaps(&other));
            match same {
                None => mistakes.push(other),
                // One loader says why, the other only that.
                Some(mistake) if other.message().starts_with(mistake.message()) => *mistake = other,
                Some(_) => {}
            }
        }
        *self = Mistakes::of(Arc::clone(&self.text), mistakes, self.more.max(others.more));
        Ok(())
    }
}

/// Something that was read and set aside, or read with leniency: no mistake,
/// but the reader should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The statement that it is about.
    pub line: SourceLine,
    /// What was done with it, and why.
    pub message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

/// A mistake in the making: before it is known which text it is in.
pub(super) struct MistakeBuilder {
    kind: MistakeKind,
    placed: Placed,
}

impl MistakeBuilder {
    pub(super) fn new(
        kind: MistakeKind,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> MistakeBuilder {
        let placed = Placed::here(span, message);
        MistakeBuilder { kind, placed }
    }

    fn and(self, more: impl FnOnce(Placed) -> Placed) -> MistakeBuilder {
        MistakeBuilder {
            placed: more(self.placed),
            ..self
        }
    }

    pub(super) fn label(self, label: impl Into<String>) -> MistakeBuilder {
        self.and(|placed| placed.with_label(label))
    }

    pub(super) fn also(self, span: Range<usize>, label: impl Into<String>) -> MistakeBuilder {
        self.and(|placed| placed.at(span, label))
    }

    pub(super) fn help(self, help: impl Into<String>) -> MistakeBuilder {
        self.and(|placed| placed.with_help(help))
    }

    pub(super) fn help_if(self, help: Option<String>) -> MistakeBuilder {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }
}

/// Collects the mistakes and notes of one source.
pub(super) struct Report {
    source: Arc<SourceText>,
    mistakes: Vec<Mistake>,
    more: usize,
    notes: Vec<Note>,
}

impl Report {
    pub(super) fn new(source: Arc<SourceText>) -> Report {
        Report {
            source,
            mistakes: Vec::new(),
            more: 0,
            notes: Vec::new(),
        }
    }

    pub(super) fn source(&self) -> &Arc<SourceText> {
        &self.source
    }

    /// Takes a mistake. It is worded only while it will be told, so that a
    /// file of nothing but mistakes costs no more than another.
    pub(super) fn push(&mut self, draft: impl FnOnce() -> MistakeBuilder) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        let MistakeBuilder { kind, mut placed } = draft();
        let line = placed
            .span()
            .map_or(1, |span| self.source.line_of(span.start));
        if !self.source.is_quotable() {
            placed = Placed::new(format!("line {line}: a mistake of the kind {kind}"))
                .with_help(unquoted(self.source.name()));
        }
        self.mistakes.push(Mistake {
            kind,
            placed: placed
                .with_code(format!("ruleset::{kind}"))
                .of(Arc::clone(&self.source)),
            line,
        });
    }

    /// Whether further mistakes are only counted: then their wording, and what
    /// was meant, is not worth the time.
    pub(super) fn is_full(&self) -> bool {
        self.mistakes.len() >= MISTAKES_TOLD
    }

    pub(super) fn note(&mut self, start: usize, end: usize, message: impl Into<String>) {
        let line = self.source.source_line(start, end);
        let message = match self.source.is_quotable() {
            true => message.into(),
            false => "read leniently, or left out".to_owned(),
        };
        self.notes.push(Note { line, message });
    }

    /// How many mistakes there are so far.
    pub(super) fn count(&self) -> usize {
        self.mistakes.len() + self.more
    }

    /// The notes and the mistakes, each in order of line.
    pub(super) fn finish(mut self) -> (Vec<Note>, Option<Mistakes>) {
        self.notes.sort_by_key(|note| note.line);
        let notes = gathered(self.notes);
        let is_any = !self.mistakes.is_empty();
        let mistakes = is_any.then(|| Mistakes::of(self.source, self.mistakes, self.more));
        (notes, mistakes)
    }
}

/// The notes, of three and more that say the same the first for all of them.
fn gathered(notes: Vec<Note>) -> Vec<Note> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for note in &notes {
        *counts.entry(&note.message).or_default() += 1;
    }
    let mut told = BTreeSet::new();
    let gathered = notes.iter().filter_map(|note| {
        let Note { line, message } = note;
        match counts.get(message.as_str()) {
            Some(&count) if count >= GATHERED => told.insert(message).then(|| Note {
                line: *line,
                message: format!("{message}; the same of {} lines more", count - 1),
            }),
            _ => Some(note.clone()),
        }
    });
    gathered.collect()
}

/// What to do about a mistake in a text that is not quoted.
pub fn unquoted(name: &str) -> String {
    format!(
        "{name} is outside the scenario's folder, so its text is not shown: \
         `fwlab check {name}` shows it"
    )
}

/// What is quoted in a message: short, and on one line.
pub(super) fn quote(text: &str) -> String {
    const SHOWN: usize = 60;
    let text = text.trim();
    if text.chars().count() <= SHOWN {
        return text.replace(['\n', '\r'], " ");
    }
    let start: String = text.chars().take(SHOWN).collect();
    format!("{}…", start.replace(['\n', '\r'], " "))
}
