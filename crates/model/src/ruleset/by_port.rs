use super::native::NativeListing;
use super::only::Only;
use super::purity::looked_at;
use super::rule::Ruleset;
use super::{Correspondence, SourceLine};
use fwlab_record::{RuleId, RuleOrdinal};

/// A rule that looks at a range of destination ports of TCP, and at others not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByPort {
    /// The line that it came from.
    pub source_line: Option<SourceLine>,
    /// The first and the last of the ports.
    pub ports: (u16, u16),
}

impl Ruleset {
    /// The rules that look at a range of destination ports, one for each range.
    pub fn by_port(&self) -> impl Iterator<Item = ByPort> {
        self.placed().flat_map(|(family, _, _, _, rule)| {
            let source_line = rule.source();
            ranges(&looked_at(rule, family)).map(move |ports| ByPort { source_line, ports })
        })
    }
}

impl NativeListing {
    /// The rules that look at a range of destination ports, one for each range. What is in a set of its own is not known.
    pub fn by_port<'a>(&'a self, lines: &'a Correspondence) -> impl Iterator<Item = ByPort> + 'a {
        self.looked_at().flat_map(move |(chain, ordinal, only)| {
            let source_line = lines.source_of(&RuleId {
                chain: chain.clone(),
                ordinal: RuleOrdinal(ordinal),
            });
            ranges(only).map(move |ports| ByPort { source_line, ports })
        })
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
    use crate::ruleset::{Source, parse};
    use fwlab_record::Family;

    #[test]
    fn ranges_of_tcp_alone() {
        let rules = "iptables -A INPUT -p tcp --dport 40000:40100 -j ACCEPT
iptables -A INPUT -p tcp --dport 21 -j ACCEPT
iptables -A INPUT -p udp --dport 5000:6000 -j ACCEPT
iptables -A INPUT -p tcp -m multiport --dports 20,21,50000:50010 -j ACCEPT
iptables -A INPUT -p tcp ! --dport 1:1023 -j DROP
iptables -A INPUT -p tcp --sport 1024:65535 -j ACCEPT
";
        let parsed = parse(&Source::new("rules", rules), Family::Ipv4).expect("a ruleset");
        let found: Vec<_> = parsed
            .ruleset
            .by_port()
            .map(|one| (one.source_line.map(|line| line.line), one.ports))
            .collect();
        assert_eq!(
            found,
            [(Some(1), (40000, 40100)), (Some(4), (50000, 50010))]
        );
    }
}
