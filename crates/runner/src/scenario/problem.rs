use std::ops::Range;
use std::path::PathBuf;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceSpan};

/// One mistake in a scenario file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Where it stands, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = SourceSpan::from(self.span.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            Some("here".into()),
            span,
        ))))
    }
}

/// Everything that is wrong with one scenario file.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{} has {} {}", path.display(), problems.len(), if problems.len() == 1 { "mistake" } else { "mistakes" })]
pub struct ScenarioError {
    /// The file.
    pub path: PathBuf,
    /// Its text, for the excerpts.
    #[source_code]
    pub source_code: NamedSource<String>,
    /// The mistakes, in order of place.
    #[related]
    pub problems: Vec<Problem>,
}

/// Collects the mistakes of one file, so that all of them are told at once.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.0.push(Problem {
            span,
            message: message.into(),
            help: None,
        });
    }

    pub(crate) fn add_with_help(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.0.push(Problem {
            span,
            message: message.into(),
            help: Some(help.into()),
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_error(mut self, path: PathBuf, text: &str) -> ScenarioError {
        self.0
            .sort_by_key(|problem| (problem.span.start, problem.span.end));
        let source_code =
            NamedSource::new(path.display().to_string(), text.to_owned()).with_language("toml");
        ScenarioError {
            path,
            source_code,
            problems: self.0,
        }
    }
}
