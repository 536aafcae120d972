use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::text::{SourceLine, SourceText};
use fwlab_record::words;

/// The mistakes of one source that are told one by one; more are only counted.
pub const MISTAKES_TOLD: usize = 50;

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
#[derive(Debug, Clone)]
pub struct Mistake {
    kind: MistakeKind,
    message: String,
    help: Option<String>,
    labels: Vec<(std::ops::Range<usize>, String)>,
    source: Arc<SourceText>,
    line: u32,
}

impl Mistake {
    /// What kind of mistake it is.
    pub fn kind(&self) -> MistakeKind {
        self.kind
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
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
    pub fn span(&self) -> Option<std::ops::Range<usize>> {
        self.labels.first().map(|(span, _)| span.clone())
    }
}

impl fmt::Display for Mistake {
    /// What is wrong, without its line: that is beside the snippet that miette shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("ruleset::{}", self.kind)))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source.as_ref())
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() {
            return None;
        }
        Some(Box::new(self.labels.iter().map(|(span, label)| {
            LabeledSpan::new(Some(label.clone()), span.start, span.len())
        })))
    }
}

/// Every mistake of a source at once, in order of line.
#[derive(Debug, Clone)]
pub struct Mistakes {
    mistakes: Vec<Mistake>,
    more: usize,
    source: Arc<SourceText>,
}

impl Mistakes {
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
        &self.source
    }

    /// These and others of the same text; of what both tell at one place, the one that says more.
    ///
    /// # Errors
    /// The others, where they are of another text.
    pub fn with(&mut self, others: Mistakes) -> Result<(), Mistakes> {
        let is_same = self.source.name() == others.source.name()
            && self.source.text() == others.source.text();
        if !is_same {
            return Err(others);
        }
        for other in others.mistakes {
            let same = self
                .mistakes
                .iter_mut()
                .find(|mistake| mistake.overlaps(&other));
            match same {
                None => self.mistakes.push(other),
                // One loader says why, the other only that.
                Some(mistake) if other.message.starts_with(&mistake.message) => *mistake = other,
                Some(_) => {}
            }
        }
        self.sort();
        self.more = self.more.max(others.more) + self.mistakes.len().saturating_sub(MISTAKES_TOLD);
        self.mistakes.truncate(MISTAKES_TOLD);
        Ok(())
    }

    fn sort(&mut self) {
        self.mistakes.sort_by_key(|mistake| {
            let span = mistake.labels.first().map_or(0, |(span, _)| span.start);
            (mistake.line, span)
        });
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.source.name();
        match self.mistakes.len() + self.more {
            1 => write!(f, "a mistake in {name}"),
            count => write!(f, "{count} mistakes in {name}"),
        }
    }
}

impl std::error::Error for Mistakes {}

impl Diagnostic for Mistakes {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("ruleset"))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (self.more > 0).then(|| {
            let help = format!("the first {}, and {} more", self.mistakes.len(), self.more);
            Box::new(help) as Box<dyn fmt::Display>
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source.as_ref())
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.mistakes
                .iter()
                .map(|mistake| mistake as &dyn Diagnostic),
        ))
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

/// A mistake in the making.
pub(super) struct Draft {
    kind: MistakeKind,
    message: String,
    help: Option<String>,
    labels: Vec<(std::ops::Range<usize>, String)>,
}

impl Draft {
    pub(super) fn new(
        kind: MistakeKind,
        span: std::ops::Range<usize>,
        message: impl Into<String>,
    ) -> Draft {
        Draft {
            kind,
            message: message.into(),
            help: None,
            labels: vec![(span, "here".to_owned())],
        }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Draft {
        if let Some(first) = self.labels.first_mut() {
            first.1 = label.into();
        }
        self
    }

    pub(super) fn also(mut self, span: std::ops::Range<usize>, label: impl Into<String>) -> Draft {
        self.labels.push((span, label.into()));
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Draft {
        self.help = Some(help.into());
        self
    }

    pub(super) fn help_if(self, help: Option<String>) -> Draft {
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
    pub(super) fn push(&mut self, draft: impl FnOnce() -> Draft) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        let Draft {
            kind,
            mut message,
            mut help,
            mut labels,
        } = draft();
        let line = labels
            .first()
            .map_or(1, |(span, _)| self.source.line_of(span.start));
        if !self.source.is_quotable() {
            message = format!("line {line}: a mistake of the kind {kind}");
            help = Some(unquoted(self.source.name()));
            labels.clear();
        }
        self.mistakes.push(Mistake {
            kind,
            message,
            help,
            labels,
            source: Arc::clone(&self.source),
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
            false => "read with leniency, or left out".to_owned(),
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
        let mut mistakes = Mistakes {
            mistakes: self.mistakes,
            more: self.more,
            source: self.source,
        };
        mistakes.sort();
        let is_any = !mistakes.mistakes.is_empty();
        (self.notes, is_any.then_some(mistakes))
    }
}

/// What to do about a mistake in a text that is not quoted.
pub fn unquoted(name: &str) -> String {
    format!(
        "{name} is outside the scenario's folder, so nothing that stands in it is shown: \
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
