use std::collections::{BTreeMap, BTreeSet};

use super::command::{Command, Verb};
use super::policy::Side;
use super::rules::Ruleset;
use super::tables::TableName;
use super::walk::Core;
use fwlab_record::{Family, InterfaceName};

impl Ruleset {
    /// The ruleset with the rule that attaches the FTP helper to the control
    /// connections of a family, first in the table raw: in OUTPUT on the
    /// client's own host, in PREROUTING elsewhere.
    #[must_use]
    pub fn with_helper(mut self, side: Side, control_port: u16, family: Family) -> Ruleset {
        let rule = helper_rule(control_port);
        let words = ["-I", side.helper_chain()];
        let words = words.into_iter().chain(rule.split(' '));
        // Put before the others when they are there.
        self.push(family, Command::new(TableName::Raw, Verb::Add, words));
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
        for (family, command) in ruleset.all_mut() {
            rename(command, family, names);
        }
        ruleset
    }

    fn values(
        &self,
        wanted: impl Fn(Core) -> bool,
        read: impl Fn(&str) -> Vec<String>,
    ) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        for (family, command) in self.all() {
            for piece in command.walk(family).pieces {
                if piece.core().is_some_and(&wanted) {
                    values.extend(read(piece.value()));
                }
            }
        }
        values
    }
}

fn rename(command: &mut Command, family: Family, names: &BTreeMap<String, InterfaceName>) {
    let renamed: Vec<_> = command
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
            // `-ieth0` and `--in-interface=eth0` are one word.
            let before = command.words[value.word].strip_suffix(value.text)?;
            let name = names.get(value.text)?.as_str();
            Some((value.word, [before, name].concat()))
        })
        .collect();
    for (word, name) in renamed {
        command.words[word] = name;
    }
}

/// `-p tcp --dport PORT -j CT --helper ftp`.
pub(super) fn helper_rule(control_port: u16) -> String {
    format!("-p tcp --dport {control_port} -j CT --helper ftp")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::{Source, parse};

    fn ruleset(text: &str) -> Ruleset {
        parse(&Source::new("test", text), Family::Ipv4).ruleset
    }

    #[test]
    fn the_helper_comes_first() {
        let rules = ruleset("iptables -t raw -A OUTPUT -j NOTRACK\nip6tables -P INPUT DROP\n");
        let helper = "-I OUTPUT -p tcp --dport 2121 -j CT --helper ftp\n";
        let with = rules.clone().with_helper(Side::Client, 2121, Family::Ipv4);
        assert_eq!(
            with.render(Family::Ipv4),
            format!("*raw\n-A OUTPUT -j NOTRACK\n{helper}COMMIT\n")
        );
        assert!(!with.render(Family::Ipv6).contains("CT"));
        let with = rules.with_helper(Side::Gateway, 21, Family::Ipv6);
        assert!(
            with.render(Family::Ipv6)
                .starts_with("*raw\n-I PREROUTING -p tcp")
        );
    }

    #[test]
    fn interfaces_are_renamed_where_they_match() {
        let rules = ruleset(
            "iptables -A FORWARD -ieth0 ! -o eth1 -s 10.0.0.0/8 -m comment --comment eth0 -j ACCEPT\niptables -A INPUT -i eth+ -j DROP\n",
        );
        let used = |rules: &Ruleset| rules.interfaces_used().into_iter().collect::<Vec<_>>();
        assert_eq!(used(&rules), ["eth+", "eth0", "eth1"]);
        let names = BTreeMap::from([("eth0".to_owned(), InterfaceName::new("uplink").unwrap())]);
        let renamed = rules.rename_interfaces(&names);
        assert_eq!(used(&renamed), ["eth+", "eth1", "uplink"]);
        assert!(
            renamed
                .render(Family::Ipv4)
                .contains("-iuplink ! -o eth1 -s 10.0.0.0/8 -m comment --comment eth0")
        );
        assert_eq!(
            rules.addresses_used().into_iter().collect::<Vec<_>>(),
            ["10.0.0.0/8"]
        );
    }
}
