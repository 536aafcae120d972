use std::fmt;

use miette::Diagnostic;

use crate::mistake::place;

/// A setting that is wrong: what, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[error("{}: {what}", place(file, *line))]
#[diagnostic(code("server"))]
pub struct SettingMistake {
    pub(super) file: String,
    pub(super) line: Option<u32>,
    pub(super) what: String,
    #[help]
    pub(super) help: String,
}

impl SettingMistake {
    /// The line, 1 for the first; nothing where it is about the whole file.
    pub fn line(&self) -> Option<u32> {
        self.line
    }
}

/// Everything that is wrong with a server's settings: never nothing. Of very much, the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingMistakes {
    pub(super) told: Vec<SettingMistake>,
    pub(super) more: usize,
}

impl SettingMistakes {
    /// The mistakes that are told.
    pub fn told(&self) -> impl Iterator<Item = &SettingMistake> {
        self.told.iter()
    }

    /// How many there are beside them.
    pub fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for SettingMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self.told.iter().map(ToString::to_string).collect();
        f.write_str(&told.join("\n"))?;
        match self.more {
            0 => Ok(()),
            more => write!(f, "\n(and {more} more mistakes)"),
        }
    }
}

impl std::error::Error for SettingMistakes {}

/// A setting that is not understood, or that nothing here heeds, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingNote {
    /// The file.
    pub file: String,
    /// The line, 1 for the first.
    pub line: u32,
    /// What is not heeded, and why.
    pub what: String,
    /// Whether it is so only where another program runs in the server's place.
    pub of_another: bool,
}
