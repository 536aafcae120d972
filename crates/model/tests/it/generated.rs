//! Generated rulesets load; and of generated rules just those are taken that the loader takes.

use std::ops::RangeInclusive;

use fwlab_model::ruleset::{
    DefaultPolicy, Listing, Passive, Policy, RejectWith, Ruleset, Side, Source, generate, parse,
};
use fwlab_record::{Backend, DataSetup, Family};
use proptest::prelude::*;

use crate::kernel;

#[test]
fn every_policy_loads_on_both_backends() {
    let range: RangeInclusive<u16> = 50000..=50100;
    let defaults = [
        DefaultPolicy::Drop,
        DefaultPolicy::Reject,
        DefaultPolicy::RejectWith(RejectWith::AdminProhibited),
        DefaultPolicy::RejectWith(RejectWith::PortUnreachable),
        DefaultPolicy::Accept,
    ];
    let backends = kernel::backends();
    let mut proven = std::collections::BTreeSet::new();
    for side in Side::ALL {
        for (at, default) in defaults.iter().enumerate() {
            for allow in [
                vec![],
                vec![DataSetup::Port],
                vec![DataSetup::Epsv],
                DataSetup::ALL.to_vec(),
            ] {
                let policy = Policy {
                    default: *default,
                    passive: if at % 2 == 0 {
                        Passive::Stateful
                    } else {
                        Passive::StaticRange(range.clone())
                    },
                    data_source_port: (at != 1).then_some(20),
                    helper: at != 3,
                    loopback: at != 2,
                    ..Policy::new(*side, allow)
                };
                for family in Family::ALL {
                    let ruleset = generate(&policy, *family);
                    if proven.insert(ruleset.render(*family)) {
                        for backend in &backends {
                            loads(*backend, *family, &ruleset);
                        }
                    }
                }
            }
        }
    }
}

fn loads(backend: Backend, family: Family, ruleset: &Ruleset) {
    let (attempt, listing) = kernel::attempt(backend, ruleset, family);
    assert_eq!(attempt.refused_of_itself(), [""; 0], "{backend}");
    let listing = listing.unwrap();
    let lines = kernel::correspond(backend, &attempt, &listing, family);
    assert_eq!(listing.impurities(&lines), []);
}

/// Options of a rule in the table filter, right and sometimes wrong.
fn option() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "-p tcp",
        "-p udp",
        "-p 6",
        "-p TCP",
        "! -p icmp",
        "-p tpc",
        "--dport 21",
        "--sport 1024:",
        "--dport 50000:50100",
        "--dport :1023",
        "! --dport 21",
        "--dport ftp",
        "--sport 20,21",
        "--syn",
        "! --syn",
        "--tcp-flags SYN,ACK SYN",
        "-m tcp",
        "-m udp",
        "-m state --state NEW,ESTABLISHED",
        "-m conntrack --ctstate RELATED",
        "-m state",
        "-m state --state NEWW",
        "-m helper --helper ftp",
        "-m multiport --dports 20,21",
        "-m multiport --ports 1:5,7",
        "-m comment --comment \"a \\\"b\\\" \\\\ c\"",
        "-m comment --comment \"!\"",
        "-m comment --comment -j",
        "-m mark --mark 0x1/0xff",
        "-m limit --limit 5/min",
        "-m addrtype --dst-type LOCAL",
        "-m iprange --src-range 10.0.0.1-10.0.0.9",
        "-m mac --mac-source 00:11:22:33:44:55",
        "-m pkttype --pkt-type unicast",
        "-m length --length 40:",
        "-m ttl --ttl-gt 5",
        "-m owner --uid-owner 0",
        "-m recent --set --name x",
        "-m icmp --icmp-type 8",
        "-s 10.0.0.1",
        "-s 10.0.0.0/8,192.168.0.0/16",
        "! -d 10.1.2.3/24",
        "-d 10.0.0.256",
        "-s any/0",
        "-d 0/0",
        "-i eth0",
        "-i eth+",
        "-o lo",
        "! -i lo",
        "-i +",
        "-f",
        "-c 1 2",
        "-c 1 2 -c 3 4",
        "--nosuch",
    ])
}

fn target() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "-j ACCEPT",
        "-j DROP",
        "-j RETURN",
        "-j REJECT",
        "-j REJECT --reject-with tcp-reset",
        "-j REJECT --reject-with icmp-admin-prohibited",
        "-j LOG --log-prefix \"FTP: \" --log-level 4",
        "-j NFLOG --nflog-group 5",
        "-j own",
        "-g own",
        "-j MARK --set-mark 1",
        "-j nochain",
        "-j DORP",
        "-j CT --helper ftp",
        "-j MASQUERADE",
        "-j CONNMARK --save-mark",
        "-j TCPMSS --set-mss 1400",
        "",
    ])
}

fn rule() -> impl Strategy<Value = String> {
    let chain = prop::sample::select(vec!["INPUT", "FORWARD", "OUTPUT", "own"]);
    (chain, prop::collection::vec(option(), 0..4), target())
        .prop_map(|(chain, options, target)| format!("-A {chain} {} {target}", options.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_loader_takes_is_taken_and_what_it_refuses_is_refused(rule in rule()) {
        let text = format!("*filter\n:own - [0:0]\n{rule}\nCOMMIT\n");
        let parsed = parse(&Source::new("rule", text.as_str()), Family::Ipv4);
        prop_assert!(parsed.mistakes.is_none());
        for backend in kernel::backends() {
            let written = kernel::load(backend, Family::Ipv4, &text);
            let (attempt, listing) = kernel::attempt(backend, &parsed.ruleset, Family::Ipv4);
            let listing = listing.map_err(TestCaseError::fail)?;
            let told = attempt.mistakes();
            prop_assert_eq!(written.success, told.is_none(), "{}: {:?}", backend, told);
            if written.success {
                let expected = Listing::parse(&written.saved, Family::Ipv4).expect("of iptables-save");
                let statements = |listing: &Listing| -> Vec<String> {
                    listing.rules().map(|(id, rule)| format!("{id} {}", rule.statement())).collect()
                };
                prop_assert_eq!(statements(&listing), statements(&expected), "{}", backend);
                let lines = attempt.correspond(&listing).map_err(|differences| TestCaseError::fail(format!("{differences:?}")))?;
                for (id, _) in listing.rules() {
                    prop_assert_eq!(lines.source_line(&id), Some(3));
                }
            }
        }
    }

    #[test]
    fn what_is_rendered_is_read_back(rules in prop::collection::vec(rule(), 0..20)) {
        let text = format!("*filter\n:INPUT DROP [0:0]\n:own - [0:0]\n{}\nCOMMIT\n", rules.join("\n"));
        let rendered = parse(&Source::new("rules", text), Family::Ipv4).ruleset.render(Family::Ipv4);
        let again = parse(&Source::new("rendered", rendered.as_str()), Family::Ipv4);
        prop_assert!(again.mistakes.is_none());
        prop_assert_eq!(again.ruleset.render(Family::Ipv4), rendered);
    }
}
