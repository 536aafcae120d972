use std::fmt;

use serde::{Deserialize, Serialize};

/// A command line (RFC 959 section 5.3): a verb, and what follows its first blank.
///
/// Nothing is lost: [`Command::to_line`] gives back the bytes that were read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Command {
    verb: Vec<u8>,
    argument: Option<Vec<u8>>,
}

impl Command {
    /// Reads a line without its end. `None` for a line with no verb: blank, or
    /// with a blank first.
    pub fn parse(line: &[u8]) -> Option<Command> {
        let mut parts = line.splitn(2, |&byte| byte == b' ');
        let verb = parts.next().filter(|verb| !verb.is_empty())?;
        Some(Command {
            verb: verb.to_vec(),
            argument: parts.next().map(<[u8]>::to_vec),
        })
    }

    /// The verb in upper case; verbs are case-blind (RFC 959 section 5.3).
    pub fn verb(&self) -> String {
        String::from_utf8_lossy(&self.verb).to_ascii_uppercase()
    }

    /// Whether the verb is this one, in whichever case it was written.
    pub fn is(&self, verb: &str) -> bool {
        self.verb.eq_ignore_ascii_case(verb.as_bytes())
    }

    /// What follows the verb and one blank. `Some` and empty for `PASV` with a
    /// blank after it.
    pub fn argument(&self) -> Option<&[u8]> {
        self.argument.as_deref()
    }

    /// The argument as text; what is no UTF-8 in it is replaced.
    pub fn argument_text(&self) -> String {
        String::from_utf8_lossy(self.argument.as_deref().unwrap_or_default()).into_owned()
    }

    /// The line as it was read, without its end.
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = self.verb.clone();
        if let Some(argument) = &self.argument {
            line.push(b' ');
            line.extend_from_slice(argument);
        }
        line
    }
}

/// The line as it is kept in files, each byte as the character that has its number. A password is not in it.
impl From<Command> for String {
    fn from(command: Command) -> String {
        if command.is("PASS") {
            return command.to_string();
        }
        command.to_line().into_iter().map(char::from).collect()
    }
}

/// Why a text in a file is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no command: a verb first, and no character beyond U+00FF")]
pub struct NoCommand;

impl TryFrom<String> for Command {
    type Error = NoCommand;

    fn try_from(text: String) -> Result<Command, NoCommand> {
        let line: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        let line = line.map_err(|_| NoCommand)?;
        Command::parse(&line).ok_or(NoCommand)
    }
}

/// The line for people: a password is not shown.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is("PASS") {
            return write!(f, "{} ***", String::from_utf8_lossy(&self.verb));
        }
        f.write_str(&String::from_utf8_lossy(&self.to_line()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn verb_and_argument() {
        let retr = Command::parse(b"retr  a b ").unwrap();
        assert_eq!(retr.verb(), "RETR");
        assert!(retr.is("Retr"));
        assert_eq!(retr.argument(), Some(&b" a b "[..]));
        assert_eq!(Command::parse(b"PASV").unwrap().argument(), None);
        assert_eq!(Command::parse(b"PASV ").unwrap().argument(), Some(&b""[..]));
        assert_eq!(Command::parse(b""), None);
        assert_eq!(Command::parse(b" PASV"), None);
    }

    #[test]
    fn a_password_is_not_shown() {
        let pass = Command::parse(b"PASS secret").unwrap();
        assert_eq!(pass.to_string(), "PASS ***");
    }

    proptest! {
        #[test]
        fn parse_and_render_are_inverse(line in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(command) = Command::parse(&line) {
                prop_assert_eq!(command.to_line(), line);
            }
        }
    }
}
