use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::{Command, Verb};
use super::tables::TableName;
use super::text::SourceText;
use fwlab_record::Family;

/// The commands of one family, and the text that they were read from.
#[derive(Debug, Clone, Default)]
struct Commands {
    commands: Vec<Command>,
    source: Option<Arc<SourceText>>,
}

/// Rules of one family or of both, as the commands that make them, in order.
///
/// What they come to, only iptables knows: [`Attempt`](super::Attempt) hands them to a loader, and
/// [`Listing`](super::Listing) reads what the kernel has then. Two rulesets are equal when they say the same in
/// the same words.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    families: BTreeMap<Family, Commands>,
}

impl PartialEq for Ruleset {
    fn eq(&self, other: &Ruleset) -> bool {
        let mut families = self.families.iter().zip(&other.families);
        self.families.len() == other.families.len()
            && families
                .all(|((family, one), (of, other))| family == of && one.commands == other.commands)
    }
}

impl Eq for Ruleset {}

/// Two rulesets hold rules of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("both rulesets hold {0} rules")]
pub struct SameFamily(pub Family);

impl Ruleset {
    /// The families that the ruleset is for.
    pub fn families(&self) -> impl Iterator<Item = Family> + '_ {
        self.families.keys().copied()
    }

    /// The commands of a family, in order.
    pub fn commands(&self, family: Family) -> &[Command] {
        self.families
            .get(&family)
            .map_or(&[], |family| &family.commands)
    }

    /// The text that a family's rules were read from, where they were read.
    pub fn source(&self, family: Family) -> Option<&Arc<SourceText>> {
        self.families.get(&family)?.source.as_ref()
    }

    /// Whether there is not a command in it.
    pub fn is_empty(&self) -> bool {
        self.families
            .values()
            .all(|family| family.commands.is_empty())
    }

    /// A family's rules as a file for `iptables-restore` or `ip6tables-restore`, table after table.
    pub fn render(&self, family: Family) -> String {
        let mut text = String::new();
        for &table in TableName::ALL {
            let commands = self.commands(family).iter();
            let mut commands = commands.filter(|command| command.table == table).peekable();
            if commands.peek().is_none() {
                continue;
            }
            text.push_str(&format!("*{table}\n"));
            for command in commands {
                text.push_str(&format!("{command}\n"));
            }
            text.push_str("COMMIT\n");
        }
        text
    }

    /// Both rulesets as one: IPv4 rules from one file and IPv6 rules from another.
    ///
    /// # Errors
    /// When both hold rules of one family.
    pub fn merge(mut self, other: Ruleset) -> Result<Ruleset, SameFamily> {
        for (family, commands) in other.families {
            if self.families.contains_key(&family) {
                return Err(SameFamily(family));
            }
            self.families.insert(family, commands);
        }
        Ok(self)
    }

    /// Makes the ruleset one for a family, too, though it says nothing of it.
    pub(super) fn touch(&mut self, family: Family, source: Option<&Arc<SourceText>>) {
        let commands = self.families.entry(family).or_default();
        commands.source = source.cloned();
    }

    pub(super) fn push(&mut self, family: Family, command: Command) {
        self.families
            .entry(family)
            .or_default()
            .commands
            .push(command);
    }

    /// `-A CHAIN …`
    pub(super) fn append(&mut self, family: Family, table: TableName, chain: &str, rule: &str) {
        let words = ["-A", chain]
            .into_iter()
            .chain(rule.split_ascii_whitespace());
        self.push(family, Command::new(table, Verb::Add, words));
    }

    /// Puts the commands of rules of one's own, each of which appends, into the order in which `iptables-save` lists them.
    pub(super) fn sort(&mut self) {
        for all in self.families.values_mut() {
            all.commands.sort_by_key(|command| {
                let chain = command
                    .words
                    .iter()
                    .find_map(|word| command.table.hook(word));
                (command.table, command.verb != Verb::Declare, chain)
            });
        }
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = (Family, &mut Command)> {
        self.families
            .iter_mut()
            .flat_map(|(family, all)| all.commands.iter_mut().map(|command| (*family, command)))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Family, &Command)> {
        self.families
            .iter()
            .flat_map(|(family, all)| all.commands.iter().map(|command| (*family, command)))
    }
}
