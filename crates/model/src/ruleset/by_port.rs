use std::collections::BTreeSet;

use super::native::NativeListing;
use super::only::Only;
use super::purity::looked_at;
use super::walk::walk;
use super::{Correspondence, Hook, Listing, SourceLine};
use fwlab_record::{RuleId, RuleOrdinal};

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
        let hooks = self.reached();
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
        let hooks = self.reached();
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
