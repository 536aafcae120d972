use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use fwlab_model::Placed;
use fwlab_model::ruleset::{MISTAKES_TOLD, SourceText};
use miette::Diagnostic;

/// Everything that is wrong with one scenario file.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{} has {} {}", path.display(), problems.len() + more, if problems.len() == 1 { "mistake" } else { "mistakes" })]
pub struct ScenarioError {
    /// The file.
    pub path: PathBuf,
    /// Its text, for the excerpts.
    #[source_code]
    pub source_code: Arc<SourceText>,
    /// The mistakes, at most [`MISTAKES_TOLD`], in order of place.
    #[related]
    pub problems: Vec<Placed>,
    /// How many there are beside those.
    pub more: usize,
    #[help]
    more_in_words: Option<String>,
}

/// Collects the mistakes of one file, so that all of them are told at once.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    kept: Vec<Placed>,
    more: usize,
}

/// The most mistakes that are kept: of these the first are told.
const MISTAKES_KEPT: usize = 100 * MISTAKES_TOLD;

impl Problems {
    pub(crate) fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.push(Placed::here(span, message));
    }

    pub(crate) fn add_with_help(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Placed::here(span, message).with_help(help));
    }

    fn push(&mut self, problem: Placed) {
        if self.kept.len() >= MISTAKES_KEPT {
            self.more += 1;
        } else {
            self.kept.push(problem);
        }
    }

    /// What was meant, while mistakes are few enough to be told: seeking it takes time.
    pub(crate) fn worded<T>(&self, meant: impl FnOnce() -> Option<T>) -> Option<T> {
        (self.kept.len() < MISTAKES_TOLD).then(meant).flatten()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(crate) fn into_error(mut self, path: PathBuf, text: &str) -> ScenarioError {
        self.kept
            .sort_by_key(|problem| problem.span().map(|span| (span.start, span.end)));
        let more = self.more + self.kept.len().saturating_sub(MISTAKES_TOLD);
        self.kept.truncate(MISTAKES_TOLD);
        ScenarioError {
            source_code: Arc::new(SourceText::new(path.display().to_string(), text)),
            path,
            problems: self.kept,
            more,
            more_in_words: (more > 0)
                .then(|| format!("the first {MISTAKES_TOLD}, and {more} more: one may cause many")),
        }
    }
}

impl FromIterator<Placed> for Problems {
    fn from_iter<T: IntoIterator<Item = Placed>>(all: T) -> Problems {
        let mut problems = Problems::default();
        all.into_iter().for_each(|problem| problems.push(problem));
        problems
    }
}
