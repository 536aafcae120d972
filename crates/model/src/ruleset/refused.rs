//! What only a shell could carry out.

use std::fmt;

/// Something that only a shell could carry out. It is named and refused:
/// no ruleset is ever given to a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    Variable(String),
    CommandSubstitution,
    Backtick,
    DollarQuote,
    Separator(&'static str),
    Pipe,
    Background,
    Redirection(&'static str),
    Parenthesis,
    BraceExpansion,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Variable(name) => write!(f, "the shell variable `{name}`"),
            Refused::CommandSubstitution => f.write_str("the command substitution `$(…)`"),
            Refused::Backtick => f.write_str("the command substitution `` `…` ``"),
            Refused::DollarQuote => f.write_str("the shell's `$'…'` quoting"),
            Refused::Separator(sign) => write!(f, "`{sign}`, which starts another command"),
            Refused::Pipe => f.write_str("the pipe `|`"),
            Refused::Background => f.write_str("`&`, which runs a command in the background"),
            Refused::Redirection(sign) => write!(f, "the redirection `{sign}`"),
            Refused::Parenthesis => f.write_str("a parenthesis, which has a meaning to a shell"),
            Refused::BraceExpansion => f.write_str("the brace expansion `{…}`"),
        }
    }
}
