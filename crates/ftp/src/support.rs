use std::fmt;

/// Whether a peer can do what a cell asks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// It can.
    Yes,
    /// It cannot: the cell is not run, and says so.
    No {
        /// Why, for people.
        why: String,
    },
}

impl Support {
    /// Not supported, because.
    pub fn no(why: impl Into<String>) -> Support {
        Support::No { why: why.into() }
    }

    /// Whether it can.
    pub fn is_yes(&self) -> bool {
        *self == Support::Yes
    }

    /// This answer when it is a no, the next one otherwise.
    #[must_use]
    pub fn and(self, next: impl FnOnce() -> Support) -> Support {
        match self {
            Support::Yes => next(),
            no => no,
        }
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Support::Yes => f.write_str("supported"),
            Support::No { why } => write!(f, "not supported: {why}"),
        }
    }
}
