use std::collections::{BTreeMap, BTreeSet};

use super::native::NativeListing;
use super::{Hook, Ruleset, TableName};
use fwlab_record::{ChainId, Family};

impl Ruleset {
    /// From which hooks each chain can be reached.
    pub(super) fn reached(&self) -> Reached<(Family, TableName, String)> {
        let mut hooks = Reached::default();
        for (family, table, chain, _, rule) in self.placed() {
            let at = |chain: &str| (family, table, chain.to_owned());
            hooks.stands(at(chain.name()), Hook::of_chain(chain.name()));
            if let Some(target) = rule.target() {
                hooks.leads(at(chain.name()), at(target));
            }
        }
        hooks.follow();
        hooks
    }
}

impl NativeListing {
    /// From which hooks each chain can be reached.
    pub(super) fn reached(&self) -> Reached<ChainId> {
        let mut hooks = Reached::default();
        for (id, chain) in self.chains() {
            // `type filter hook input priority filter; …`
            let mut words = chain.hook().split_ascii_whitespace();
            let named = words
                .find(|word| *word == "hook")
                .and_then(|_| words.next());
            hooks.stands(id.clone(), named.and_then(|word| word.parse().ok()));
        }
        for (from, to) in self.jumps() {
            hooks.leads(from, to);
        }
        hooks.follow();
        hooks
    }
}

/// From which hooks each chain can be reached.
pub(super) struct Reached<C> {
    hooks: BTreeMap<C, BTreeSet<Hook>>,
    ways: BTreeSet<(C, C)>,
}

impl<C> Default for Reached<C> {
    fn default() -> Self {
        Reached {
            hooks: BTreeMap::new(),
            ways: BTreeSet::new(),
        }
    }
}

impl<C: Ord + Clone> Reached<C> {
    fn stands(&mut self, chain: C, at: Option<Hook>) {
        self.hooks.entry(chain).or_default().extend(at);
    }

    fn leads(&mut self, from: C, to: C) {
        self.ways.insert((from, to));
    }

    /// Carries hooks along the ways until nothing more comes of it.
    fn follow(&mut self) {
        loop {
            let mut is_more = false;
            for (from, to) in &self.ways {
                let from = self.hooks.get(from).cloned().unwrap_or_default();
                let Some(hooks) = self.hooks.get_mut(to) else {
                    continue;
                };
                let before = hooks.len();
                hooks.extend(from);
                is_more |= hooks.len() > before;
            }
            if !is_more {
                return;
            }
        }
    }

    /// The hooks from which a chain is known to be reached.
    pub(super) fn of(&self, chain: &C) -> BTreeSet<Hook> {
        self.hooks.get(chain).cloned().unwrap_or_default()
    }
}
