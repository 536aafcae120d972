use super::accepted::{Accepted, accepted};
use super::command::{Command, Verb};
use super::nat::Nat;
use super::only::PortRange;
use super::policy::{DefaultPolicy, Policy, RejectWith};
use super::rules::Ruleset;
use super::tables::{ChainPolicy, Hook, TableName};
use super::transform::helper_rule;
use fwlab_record::Family;

impl RejectWith {
    fn option(self, family: Family) -> &'static str {
        match (self, family) {
            (RejectWith::TcpReset, _) => "tcp-reset",
            (RejectWith::PortUnreachable, Family::Ipv4) => "icmp-port-unreachable",
            (RejectWith::PortUnreachable, Family::Ipv6) => "icmp6-port-unreachable",
            (RejectWith::AdminProhibited, Family::Ipv4) => "icmp-admin-prohibited",
            (RejectWith::AdminProhibited, Family::Ipv6) => "icmp6-adm-prohibited",
        }
    }
}

/// Makes the fewest rules that hold a policy: every new packet is accepted for
/// a reason, and the rest falls to the default. [`Policy::passing`] says which
/// data setups then pass.
///
/// RELATED is asked for together with `-m helper`, so that no other helper's
/// expectations pass ("Secure use of iptables and connection tracking
/// helpers", netfilter.org).
pub fn generate(policy: &Policy, family: Family) -> Ruleset {
    generate_translating(policy, None, family)
}

/// The same of a gateway that translates addresses, and opens connections only where it does.
pub fn generate_translating(policy: &Policy, nat: Option<&Nat>, family: Family) -> Ruleset {
    let mut writer = Writer {
        policy,
        nat: nat.filter(|nat| nat.speaks(family)),
        family,
        ruleset: Ruleset::default(),
    };
    writer.defaults();
    if policy.default != DefaultPolicy::Accept {
        writer.host();
        for accepted in accepted(policy) {
            writer.accept(&accepted);
        }
        writer.reject();
    }
    if policy.helper {
        let rule = helper_rule(policy.control_port);
        let chain = policy.firewall.helper_chain();
        writer.ruleset.append(family, TableName::Raw, chain, &rule);
    }
    for (chain, rule) in writer.nat.iter().flat_map(|nat| nat.rules(policy)) {
        writer.ruleset.append(family, TableName::Nat, chain, &rule);
    }
    writer.ruleset.sort();
    writer.ruleset
}

/// What was generated, as commands of iptables: rules first, then policies, so that nobody is shut out half-way.
pub fn generate_commands(policy: &Policy, nat: Option<&Nat>, family: Family) -> String {
    let program = match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    };
    let ruleset = generate_translating(policy, nat, family);
    let (policies, rules): (Vec<&Command>, Vec<&Command>) = ruleset
        .commands(family)
        .iter()
        .partition(|command| command.verb == Verb::Declare);
    let rules = rules.iter().map(|command| {
        let table = match command.table() {
            TableName::Filter => String::new(),
            table => format!("-t {table} "),
        };
        // No word of them has to be quoted.
        format!("{program} {table}{}\n", command.words().join(" "))
    });
    let policies = policies
        .iter()
        .map(|command| format!("{program} -P {}\n", command.words().join(" ")));
    rules.chain(policies).collect()
}

struct Writer<'p> {
    policy: &'p Policy,
    nat: Option<&'p Nat>,
    family: Family,
    ruleset: Ruleset,
}

impl Writer<'_> {
    fn defaults(&mut self) {
        let policy = match self.policy.default {
            DefaultPolicy::Accept => ChainPolicy::Accept,
            DefaultPolicy::Drop | DefaultPolicy::Reject | DefaultPolicy::RejectWith(_) => {
                ChainPolicy::Drop
            }
        };
        for hook in TableName::Filter.hooks() {
            let words = [hook.chain(), policy.word()];
            let declared = Command::new(TableName::Filter, Verb::Declare, words);
            self.ruleset.push(self.family, declared);
        }
    }

    fn push(&mut self, hook: Hook, rule: &str) {
        self.ruleset
            .append(self.family, TableName::Filter, hook.chain(), rule);
    }

    /// What every host needs: itself, and on IPv6 its neighbours (RFC 4861:
    /// without solicitations and advertisements no packet leaves).
    fn host(&mut self) {
        if self.policy.loopback {
            self.push(Hook::Input, "-i lo -j ACCEPT");
            self.push(Hook::Output, "-o lo -j ACCEPT");
        }
        if self.family == Family::Ipv6 {
            for hook in [Hook::Input, Hook::Output] {
                for kind in ["neighbour-solicitation", "neighbour-advertisement"] {
                    self.push(hook, &format!("-p icmpv6 --icmpv6-type {kind} -j ACCEPT"));
                }
            }
        }
    }

    fn accept(&mut self, accepted: &Accepted) {
        let port = |option: &str, range: Option<PortRange>| match range {
            None => String::new(),
            Some((first, last)) if first == last => format!("--{option} {first} "),
            Some((first, u16::MAX)) => format!("--{option} {first}: "),
            Some((first, last)) => format!("--{option} {first}:{last} "),
        };
        let (from, to) = (port("sport", accepted.from), port("dport", accepted.to));
        let scope = self.nat.filter(|_| accepted.opens());
        let scope = scope.map_or_else(String::new, Nat::scope);
        let states = accepted.states.join(",");
        let helper = match accepted.by_helper {
            true => " -m helper --helper ftp",
            false => "",
        };
        self.push(
            accepted.hook,
            &format!("{scope}-p tcp {from}{to}-m conntrack --ctstate {states}{helper} -j ACCEPT"),
        );
    }

    fn reject(&mut self) {
        let answers: &[RejectWith] = match &self.policy.default {
            DefaultPolicy::Reject => &[RejectWith::TcpReset, RejectWith::PortUnreachable],
            DefaultPolicy::RejectWith(with) => std::slice::from_ref(with),
            DefaultPolicy::Drop | DefaultPolicy::Accept => return,
        };
        for with in answers {
            let protocol = if *with == RejectWith::TcpReset {
                "-p tcp "
            } else {
                ""
            };
            let option = with.option(self.family);
            // The answer leaves through OUTPUT, where it is RELATED to what it answers
            // (nf_conntrack_attach), and would be rejected in its turn.
            let answer = match (with, self.family) {
                (RejectWith::TcpReset, _) => "-p tcp --tcp-flags RST RST",
                (_, Family::Ipv4) => "-p icmp",
                (_, Family::Ipv6) => "-p icmpv6",
            };
            self.push(
                Hook::Output,
                &format!("{answer} -m conntrack --ctstate RELATED -j ACCEPT"),
            );
            for hook in TableName::Filter.hooks() {
                self.push(
                    *hook,
                    &format!("{protocol}-j REJECT --reject-with {option}"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::{Passive, Side, Source, parse};
    use fwlab_record::DataSetup;

    fn text(policy: &Policy, family: Family) -> String {
        let generated = generate(policy, family);
        let text = generated.render(family);
        let parsed = parse(&Source::new("generated", text.as_str()), family);
        assert!(parsed.mistakes.is_none());
        assert_eq!(parsed.ruleset.render(family), text);
        text
    }

    #[test]
    fn commands_say_the_same() {
        for side in [Side::Client, Side::Server, Side::Gateway] {
            let policy = Policy::new(side, DataSetup::ALL.iter().copied());
            let commands = generate_commands(&policy, None, Family::Ipv6);
            let parsed = parse(&Source::new("commands", commands.as_str()), Family::Ipv4);
            assert!(parsed.mistakes.is_none(), "{commands}");
            let lines = |ruleset: &Ruleset| {
                let text = ruleset.render(Family::Ipv6);
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                for line in &mut lines {
                    if let Some(policy) = line.strip_prefix(':') {
                        *line = format!("-P {}", policy.trim_end_matches(" [0:0]"));
                    }
                }
                lines.sort();
                lines
            };
            let generated = generate(&policy, Family::Ipv6);
            assert_eq!(lines(&parsed.ruleset), lines(&generated));
        }
    }

    #[test]
    fn passive_on_the_client() {
        let policy = Policy::new(Side::Client, [DataSetup::Epsv]);
        insta::assert_snapshot!(text(&policy, Family::Ipv4), @r#"
        *raw
        -A OUTPUT -p tcp --dport 21 -j CT --helper ftp
        COMMIT
        *filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT DROP [0:0]
        -A INPUT -i lo -j ACCEPT
        -A INPUT -p tcp --sport 21 -m conntrack --ctstate ESTABLISHED -j ACCEPT
        -A INPUT -p tcp --sport 1024: --dport 1024: -m conntrack --ctstate ESTABLISHED -m helper --helper ftp -j ACCEPT
        -A OUTPUT -o lo -j ACCEPT
        -A OUTPUT -p tcp --dport 21 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
        -A OUTPUT -p tcp --sport 1024: --dport 1024: -m conntrack --ctstate RELATED,ESTABLISHED -m helper --helper ftp -j ACCEPT
        COMMIT
        "#);
        assert_eq!(policy.passing(), [DataSetup::Pasv, DataSetup::Epsv]);
    }

    #[test]
    fn active_on_an_ipv6_server_that_rejects() {
        let policy = Policy {
            default: DefaultPolicy::Reject,
            loopback: false,
            data_source_port: None,
            ..Policy::new(Side::Server, [DataSetup::Eprt])
        };
        insta::assert_snapshot!(text(&policy, Family::Ipv6), @r#"
        *raw
        -A PREROUTING -p tcp --dport 21 -j CT --helper ftp
        COMMIT
        *filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT DROP [0:0]
        -A INPUT -p icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT
        -A INPUT -p icmpv6 --icmpv6-type neighbour-advertisement -j ACCEPT
        -A INPUT -p tcp --dport 21 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
        -A INPUT -p tcp --sport 1024: -m conntrack --ctstate ESTABLISHED -m helper --helper ftp -j ACCEPT
        -A INPUT -p tcp -j REJECT --reject-with tcp-reset
        -A INPUT -j REJECT --reject-with icmp6-port-unreachable
        -A FORWARD -p tcp -j REJECT --reject-with tcp-reset
        -A FORWARD -j REJECT --reject-with icmp6-port-unreachable
        -A OUTPUT -p icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT
        -A OUTPUT -p icmpv6 --icmpv6-type neighbour-advertisement -j ACCEPT
        -A OUTPUT -p tcp --sport 21 -m conntrack --ctstate ESTABLISHED -j ACCEPT
        -A OUTPUT -p tcp --dport 1024: -m conntrack --ctstate RELATED,ESTABLISHED -m helper --helper ftp -j ACCEPT
        -A OUTPUT -p tcp --tcp-flags RST RST -m conntrack --ctstate RELATED -j ACCEPT
        -A OUTPUT -p tcp -j REJECT --reject-with tcp-reset
        -A OUTPUT -p icmpv6 -m conntrack --ctstate RELATED -j ACCEPT
        -A OUTPUT -j REJECT --reject-with icmp6-port-unreachable
        COMMIT
        "#);
        assert_eq!(policy.passing(), [DataSetup::Port, DataSetup::Eprt]);
    }

    #[test]
    fn a_static_range_through_a_gateway() {
        let policy = Policy {
            passive: Passive::StaticRange(50000..=50100),
            helper: false,
            default: DefaultPolicy::RejectWith(RejectWith::AdminProhibited),
            ..Policy::new(Side::Gateway, [DataSetup::Pasv])
        };
        insta::assert_snapshot!(text(&policy, Family::Ipv4), @r#"
        *filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT DROP [0:0]
        -A INPUT -i lo -j ACCEPT
        -A INPUT -j REJECT --reject-with icmp-admin-prohibited
        -A FORWARD -p tcp --dport 21 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
        -A FORWARD -p tcp --sport 21 -m conntrack --ctstate ESTABLISHED -j ACCEPT
        -A FORWARD -p tcp --dport 50000:50100 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
        -A FORWARD -p tcp --sport 50000:50100 -m conntrack --ctstate ESTABLISHED -j ACCEPT
        -A FORWARD -j REJECT --reject-with icmp-admin-prohibited
        -A OUTPUT -o lo -j ACCEPT
        -A OUTPUT -p icmp -m conntrack --ctstate RELATED -j ACCEPT
        -A OUTPUT -j REJECT --reject-with icmp-admin-prohibited
        COMMIT
        "#);
        assert_eq!(policy.passing(), [DataSetup::Pasv, DataSetup::Epsv]);
    }

    /// Measured on both backends: without it a refused client waits for its timeout.
    #[test]
    fn an_answer_is_let_out_before_output_rejects() {
        for family in Family::ALL {
            for with in RejectWith::ALL {
                let policy = Policy {
                    default: DefaultPolicy::RejectWith(*with),
                    ..Policy::new(Side::Server, [DataSetup::Epsv])
                };
                let ruleset = generate(&policy, *family);
                let text = ruleset.render(*family);
                let rules: Vec<_> = text
                    .lines()
                    .filter(|line| line.starts_with("-A OUTPUT"))
                    .collect();
                let answer = rules
                    .iter()
                    .position(|rule| rule.contains("--ctstate RELATED -j ACCEPT"));
                let reject = rules.iter().position(|rule| rule.contains("-j REJECT"));
                assert!(answer.is_some() && answer < reject, "{rules:#?}");
            }
        }
    }

    #[test]
    fn what_rules_cannot_tell_apart_is_said() {
        let gateway = |allow, data_source_port| Policy {
            data_source_port,
            ..Policy::new(Side::Gateway, [allow])
        };
        let all = DataSetup::ALL;
        assert_eq!(gateway(DataSetup::Port, None).passing(), all);
        assert_eq!(gateway(DataSetup::Pasv, None).passing(), all);
        assert_eq!(
            gateway(DataSetup::Port, Some(20)).passing(),
            [DataSetup::Port, DataSetup::Eprt]
        );
        assert_eq!(
            gateway(DataSetup::Pasv, Some(20)).passing(),
            [DataSetup::Pasv, DataSetup::Epsv]
        );
        let without_helper = Policy {
            helper: false,
            ..Policy::new(Side::Client, all.iter().copied())
        };
        assert_eq!(without_helper.passing(), []);
    }
}
