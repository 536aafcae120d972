use std::fmt;
use std::ops::Range;

/// Something that is wrong with a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Mistake {
    /// Where it stands, in bytes of the script.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: Remedy,
}

/// What to write in place of a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// This.
    Write(String),
    /// One of a closed set of words, possibly the one that is like the written one.
    OneOf {
        /// What was written.
        written: String,
        /// The words, in the order in which the documentation has them.
        known: Vec<&'static str>,
    },
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remedy::Write(text) => f.write_str(text),
            Remedy::OneOf { known, .. } => write!(f, "write one of {}", known.join(", ")),
        }
    }
}

/// Collects the mistakes of one script, so that all of them are told at once.
#[derive(Debug, Default)]
pub(super) struct Mistakes(pub(super) Vec<Mistake>);

impl Mistakes {
    pub(super) fn add(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        write: impl Into<String>,
    ) {
        self.0.push(Mistake {
            span,
            message: message.into(),
            remedy: Remedy::Write(write.into()),
        });
    }

    pub(super) fn add_unknown(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        written: impl Into<String>,
        known: Vec<&'static str>,
    ) {
        self.0.push(Mistake {
            span,
            message: message.into(),
            remedy: Remedy::OneOf {
                written: written.into(),
                known,
            },
        });
    }
}
