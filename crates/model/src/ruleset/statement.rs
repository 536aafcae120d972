use std::ops::Range;

use super::quoting::Word;
use super::walk::Piece;
use fwlab_record::Family;

/// One command or rule of a source, as words.
pub(super) struct Statement<'t> {
    pub(super) family: Family,
    /// The whole source.
    pub(super) text: &'t str,
    /// The statement in it.
    pub(super) span: Range<usize>,
    pub(super) words: Vec<Word<'t>>,
    pub(super) form: Form,
}

/// Which of the two formats a statement stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Saved,
    Command,
}

impl Statement<'_> {
    pub(super) fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| word.text.as_ref())
    }

    pub(super) fn word_span(&self, at: usize) -> Range<usize> {
        self.words
            .get(at)
            .map_or(self.span.clone(), |word| word.span.clone())
    }

    /// The words of a piece, from its `!` to its last value.
    pub(super) fn piece_span(&self, piece: &Piece<'_>) -> Range<usize> {
        let first = piece.negation.unwrap_or(piece.at);
        let last = [piece.first, piece.second].into_iter().flatten().last();
        let last = last.map_or(piece.at, |value| value.word);
        self.word_span(first).start..self.word_span(last).end
    }

    pub(super) fn value_span(&self, piece: &Piece<'_>) -> Range<usize> {
        self.word_span(piece.first.map_or(piece.at, |value| value.word))
    }

    /// The statement with some of its words replaced; nothing when it is too
    /// long to be shown.
    pub(super) fn corrected(&self, fixes: &[(Range<usize>, String)]) -> Option<String> {
        const SHOWN: usize = 400;
        if self.span.len() > SHOWN {
            return None;
        }
        let mut line = String::new();
        let mut at = self.span.start;
        for (span, fix) in fixes {
            line.push_str(self.text.get(at..span.start)?);
            line.push_str(fix);
            at = span.end;
        }
        line.push_str(self.text.get(at..self.span.end)?);
        Some(line.trim_end().to_owned())
    }

    /// `write …`, with the corrected statement where it can be shown.
    pub(super) fn write_instead(&self, fixes: &[(Range<usize>, String)]) -> String {
        match self.corrected(fixes) {
            Some(line) => format!("write `{line}`"),
            None => {
                let fixes: Vec<_> = fixes.iter().map(|(_, fix)| format!("`{fix}`")).collect();
                format!("write {}", super::tables::listed(&fixes))
            }
        }
    }
}
