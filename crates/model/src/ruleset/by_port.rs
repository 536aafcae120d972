use std::collections::BTreeSet;

use super::native::NativeListing;
use super::only::Only;
use super::purity::looked_at;
use super::rule::Ruleset;
use super::{Correspondence, Hook, SourceLine};
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

impl Ruleset {
    /// The rules that look at a range of destination ports, one for each range.
    pub fn by_port(&self) -> Vec<ByPort> {
        let hooks = self.reached();
        let mut found = Vec::new();
        for (family, table, chain, _, rule) in self.placed() {
            found.extend(ranges(&looked_at(rule, family)).map(|ports| ByPort {
                source_line: rule.source(),
                hooks: hooks.of(&(family, table, chain.name().to_owned())),
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
    use crate::ruleset::{Hook, Source, parse};
    use fwlab_record::Family;

    #[test]
    fn ranges_of_tcp_alone() {
        let rules = "iptables -N ftp
iptables -A INPUT -p tcp --dport 40000:40100 -j ACCEPT
iptables -A INPUT -p tcp --dport 21 -j ftp
iptables -A INPUT -p udp --dport 5000:6000 -j ACCEPT
iptables -A ftp -p tcp -m multiport --dports 20,21,50000:50010 -j ACCEPT
iptables -A INPUT -p tcp ! --dport 1:1023 -j DROP
iptables -A FORWARD -j ftp
iptables -A INPUT -p tcp --sport 1024:65535 -j ACCEPT
";
        let parsed = parse(&Source::new("rules", rules), Family::Ipv4).expect("a ruleset");
        let found: Vec<_> = parsed
            .ruleset
            .by_port()
            .into_iter()
            .map(|one| {
                let hooks: Vec<Hook> = one.hooks.into_iter().collect();
                (one.source_line.map(|line| line.line), one.ports, hooks)
            })
            .collect();
        assert_eq!(
            found,
            [
                (Some(2), (40000, 40100), vec![Hook::Input]),
                (Some(5), (50000, 50010), vec![Hook::Input, Hook::Forward])
            ]
        );
    }
}
