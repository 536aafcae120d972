use std::collections::{BTreeMap, BTreeSet};

use super::policy::Side;
use super::rule::{Rule, Ruleset};
use super::tables::TableName;
use super::walk::Core;
use fwlab_record::{Family, InterfaceName};

impl Ruleset {
    /// The ruleset with the rule that attaches the FTP helper to the control
    /// connections of a family, first in the table raw: in OUTPUT on the
    /// client's own host, in PREROUTING elsewhere.
    #[must_use]
    pub fn with_helper(mut self, side: Side, control_port: u16, family: Family) -> Ruleset {
        let chain = self.chain_mut(family, TableName::Raw, side.helper_chain());
        chain.rules.insert(0, helper_rule(control_port, family));
        self.sort();
        self
    }

    /// The interfaces that rules name, wildcards (`eth+`) included.
    pub fn interfaces_used(&self) -> BTreeSet<String> {
        self.values(
            |core| matches!(core, Core::In | Core::Out),
            |name| vec![name.to_owned()],
        )
    }

    /// The addresses and prefixes that rules name by `-s` and `-d`.
    pub fn addresses_used(&self) -> BTreeSet<String> {
        let lists = |list: &str| list.split(',').map(str::to_owned).collect();
        self.values(
            |core| matches!(core, Core::Source | Core::Destination),
            lists,
        )
    }

    /// The ruleset with other names for the interfaces that `-i`, `-o` and
    /// `-m physdev` match on: `eth0` of the machine it is for, `uplink` of the
    /// lab. What is not in the map stays, wildcards too.
    #[must_use]
    pub fn rename_interfaces(&self, names: &BTreeMap<String, InterfaceName>) -> Ruleset {
        let mut ruleset = self.clone();
        for (family, tables) in &mut ruleset.families {
            let chains = tables
                .tables
                .values_mut()
                .flat_map(|table| &mut table.chains);
            for rule in chains.flat_map(|chain| &mut chain.rules) {
                rename(rule, *family, names);
            }
        }
        ruleset
    }

    fn values(
        &self,
        wanted: impl Fn(Core) -> bool,
        read: impl Fn(&str) -> Vec<String>,
    ) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        for (family, _, _, _, rule) in self.placed() {
            for piece in rule.walk(family).pieces {
                if piece.core().is_some_and(&wanted) {
                    values.extend(read(piece.value()));
                }
            }
        }
        values
    }
}

fn rename(rule: &mut Rule, family: Family, names: &BTreeMap<String, InterfaceName>) {
    let renamed: Vec<_> = rule
        .walk(family)
        .pieces
        .iter()
        .filter(|piece| {
            matches!(piece.core(), Some(Core::In | Core::Out))
                || piece.is("physdev-in")
                || piece.is("physdev-out")
        })
        .filter_map(|piece| {
            let value = piece.first?;
            Some((value.word, names.get(value.text)?.as_str().to_owned()))
        })
        .collect();
    for (word, name) in renamed {
        rule.words_mut()[word] = name;
    }
}

/// `-p tcp --dport PORT -j CT --helper ftp`.
pub(super) fn helper_rule(control_port: u16, family: Family) -> Rule {
    let port = control_port.to_string();
    Rule::new(
        ["-p", "tcp", "--dport", &port, "-j", "CT", "--helper", "ftp"],
        family,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::{Source, parse};

    fn ruleset(text: &str) -> Ruleset {
        parse(&Source::new("test", text), Family::Ipv4)
            .unwrap()
            .ruleset
    }

    #[test]
    fn the_helper_comes_first() {
        let rules = ruleset("iptables -t raw -A OUTPUT -j NOTRACK\nip6tables -P INPUT DROP\n");
        let helper = "-A OUTPUT -p tcp --dport 2121 -j CT --helper ftp\n";
        let with = rules.clone().with_helper(Side::Client, 2121, Family::Ipv4);
        assert_eq!(
            with.render(Family::Ipv4).text(),
            format!("*raw\n{helper}-A OUTPUT -j NOTRACK\nCOMMIT\n")
        );
        assert!(!with.render(Family::Ipv6).text().contains("CT"));
        let with = rules.with_helper(Side::Gateway, 21, Family::Ipv6);
        assert!(
            with.render(Family::Ipv6)
                .text()
                .starts_with("*raw\n-A PREROUTING -p tcp")
        );
    }

    #[test]
    fn interfaces_are_renamed_where_they_match() {
        let rules = ruleset(
            "iptables -A FORWARD -i eth0 ! -o eth1 -s 10.0.0.0/8 -m comment --comment eth0 -j ACCEPT\niptables -A INPUT -i eth+ -j DROP\n",
        );
        let used = |rules: &Ruleset| rules.interfaces_used().into_iter().collect::<Vec<_>>();
        assert_eq!(used(&rules), ["eth+", "eth0", "eth1"]);
        let names = BTreeMap::from([("eth0".to_owned(), InterfaceName::new("uplink").unwrap())]);
        let renamed = rules.rename_interfaces(&names);
        assert_eq!(used(&renamed), ["eth+", "eth1", "uplink"]);
        assert!(
            renamed
                .render(Family::Ipv4)
                .text()
                .contains("-i uplink ! -o eth1 -s 10.0.0.0/8 -m comment --comment eth0")
        );
        assert_eq!(
            rules.addresses_used().into_iter().collect::<Vec<_>>(),
            ["10.0.0.0/8"]
        );
    }
}
