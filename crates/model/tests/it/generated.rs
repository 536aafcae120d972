//! Generated rulesets: what the parser takes and the loader takes is loaded as
//! it was read; what the parser refuses the loader refuses.

use std::ops::RangeInclusive;

use fwlab_model::ruleset::{
    DefaultPolicy, Listing, Passive, Policy, RejectWith, Ruleset, Side, Source, correspond,
    generate, parse,
};
use fwlab_record::{DataSetup, Family};
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
                    assert!(ruleset.impurities().is_empty());
                    if proven.insert(ruleset.render(*family).text().to_owned()) {
                        for backend in &backends {
                            loads(*backend, *family, &ruleset).unwrap();
                        }
                    }
                }
            }
        }
    }
}

fn loads(backend: fwlab_record::Backend, family: Family, ruleset: &Ruleset) -> Result<(), String> {
    let rendered = ruleset.render(family);
    let loaded = kernel::load(backend, family, rendered.text());
    if !loaded.success {
        return Err(format!("{backend}: {}\n{}", loaded.stderr, rendered.text()));
    }
    let listing = Listing::parse(&loaded.saved, family).map_err(|error| error.to_string())?;
    correspond(ruleset, &listing)
        .map_err(|differences| format!("{backend}: {differences:?}\n{}", loaded.saved))?;
    Ok(())
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
    fn the_model_agrees_with_the_loader(rule in rule()) {
        let text = format!("*filter\n:own - [0:0]\n{rule}\nCOMMIT\n");
        let parsed = parse(&Source::new("rule", text.as_str()), Family::Ipv4);
        for backend in kernel::backends() {
            match &parsed {
                // The loader may know better, and then loads nothing.
                Ok(parsed) => {
                    let rendered = parsed.ruleset.render(Family::Ipv4);
                    if kernel::load(backend, Family::Ipv4, rendered.text()).success {
                        loads(backend, Family::Ipv4, &parsed.ruleset).map_err(TestCaseError::fail)?;
                    }
                    // Leaving it to the loader is all the parser did: as written it loads, too.
                    let written = kernel::load(backend, Family::Ipv4, &text).success;
                    let rendered = kernel::load(backend, Family::Ipv4, rendered.text()).success;
                    prop_assert_eq!(written, rendered, "{}", backend);
                }
                Err(mistakes) => {
                    let loaded = kernel::load(backend, Family::Ipv4, &text);
                    prop_assert!(!loaded.success, "{backend} takes `{rule}`, refused for {:?}", mistakes.told());
                }
            }
        }
    }

    #[test]
    fn what_is_rendered_is_read_back(rules in prop::collection::vec(rule(), 0..20)) {
        let text = format!("*filter\n:INPUT DROP [0:0]\n:own - [0:0]\n{}\nCOMMIT\n", rules.join("\n"));
        if let Ok(parsed) = parse(&Source::new("rules", text), Family::Ipv4) {
            let rendered = parsed.ruleset.render(Family::Ipv4);
            let again = parse(&Source::new("rendered", rendered.text()), Family::Ipv4).expect("was read before");
            prop_assert_eq!(again.ruleset, parsed.ruleset);
        }
    }
}
