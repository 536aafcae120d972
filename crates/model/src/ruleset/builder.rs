//! The rules as the kernel would hold them while commands are carried out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::rule::{Chain, Rule, Ruleset, Tables};
use super::same::likeness;
use super::tables::{ChainPolicy, TableName};
use super::text::{SourceLine, SourceText};
use fwlab_record::Family;

/// The most rules that one source may grow to; lists of addresses multiply.
pub(super) const RULES_MOST: usize = 250_000;

/// A chain under construction. Its rules are numbers into its table's store,
/// so that ten thousand `-I` cost no more than ten thousand `-A`.
#[derive(Debug, Default)]
pub(super) struct ChainState {
    pub(super) policy: Option<ChainPolicy>,
    pub(super) source: Option<SourceLine>,
    pub(super) rules: VecDeque<u32>,
}

/// A table under construction.
#[derive(Debug, Default)]
pub(super) struct TableState {
    chains: HashMap<String, ChainState>,
    store: Vec<Rule>,
    likenesses: Vec<u64>,
}

/// Why a change is not possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Impossible {
    NoChain,
    /// The chain has so many rules.
    NoNumber(usize),
    NoSuchRule,
    Exists,
    NotEmpty(String),
    Referenced(String),
    TooMany,
}

impl TableState {
    pub(super) fn chain(&self, name: &str) -> Option<&ChainState> {
        self.chains.get(name)
    }

    pub(super) fn chain_or_new(&mut self, name: &str) -> &mut ChainState {
        if !self.chains.contains_key(name) {
            self.chains.insert(name.to_owned(), ChainState::default());
        }
        self.chains.get_mut(name).expect("inserted above")
    }

    pub(super) fn chain_names(&self) -> impl Iterator<Item = &str> {
        self.chains.keys().map(String::as_str)
    }

    fn store(&mut self, rule: Rule) -> Result<u32, Impossible> {
        if self.store.len() >= RULES_MOST {
            return Err(Impossible::TooMany);
        }
        self.store.push(rule);
        Ok(self.store.len() as u32 - 1)
    }

    /// Puts rules into a chain, one after another at the same place, as the
    /// kernel does with those that a list of addresses becomes: at a given
    /// place they end up in reverse order. `number` 1 is before the first.
    pub(super) fn insert(
        &mut self,
        chain: &str,
        number: Option<u64>,
        rules: Vec<Rule>,
    ) -> Result<(), Impossible> {
        for rule in rules {
            let stored = self.store(rule)?;
            let into = &mut self.chain_or_new(chain).rules;
            let length = into.len();
            match number {
                None => into.push_back(stored),
                Some(number) if number >= 1 && number <= length as u64 + 1 => {
                    into.insert(number as usize - 1, stored);
                }
                Some(_) => return Err(Impossible::NoNumber(length)),
            }
        }
        Ok(())
    }

    pub(super) fn replace(
        &mut self,
        chain: &str,
        number: u64,
        rule: Rule,
    ) -> Result<(), Impossible> {
        let at = self.numbered(chain, number)?;
        let stored = self.store(rule)?;
        self.chain_or_new(chain).rules[at] = stored;
        Ok(())
    }

    pub(super) fn delete(&mut self, chain: &str, number: u64) -> Result<(), Impossible> {
        let at = self.numbered(chain, number)?;
        self.chain_or_new(chain).rules.remove(at);
        Ok(())
    }

    fn numbered(&self, chain: &str, number: u64) -> Result<usize, Impossible> {
        let length = self.chain(chain).map_or(0, |chain| chain.rules.len());
        match usize::try_from(number) {
            Ok(number) if (1..=length).contains(&number) => Ok(number - 1),
            _ => Err(Impossible::NoNumber(length)),
        }
    }

    /// Removes the first rule that says the same.
    pub(super) fn delete_like(
        &mut self,
        chain: &str,
        rule: &Rule,
        family: Family,
    ) -> Result<(), Impossible> {
        for rule in &self.store[self.likenesses.len()..] {
            self.likenesses.push(likeness(rule, family));
        }
        let wanted = likeness(rule, family);
        let rules = &mut self
            .chains
            .get_mut(chain)
            .ok_or(Impossible::NoSuchRule)?
            .rules;
        let found = rules
            .iter()
            .position(|stored| self.likenesses[*stored as usize] == wanted);
        rules.remove(found.ok_or(Impossible::NoSuchRule)?);
        Ok(())
    }

    pub(super) fn flush(&mut self, chain: Option<&str>) {
        for (name, state) in &mut self.chains {
            if chain.is_none_or(|chain| chain == name) {
                state.rules.clear();
            }
        }
    }

    /// Removes a chain that the table does not have of itself.
    pub(super) fn delete_chain(&mut self, name: &str) -> Result<(), Impossible> {
        let state = self.chains.get(name).ok_or(Impossible::NoChain)?;
        if !state.rules.is_empty() {
            return Err(Impossible::NotEmpty(name.to_owned()));
        }
        if self.jumps_to(name) {
            return Err(Impossible::Referenced(name.to_owned()));
        }
        self.chains.remove(name);
        Ok(())
    }

    fn jumps_to(&self, name: &str) -> bool {
        let mut rules = self.chains.values().flat_map(|chain| &chain.rules);
        rules.any(|rule| self.store[*rule as usize].target() == Some(name))
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), Impossible> {
        if self.chains.contains_key(to) {
            return Err(Impossible::Exists);
        }
        let state = self.chains.remove(from).ok_or(Impossible::NoChain)?;
        self.chains.insert(to.to_owned(), state);
        for rule in &mut self.store {
            rule.retarget(from, to);
        }
        Ok(())
    }

    /// What `*table` in a dump does without `--noflush`: rules and chains go,
    /// policies stay.
    pub(super) fn restart(&mut self, table: TableName) {
        self.chains.retain(|name, _| table.hook(name).is_some());
        self.flush(None);
    }

    fn finish(self, table: TableName) -> super::Table {
        let mut store: Vec<Option<Rule>> = self.store.into_iter().map(Some).collect();
        let mut finished = super::Table::default();
        for (name, state) in self.chains {
            if table.hook(&name).is_some() && state.policy.is_none() && state.rules.is_empty() {
                continue;
            }
            let rules = state
                .rules
                .into_iter()
                .filter_map(|rule| store[rule as usize].take());
            finished.chains.push(Chain {
                rules: rules.collect(),
                policy: state.policy,
                source: state.source,
                name,
            });
        }
        finished.sort(table);
        finished
    }
}

/// The tables of both families under construction.
#[derive(Debug, Default)]
pub(super) struct Builder {
    tables: BTreeMap<(Family, TableName), TableState>,
    touched: std::collections::BTreeSet<Family>,
}

impl Builder {
    pub(super) fn table(&mut self, family: Family, table: TableName) -> &mut TableState {
        self.touched.insert(family);
        self.tables.entry((family, table)).or_default()
    }

    /// The tables of the family in which there is a chain of that name.
    pub(super) fn tables_with(&self, family: Family, chain: &str) -> Vec<TableName> {
        let tables = self
            .tables
            .iter()
            .filter(|((of, _), table)| *of == family && table.chains.contains_key(chain));
        tables.map(|((_, name), _)| *name).collect()
    }

    pub(super) fn finish(self, source: &Arc<SourceText>) -> Ruleset {
        let mut ruleset = Ruleset::default();
        for family in self.touched {
            let tables = Tables {
                source: Some(Arc::clone(source)),
                ..Tables::default()
            };
            ruleset.families.insert(family, tables);
        }
        for ((family, name), state) in self.tables {
            let table = state.finish(name);
            if !table.chains.is_empty() {
                let tables = ruleset.families.entry(family).or_default();
                tables.tables.insert(name, table);
            }
        }
        ruleset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(words: &str) -> Rule {
        Rule::new(words.split(' '), Family::Ipv4)
    }

    fn rules(state: &TableState, chain: &str) -> Vec<String> {
        let rules = &state.chain(chain).unwrap().rules;
        rules
            .iter()
            .map(|rule| state.store[*rule as usize].to_string())
            .collect()
    }

    #[test]
    fn rules_stand_where_the_kernel_puts_them() {
        let mut state = TableState::default();
        state.insert("INPUT", None, vec![rule("-j DROP")]).unwrap();
        state
            .insert(
                "INPUT",
                Some(1),
                vec![rule("-s 1.1.1.1"), rule("-s 2.2.2.2")],
            )
            .unwrap();
        assert_eq!(
            rules(&state, "INPUT"),
            ["-s 2.2.2.2", "-s 1.1.1.1", "-j DROP"]
        );
        assert_eq!(
            state.insert("INPUT", Some(5), vec![rule("-j DROP")]),
            Err(Impossible::NoNumber(3))
        );
        state
            .insert("INPUT", Some(4), vec![rule("-j LOG")])
            .unwrap();
        state.replace("INPUT", 1, rule("-j RETURN")).unwrap();
        state.delete("INPUT", 2).unwrap();
        assert_eq!(rules(&state, "INPUT"), ["-j RETURN", "-j DROP", "-j LOG"]);
        assert_eq!(state.delete("INPUT", 4), Err(Impossible::NoNumber(3)));
        assert_eq!(state.delete("INPUT", 0), Err(Impossible::NoNumber(3)));
        state
            .delete_like("INPUT", &rule("--jump DROP"), Family::Ipv4)
            .unwrap();
        assert_eq!(
            state.delete_like("INPUT", &rule("-j DROP"), Family::Ipv4),
            Err(Impossible::NoSuchRule)
        );
        assert_eq!(rules(&state, "INPUT"), ["-j RETURN", "-j LOG"]);
    }

    #[test]
    fn chains_go_only_when_nothing_needs_them() {
        let mut state = TableState::default();
        state.chain_or_new("f");
        state.insert("INPUT", None, vec![rule("-j f")]).unwrap();
        assert_eq!(
            state.delete_chain("f"),
            Err(Impossible::Referenced("f".into()))
        );
        state.rename("f", "g").unwrap();
        assert_eq!(rules(&state, "INPUT"), ["-j g"]);
        state.flush(Some("INPUT"));
        state.insert("g", None, vec![rule("-j DROP")]).unwrap();
        assert_eq!(
            state.delete_chain("g"),
            Err(Impossible::NotEmpty("g".into()))
        );
        state.flush(None);
        state.delete_chain("g").unwrap();
        assert_eq!(state.delete_chain("g"), Err(Impossible::NoChain));
    }
}
