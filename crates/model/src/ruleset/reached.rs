use std::collections::{BTreeMap, BTreeSet};

use super::native::NativeListing;
use super::{Hook, Listing};
use fwlab_record::ChainId;

impl Listing {
    /// From which hooks each chain can be reached.
    pub(super) fn reached(&self) -> Reached {
        let mut hooks = Reached::default();
        for (id, rule) in self.rules() {
            hooks.stands(id.chain.clone(), Hook::of_chain(&id.chain.chain));
            if let Some(target) = rule.target() {
                let chain = target.to_owned();
                let target = ChainId {
                    chain,
                    ..id.chain.clone()
                };
                hooks.leads(id.chain, target);
            }
        }
        hooks.follow();
        hooks
    }
}

impl Listing {
    /// From which hooks a chain is known to be reached.
    pub fn hooks_of(&self, chain: &ChainId) -> BTreeSet<Hook> {
        self.reached().of(chain)
    }
}

impl NativeListing {
    /// From which hooks a chain is known to be reached.
    pub fn hooks_of(&self, chain: &ChainId) -> BTreeSet<Hook> {
        self.reached().of(chain)
    }

    /// From which hooks each chain can be reached.
    pub(super) fn reached(&self) -> Reached {
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
#[derive(Default)]
pub(super) struct Reached {
    hooks: BTreeMap<ChainId, BTreeSet<Hook>>,
    ways: BTreeSet<(ChainId, ChainId)>,
}

impl Reached {
    fn stands(&mut self, chain: ChainId, at: Option<Hook>) {
        self.hooks.entry(chain).or_default().extend(at);
    }

    fn leads(&mut self, from: ChainId, to: ChainId) {
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
    pub(super) fn of(&self, chain: &ChainId) -> BTreeSet<Hook> {
        self.hooks.get(chain).cloned().unwrap_or_default()
    }
}
