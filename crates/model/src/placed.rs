use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, SourceCode};

use crate::ruleset::{SourceText, unquoted};

/// What is wrong with a text: the words, the places in it, and what to write instead.
/// Whoever tells a mistake by its place tells it as one of these. Where the text may not be
/// quoted, neither places nor help are shown, which would quote it.
#[derive(Debug, Clone)]
pub struct Placed {
    code: Option<String>,
    message: String,
    help: Option<String>,
    labels: Vec<(Range<usize>, String)>,
    source: Option<Arc<SourceText>>,
}

impl Placed {
    /// Words, without a place so far.
    pub fn new(message: impl Into<String>) -> Placed {
        Placed {
            code: None,
            message: message.into(),
            help: None,
            labels: Vec::new(),
            source: None,
        }
    }

    /// Words about one place.
    pub fn here(span: Range<usize>, message: impl Into<String>) -> Placed {
        Placed::new(message).at(span, "here")
    }

    /// The same at one more place, in bytes of the text, with words below it.
    pub fn at(mut self, span: Range<usize>, label: impl Into<String>) -> Placed {
        self.labels.push((span, label.into()));
        self
    }

    /// The same, with other words below its first place.
    pub fn with_label(mut self, label: impl Into<String>) -> Placed {
        if let Some(first) = self.labels.first_mut() {
            first.1 = label.into();
        }
        self
    }

    /// The same, with what to write instead.
    pub fn with_help(mut self, help: impl Into<String>) -> Placed {
        self.help = Some(help.into());
        self
    }

    /// The same, with a code for programs.
    pub fn with_code(mut self, code: impl Into<String>) -> Placed {
        self.code = Some(code.into());
        self
    }

    /// The same, of this text. Without, it is of the text that the mistake it is told with is of.
    pub fn of(mut self, source: Arc<SourceText>) -> Placed {
        self.source = Some(source);
        self
    }

    /// The text's name, where nothing of it may be quoted.
    fn unquotable(&self) -> Option<&str> {
        let source = self.source.as_ref()?;
        (!source.is_quotable()).then(|| source.name())
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead.
    pub fn remedy(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The first place, in bytes of the text.
    pub fn span(&self) -> Option<Range<usize>> {
        self.labels.first().map(|(span, _)| span.clone())
    }
}

/// What is wrong, without its place: that is beside the excerpt that miette shows.
impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Placed {}

impl Diagnostic for Placed {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.as_ref().map(|code| Box::new(code) as Box<_>)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        if let Some(name) = self.unquotable() {
            return Some(Box::new(unquoted(name)));
        }
        self.help.as_ref().map(|help| Box::new(help) as Box<_>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_deref().map(|source| source as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = |(span, label): &(Range<usize>, String)| {
            LabeledSpan::new(Some(label.clone()), span.start, span.len())
        };
        let is_any = !self.labels.is_empty() && self.unquotable().is_none();
        is_any.then(|| Box::new(self.labels.iter().map(label)) as Box<_>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_places_or_a_text_there_is_nothing_to_show() {
        let bare = Placed::new("wrong").with_label("nowhere");
        assert!(bare.labels().is_none() && bare.source_code().is_none());
        assert!(bare.help().is_none() && bare.span().is_none());
        assert_eq!(bare.to_string(), "wrong");
    }

    #[test]
    fn other_words_are_of_the_first_place() {
        let placed = Placed::here(2..4, "wrong")
            .at(7..8, "since this")
            .with_label("not this");
        let labels = placed.labels().expect("there are two");
        let told: Vec<_> = labels
            .map(|label| {
                (
                    label.offset(),
                    label.len(),
                    label.label().map(str::to_owned),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (2, 2, Some("not this".to_owned())),
                (7, 1, Some("since this".to_owned())),
            ]
        );
    }
}
