//! Commands of iptables, as they are handed to its loader.

use std::fmt;
use std::ops::Range;

use super::quoting::{Word, write_quoted, write_word};
use super::statement::{Form, Statement};
use super::tables::{ChainPolicy, TableName};
use super::text::{SourceLine, SourceText};
use super::walk::{self, Core, Walk};
use fwlab_record::Family;

/// One command of iptables: a line that `iptables-restore` reads, and where it came from.
///
/// Two commands are equal when they say the same in the same words; where they came from does not matter.
#[derive(Clone)]
pub struct Command {
    pub(super) table: TableName,
    pub(super) verb: Verb,
    pub(super) words: Vec<String>,
    pub(super) origin: Option<Origin>,
}

/// The statement that a command was read from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) line: SourceLine,
    /// Where each word stands in the text, and whether it stood in quotes.
    places: Vec<(u32, u32, bool)>,
    form: Form,
}

/// What a command does with the rules, as far as it matters how it is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// `:CHAIN POLICY`.
    Declare,
    /// `-A` and `-I`.
    Add,
    /// `-R`.
    Replace,
    /// `-D`, `-F` and `-X`.
    Remove,
    /// `-N`.
    NewChain,
    /// `-E`.
    Rename,
    /// `-P`.
    Policy,
    /// None that iptables knows, or that stands here alone: the loader says what is wrong.
    Other,
}

impl Verb {
    pub(super) fn of(core: Option<Core>) -> Verb {
        match core {
            Some(Core::Append | Core::Insert) => Verb::Add,
            Some(Core::Replace) => Verb::Replace,
            Some(Core::Delete | Core::Flush | Core::DeleteChain) => Verb::Remove,
            Some(Core::NewChain) => Verb::NewChain,
            Some(Core::RenameChain) => Verb::Rename,
            Some(Core::Policy) => Verb::Policy,
            _ => Verb::Other,
        }
    }
}

impl Command {
    /// A command of one's own: `-A INPUT -j DROP`, in words.
    pub(super) fn new<W: Into<String>>(
        table: TableName,
        verb: Verb,
        words: impl IntoIterator<Item = W>,
    ) -> Command {
        Command {
            table,
            verb,
            words: words.into_iter().map(Into::into).collect(),
            origin: None,
        }
    }

    pub(super) fn read(
        table: TableName,
        verb: Verb,
        words: &[Word<'_>],
        form: Form,
        line: SourceLine,
    ) -> Command {
        let place = |word: &Word<'_>| (word.span.start as u32, word.span.end as u32, word.quoted);
        Command {
            table,
            verb,
            words: words.iter().map(|word| word.text.to_string()).collect(),
            origin: Some(Origin {
                line,
                places: words.iter().map(place).collect(),
                form,
            }),
        }
    }

    /// The table that it is about.
    pub fn table(&self) -> TableName {
        self.table
    }

    /// Its words, unquoted: `-A`, `INPUT`, `-p`, `tcp`.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The line that it came from; nothing for one that was generated.
    pub fn source(&self) -> Option<SourceLine> {
        Some(self.origin.as_ref()?.line)
    }

    pub(super) fn walk(&self, family: Family) -> Walk<'_> {
        walk::walk(&self.words, family)
    }

    /// The chain that it names, and the policy that it sets it to.
    pub(super) fn policy(&self, family: Family) -> Option<(&str, ChainPolicy)> {
        let (name, policy) = match self.verb {
            Verb::Declare => (self.words.first()?.as_str(), self.words.get(1)?.as_str()),
            Verb::Policy => self.named(family)?,
            _ => return None,
        };
        Some((name, ChainPolicy::read(policy)?))
    }

    /// The chain that it makes.
    pub(super) fn makes(&self, family: Family) -> Option<&str> {
        match self.verb {
            Verb::Declare => Some(self.words.first()?),
            Verb::NewChain => Some(self.named(family)?.0),
            Verb::Rename => Some(self.named(family)?.1),
            _ => None,
        }
    }

    /// The chain that it is about, and must be there.
    pub(super) fn chain(&self, family: Family) -> Option<&str> {
        match self.verb {
            Verb::NewChain | Verb::Other => None,
            // `:CHAIN -` makes it.
            Verb::Declare => Some(self.policy(family)?.0),
            _ => Some(self.named(family)?.0).filter(|name| !name.is_empty()),
        }
    }

    /// The values of the option that is its verb.
    fn named(&self, family: Family) -> Option<(&str, &str)> {
        let walk = self.walk(family);
        let mut pieces = walk.pieces.iter();
        let verb = pieces.find(|piece| Verb::of(piece.core()) == self.verb)?;
        let text = |value: Option<walk::Value<'_>>| {
            let value = value?;
            // From the words themselves, which outlive the walk.
            let word = self.words[value.word].as_str();
            Some(&word[word.len() - value.text.len()..])
        };
        Some((text(verb.first)?, text(verb.second).unwrap_or_default()))
    }

    /// Whether it can only be carried out when those before it were: iptables-nft resolves jumps when it
    /// commits, gets lost where one transaction replaces or renames what it made, and loses the policy that a
    /// transaction set where it then removes all empty chains with `-X` (1.8.9).
    pub(super) fn stands_alone(&self) -> bool {
        let is_command = self
            .origin
            .as_ref()
            .is_some_and(|origin| origin.form == Form::Command);
        is_command
            && matches!(
                self.verb,
                Verb::Replace | Verb::Remove | Verb::NewChain | Verb::Rename
            )
    }

    /// The statement as it stands in its source.
    pub(super) fn statement<'t>(
        &'t self,
        family: Family,
        source: &'t SourceText,
    ) -> Option<Statement<'t>> {
        let origin = self.origin.as_ref()?;
        let words = self.words.iter().zip(&origin.places);
        let words = words.map(|(text, &(start, end, quoted))| Word {
            text: text.as_str().into(),
            span: start as usize..end as usize,
            quoted,
        });
        let span: Range<usize> = origin.line.start..origin.line.end;
        Some(Statement {
            family,
            text: source.text(),
            span,
            words: words.collect(),
            form: origin.form,
        })
    }
}

impl PartialEq for Command {
    fn eq(&self, other: &Command) -> bool {
        self.table == other.table && self.words == other.words
    }
}

impl Eq for Command {}

impl fmt::Display for Command {
    /// The line as `iptables-restore` reads it, without counters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.verb == Verb::Declare {
            // With counters the loader insists on them here.
            let most = self.words.len().min(2);
            write!(f, ":{}", self.words[..most].join(" "))?;
            return f.write_str(if most == 2 { " [0:0]" } else { "" });
        }
        let mut line = String::new();
        for (at, word) in self.words.iter().enumerate() {
            match at {
                // What does not begin as an option is not to be taken for a line of another kind.
                0 if !word.starts_with('-') => write_quoted(word, &mut line),
                0 => write_word(word, &mut line),
                _ => {
                    line.push(' ');
                    write_word(word, &mut line);
                }
            }
        }
        f.write_str(&line)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{self}`", self.table)?;
        match self.source() {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}
