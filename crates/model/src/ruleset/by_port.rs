use std::collections::{BTreeMap, BTreeSet};

use super::native::NativeListing;
use super::only::Only;
use super::purity::looked_at;
use super::walk::walk;
use super::{Correspondence, Hook, Listing, SourceLine};
use fwlab_record::{ChainId, RuleId, RuleOrdinal};

/// A rule that looks at a range of destination ports of TCP, and at others not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByPort {
    /// The line that it came from.
    pub source_line: Option<SourceLine>,
    /// The hooks from which its chain is known to be reached.
    pub hooks: BTreeSet<Hook>,
    /// The first and the last of the ports.
    pub ports: (u16, u16),
}

impl Listing {
    /// The rules that look at a range of destination ports, one for each range.
    pub fn by_port(&self, lines: &Correspondence) -> Vec<ByPort> {
        let mut hooks = Hooks::default();
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
        let mut found = Vec::new();
        for (id, rule) in self.rules() {
            let words = rule.words();
            let only = looked_at(&walk(&words, self.family()));
            found.extend(ranges(&only).map(|ports| ByPort {
                source_line: lines.source_of(&id),
                hooks: hooks.of(&id.chain),
                ports,
            }));
        }
        found
    }
}

impl NativeListing {
    /// The rules that look at a range of destination ports, one for each range. What is in a set of its own is not known.
    pub fn by_port(&self, lines: &Correspondence) -> Vec<ByPort> {
        let mut hooks = Hooks::default();
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
        let mut found = Vec::new();
        for (chain, ordinal, only) in self.looked_at() {
            let source_line = lines.source_of(&RuleId {
                chain: chain.clone(),
                ordinal: RuleOrdinal(ordinal),
            });
            found.extend(ranges(only).map(|ports| ByPort {
                source_line,
                hooks: hooks.of(chain),
                ports,
            }));
        }
        found
    }
}

/// From which hooks each chain can be reached.
struct Hooks<C> {
    hooks: BTreeMap<C, BTreeSet<Hook>>,
    ways: BTreeSet<(C, C)>,
}

impl<C> Default for Hooks<C> {
    fn default() -> Self {
        Hooks {
            hooks: BTreeMap::new(),
            ways: BTreeSet::new(),
        }
    }
}

impl<C: Ord + Clone> Hooks<C> {
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

    fn of(&self, chain: &C) -> BTreeSet<Hook> {
        self.hooks.get(chain).cloned().unwrap_or_default()
    }
}

/// The ranges of more than one port.
fn ranges(only: &Only) -> impl Iterator<Item = (u16, u16)> + use<> {
    let ports = only.to_ports.clone().filter(|_| only.is_of_tcp());
    let ports = ports.into_iter().flatten();
    ports.filter(|(first, last)| first < last)
}

#[cfg(test)]
mod tests {
    use crate::ruleset::{Correspondence, Hook, Listing};
    use fwlab_record::Family;

    #[test]
    fn ranges_of_tcp_alone() {
        let saved = "*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:ftp - [0:0]
-A INPUT -p tcp -m tcp --dport 40000:40100 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ftp
-A INPUT -p udp -m udp --dport 5000:6000 -j ACCEPT
-A INPUT -p tcp -m tcp ! --dport 1:1023 -j DROP
-A INPUT -p tcp -m tcp --sport 1024:65535 -j ACCEPT
-A FORWARD -j ftp
-A ftp -p tcp -m multiport --dports 20,21,50000:50010 -j ACCEPT
COMMIT
";
        let listing = Listing::parse(saved, Family::Ipv4).expect("a listing");
        let found = listing.by_port(&Correspondence::default());
        let found: Vec<_> = found
            .into_iter()
            .map(|one| (one.ports, one.hooks.into_iter().collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            found,
            [
                ((40000, 40100), vec![Hook::Input]),
                ((50000, 50010), vec![Hook::Input, Hook::Forward])
            ]
        );
    }
}
