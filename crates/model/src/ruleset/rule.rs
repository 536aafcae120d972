use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::quoting::write_word;
use super::tables::{ChainPolicy, TableName};
use super::text::{SourceLine, SourceText};
use super::walk::{self, Core, Walk};
use fwlab_record::{ChainId, Family, RuleId, RuleOrdinal};

/// A rule: its words, and the line that it came from.
///
/// Two rules are equal when they load alike; where they came from does not matter.
#[derive(Clone)]
pub struct Rule {
    words: Vec<String>,
    target: Option<u16>,
    pub(super) source: Option<SourceLine>,
}

impl Rule {
    /// A rule of these words, what `iptables` takes behind `-A CHAIN`.
    ///
    /// Nothing is checked; text goes through [`parse`](super::parse).
    pub fn new<W: Into<String>>(words: impl IntoIterator<Item = W>, family: Family) -> Rule {
        let words: Vec<String> = words.into_iter().map(Into::into).collect();
        let mut target = None;
        for piece in walk::walk(&words, family).pieces {
            if let (Some(Core::Jump | Core::Goto), Some(value)) = (piece.core(), piece.first) {
                target = u16::try_from(value.word).ok();
            }
        }
        Rule {
            words,
            target,
            source: None,
        }
    }

    pub(super) fn read(words: Vec<String>, target: Option<u16>, source: SourceLine) -> Rule {
        Rule {
            words,
            target,
            source: Some(source),
        }
    }

    /// The rule's words, unquoted, each option in one spelling: `-p`, `tcp`, `--dport`, `21`.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Where a packet goes that matches: a verdict, an extension or a chain.
    /// Nothing for a rule that only counts.
    pub fn target(&self) -> Option<&str> {
        self.words
            .get(usize::from(self.target?))
            .map(String::as_str)
    }

    /// Whether the rule goes to its chain for good (`-g`), not to come back.
    pub fn is_goto(&self) -> bool {
        let option = self
            .target
            .and_then(|at| self.words.get(usize::from(at).checked_sub(1)?));
        option.is_some_and(|option| option == "-g")
    }

    /// The line that the rule came from; nothing for one that was generated.
    pub fn source(&self) -> Option<SourceLine> {
        self.source
    }

    /// Makes a jump to one chain a jump to another.
    pub(super) fn retarget(&mut self, from: &str, to: &str) {
        let at = self.target.map(usize::from);
        if let Some(target) = at
            .and_then(|at| self.words.get_mut(at))
            .filter(|target| *target == from)
        {
            to.clone_into(target);
        }
    }

    pub(super) fn words_mut(&mut self) -> &mut [String] {
        &mut self.words
    }

    pub(super) fn walk(&self, family: Family) -> Walk<'_> {
        walk::walk(&self.words, family)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        self.words == other.words
    }
}

impl Eq for Rule {}

impl fmt::Display for Rule {
    /// The words as they stand in a line of `iptables-restore`, without `-A CHAIN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        for (at, word) in self.words.iter().enumerate() {
            if at > 0 {
                line.push(' ');
            }
            write_word(word, &mut line);
        }
        f.write_str(&line)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")?;
        match self.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

/// A chain with its rules.
///
/// Two chains are equal when they load alike.
#[derive(Debug, Clone)]
pub struct Chain {
    pub(super) name: String,
    pub(super) policy: Option<ChainPolicy>,
    pub(super) rules: Vec<Rule>,
    pub(super) source: Option<SourceLine>,
}

impl Chain {
    /// A chain of that name without policy and rules.
    pub fn new(name: impl Into<String>) -> Chain {
        Chain {
            name: name.into(),
            policy: None,
            rules: Vec::new(),
            source: None,
        }
    }

    /// The chain's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The policy that the ruleset states. A built-in chain without one keeps
    /// the kernel's, ACCEPT in a fresh namespace; other chains have none.
    pub fn policy(&self) -> Option<ChainPolicy> {
        self.policy
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The line that set the policy, or declared the chain.
    pub fn source(&self) -> Option<SourceLine> {
        self.source
    }
}

impl PartialEq for Chain {
    fn eq(&self, other: &Chain) -> bool {
        self.name == other.name && self.policy == other.policy && self.rules == other.rules
    }
}

impl Eq for Chain {}

/// A table with its chains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    pub(super) chains: Vec<Chain>,
}

impl Table {
    /// The chains: the built-in ones in the kernel's order, then the others in
    /// order of name.
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// The chain of that name.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.name == name)
    }

    /// The chain of that name, made when it is not there.
    pub(super) fn chain_mut(&mut self, name: &str) -> &mut Chain {
        let at = match self.chains.iter().position(|chain| chain.name == name) {
            Some(at) => at,
            None => {
                self.chains.push(Chain::new(name));
                self.chains.len() - 1
            }
        };
        &mut self.chains[at]
    }

    /// Puts the chains into the order that [`Table::chains`] promises.
    pub(super) fn sort(&mut self, table: TableName) {
        self.chains.sort_by(|one, other| {
            let place = |chain: &Chain| table.hook(&chain.name).map_or(u8::MAX, |hook| hook as u8);
            place(one)
                .cmp(&place(other))
                .then_with(|| one.name.cmp(&other.name))
        });
    }
}

/// The tables of one family, and the text that they were read from.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) tables: BTreeMap<TableName, Table>,
    pub(super) source: Option<Arc<SourceText>>,
}

/// Rules of one family or of both, in the order in which the kernel will have them.
///
/// However it was written, as a dump or as commands, a ruleset has one form:
/// what the kernel holds after the last line. Two rulesets are equal when they
/// load alike.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    pub(super) families: BTreeMap<Family, Tables>,
}

impl PartialEq for Ruleset {
    fn eq(&self, other: &Ruleset) -> bool {
        self.families.len() == other.families.len()
            && self.families.iter().all(|(family, tables)| {
                other
                    .families
                    .get(family)
                    .is_some_and(|others| others.tables == tables.tables)
            })
    }
}

impl Eq for Ruleset {}

/// Two rulesets hold rules of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("both rulesets hold {0} rules")]
pub struct SameFamily(pub Family);

impl Ruleset {
    /// The families that the ruleset holds rules of.
    pub fn families(&self) -> impl Iterator<Item = Family> + '_ {
        self.families.keys().copied()
    }

    /// The tables of a family, in order of table.
    pub fn tables(&self, family: Family) -> impl Iterator<Item = (TableName, &Table)> {
        let tables = self.families.get(&family);
        tables
            .into_iter()
            .flat_map(|tables| tables.tables.iter().map(|(name, table)| (*name, table)))
    }

    /// A table of a family.
    pub fn table(&self, family: Family, table: TableName) -> Option<&Table> {
        self.families.get(&family)?.tables.get(&table)
    }

    /// A chain.
    pub fn chain(&self, id: &ChainId) -> Option<&Chain> {
        self.table(id.family.of_iptables()?, id.table.parse().ok()?)?
            .chain(&id.chain)
    }

    /// A rule by its place.
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        let at = (id.ordinal.0 as usize).checked_sub(1)?;
        self.chain(&id.chain)?.rules.get(at)
    }

    /// Every rule with its place, in order of family, table, chain and place.
    pub fn rules(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        self.placed().map(|(family, table, chain, at, rule)| {
            let chain = ChainId {
                family: family.into(),
                table: table.word().to_owned(),
                chain: chain.name.clone(),
            };
            let ordinal = RuleOrdinal(at as u32 + 1);
            (RuleId { chain, ordinal }, rule)
        })
    }

    /// Whether there are rules, and no packet comes to one: none stands in a built-in chain.
    pub fn is_unreached(&self) -> bool {
        let built_in = |name: &str| super::Hook::of_chain(name).is_some();
        let mut placed = self
            .placed()
            .map(|(_, _, chain, ..)| built_in(chain.name()));
        placed.next().is_some_and(|first| !first) && !placed.any(|built_in| built_in)
    }

    pub(super) fn placed(&self) -> impl Iterator<Item = (Family, TableName, &Chain, usize, &Rule)> {
        self.families.iter().flat_map(|(family, tables)| {
            tables.tables.iter().flat_map(move |(name, table)| {
                table.chains.iter().flat_map(move |chain| {
                    let rules = chain.rules.iter().enumerate();
                    rules.map(move |(at, rule)| (*family, *name, chain, at, rule))
                })
            })
        })
    }

    /// The text that a family's rules were read from, where they were read.
    pub fn source(&self, family: Family) -> Option<&Arc<SourceText>> {
        self.families.get(&family)?.source.as_ref()
    }

    /// Whether there is not a rule, a policy nor a chain in it.
    pub fn is_empty(&self) -> bool {
        self.families
            .values()
            .all(|tables| tables.tables.is_empty())
    }

    /// Both rulesets as one: IPv4 rules from one file and IPv6 rules from another.
    ///
    /// # Errors
    /// When both hold rules of one family.
    pub fn merge(mut self, other: Ruleset) -> Result<Ruleset, SameFamily> {
        for (family, tables) in other.families {
            if self.families.contains_key(&family) {
                return Err(SameFamily(family));
            }
            self.families.insert(family, tables);
        }
        Ok(self)
    }

    /// A chain to write to, made with its family and table when it is not there.
    pub(super) fn chain_mut(
        &mut self,
        family: Family,
        table: TableName,
        chain: &str,
    ) -> &mut Chain {
        let tables = self.families.entry(family).or_default();
        tables.tables.entry(table).or_default().chain_mut(chain)
    }

    pub(super) fn sort(&mut self) {
        for tables in self.families.values_mut() {
            for (name, table) in &mut tables.tables {
                table.sort(*name);
            }
        }
    }
}
