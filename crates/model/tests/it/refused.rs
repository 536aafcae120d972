//! What the real loader refuses is refused, and nothing else.

use fwlab_model::ruleset::{Source, parse};
use fwlab_record::Family;

use crate::kernel;

/// Rules for the table filter, each with one mistake.
const REFUSED: &[&str] = &[
    "-A INPUT -p tcp –dport 21 -j ACCEPT",
    "-A INPUT -p tcp -dport 21 -j ACCEPT",
    "-A INPUT -p tcp -m multiport --dports 1024–65535",
    "-A INPUT -m comment --comment “allow ftp” -j ACCEPT",
    "-A INPUT -m comment --comment 'allow ftp' -j ACCEPT",
    "-A INPUT -p\u{a0}tcp -j ACCEPT",
    "-A INPUT -p tcp\u{200b} -j ACCEPT",
    "iptables -A INPUT -j ACCEPT",
    "-A INPUT -j ACCEPT # all",
    "-A PREROUTING -j ACCEPT",
    "-A input -j ACCEPT",
    "-A OUTPUT -p tcp -j CT --helper ftp",
    "-A INPUT -j NOTRACK",
    "-A INPUT -j DNAT --to-destination 1.2.3.4",
    "-A FORWARD -j MASQUERADE",
    "-A INPUT -j TTL --ttl-set 3",
    "-A INPUT -j CLASSIFY --set-class 1:1",
    "-A OUTPUT -p tcp --syn -j SYNPROXY",
    "-A INPUT -j nochain",
    "-A INPUT -g gone",
    "-A INPUT -g ACCEPT",
    "-A INPUT -j accept",
    "-A INPUT -j FORWARD",
    "-A INPUT -j late\n:late - [0:0]",
    ":a - [0:0]\n:b - [0:0]\n-A a -j b\n-A b -j a\n-A INPUT -j a",
    ":a - [0:0]\n-A a -j a\n-A INPUT -j a",
    "-A INPUT -m conntrakc --ctstate NEW",
    "-A INPUT -m LOG",
    "-A INPUT -m -j DROP",
    "-A INPUT -p icmpv6 -m icmp6 --icmpv6-type 1",
    "-A INPUT -j REJCT",
    "-A INPUT -j HL --hl-set 3",
    "-A INPUT -p tcp --dport 99999",
    "-A INPUT -p tcp --dport 50100:50000",
    "-A INPUT -p tcp --dport 20,21",
    "-A INPUT -p tcp --dport 20-21",
    "-A INPUT -p tcp --dport 1:2:3",
    "-A INPUT -p tcp --dport \"\"",
    "-A INPUT -p tcp --dport 08",
    "-A INPUT -p tcp --dport -5",
    "-A INPUT -p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
    "-A INPUT -p tcp -m multiport --dports 9:3",
    "-A INPUT -p tcp -m multiport --dports 1,,2",
    "-A INPUT -p tcp -m multiport --dports 99999",
    "-A INPUT -m multiport --dports 20,21",
    "-A INPUT -p icmp -m multiport --dports 20,21",
    "-A INPUT -s 192.168.0.256",
    "-A INPUT -s 1.2.3.4.5",
    "-A INPUT -s 192.168.0.0/33",
    "-A INPUT -s 192.168.0.0/",
    "-A INPUT -s 192.168.0.0/mask",
    "-A INPUT -s ::1",
    "-A INPUT -s 10.0.0.1-10.0.0.9",
    "-A INPUT -s 10.0.0.1,",
    "-A INPUT ! -s 10.0.0.1,10.0.0.2",
    "-A INPUT -s 10.0.0.1,10.0.0.2 ! -d 10.0.0.3",
    "-A INPUT -p tpc",
    "-A INPUT -p 300",
    "-A INPUT -p tcp,udp",
    "-A INPUT -p \"\"",
    "-A INPUT --dport 21 -j ACCEPT",
    "-A INPUT --dport 21 -p tcp -j ACCEPT",
    "-A INPUT -p udp --syn",
    "-A INPUT --state NEW -j ACCEPT",
    "-A INPUT --to-destination 1.2.3.4",
    "-A INPUT -m tcp -j ACCEPT",
    "-A INPUT -m udp --dport 53",
    ":INPUT REJECT [0:0]",
    ":FORWARD drop [0:0]",
    ":OUTPUT",
    "-P INPUT DENY",
    "-P INPUT",
    "-P f DROP",
    "-A INPUT -p tcp --dprot 21",
    "-A INPUT -q -j ACCEPT",
    "-A INPUT --in eth0 -j ACCEPT",
    "-A INPUT p tcp",
    "-A INPUT 3 -j ACCEPT",
    "-A INPUT -m state --state NEW, ESTABLISHED",
    "-A INPUT !-s 1.2.3.4",
    "-A INPUT -p ! tcp -j ACCEPT",
    "-A INPUT -s ! 1.2.3.4",
    "-A INPUT -p tcp --dport ! 21",
    "-A INPUT ! ! -p tcp",
    "-A INPUT ! -j ACCEPT",
    "-A INPUT -j ACCEPT !",
    "-A INPUT -j ACCEPT -- x",
    "-A",
    "-A INPUT -j",
    "-A INPUT -p tcp --dport",
    "-A INPUT -p tcp --tcp-flags SYN",
    "-A INPUT -c 1 -j ACCEPT",
    "-A INPUT -m state -j ACCEPT",
    "-A INPUT -m comment -j ACCEPT",
    "-A INPUT -m helper -j ACCEPT",
    "-A INPUT -s 1.1.1.1 -s 2.2.2.2 -j ACCEPT",
    "-A INPUT -p tcp -p udp",
    "-A INPUT -j LOG -j DROP",
    "-A INPUT -i eth0 -i eth1",
    "-A INPUT -m state --state NEW,ESTABLISHD",
    "-A INPUT -m state --state NEW,",
    "-A INPUT -m state --state DNAT",
    "-A INPUT -m conntrack --ctstate RELATED,",
    "-A INPUT -j REJECT --reject-with icmp-host-prohibted",
    "-A INPUT -j REJECT --reject-with tcp-reset",
    "-A INPUT -p udp -j REJECT --reject-with tcp-reset",
    "-A INPUT -o eth0",
    "-A OUTPUT -i eth0",
    "-A INPUT -i averylonginterfacename",
    "-A INPUT -i \"\"",
    "-I INPUT 2 -j ACCEPT",
    "-I INPUT 0 -j ACCEPT",
    "-I INPUT one -j ACCEPT",
    "-D INPUT 1",
    "-D INPUT 0",
    "-R INPUT 1 -j DROP",
    "-A INPUT -j DROP\n-R INPUT 1 -s 1.1.1.1,2.2.2.2 -j DROP",
    "-D INPUT -j LOG",
    "-A INPUT -I INPUT -j ACCEPT",
    "-p tcp -j ACCEPT",
    "-t filter -A INPUT -j ACCEPT",
    "-N INPUT",
    "-N LOG",
    "-N ACCEPT",
    ":ACCEPT - [0:0]",
    "-N a\n-N a",
    "-N a\n-A INPUT -j a\n-X a",
    "-N a\n-A a -j DROP\n-X a",
    "-X none",
    "-F none",
    "-E none b",
    "-N a\n-N b\n-E a b",
    ":averyveryverylongnameofachain - [0:0]",
    "foo",
    "*nat",
];

fn dump(rules: &str) -> String {
    format!("*filter\n{rules}\nCOMMIT\n")
}

#[test]
fn what_the_loaders_refuse_is_refused_and_told() {
    for backend in kernel::backends() {
        for rules in REFUSED {
            let text = dump(rules);
            let loaded = kernel::load(backend, Family::Ipv4, &text);
            assert!(!loaded.success, "{backend} takes `{rules}`");
            let parsed = parse(&Source::new("refused", text), Family::Ipv4);
            let (attempt, listing) = kernel::attempt(backend, &parsed.ruleset, Family::Ipv4);
            let told = parsed.mistakes.or_else(|| attempt.mistakes());
            assert!(told.is_some(), "{backend}: `{rules}` {listing:?}");
        }
    }
}

/// The open quote would swallow the target, and iptables-restore takes that.
#[test]
fn an_open_quote_is_refused_though_the_loader_takes_it() {
    let text = dump("-A INPUT -m comment --comment \"allow ftp -j ACCEPT");
    for backend in kernel::backends() {
        assert!(kernel::load(backend, Family::Ipv4, &text).success);
    }
    let parsed = parse(&Source::new("quote", text), Family::Ipv4);
    assert!(parsed.mistakes.is_some());
}

/// What the kernel has then is not what was written: it is taken, and said.
#[test]
fn ports_that_are_cut_off_are_noted() {
    for rule in [
        "-A INPUT -m conntrack --ctorigdstport 99999",
        "-A INPUT -p udp --dport 70000:80000",
    ] {
        let text = dump(rule);
        let parsed = parse(&Source::new("ports", text.as_str()), Family::Ipv4);
        assert_eq!(parsed.notes.len(), 1, "{rule}");
        assert!(parsed.notes[0].message.contains("65535"), "{rule}");
        for backend in kernel::backends() {
            assert!(kernel::load(backend, Family::Ipv4, &text).success, "{rule}");
        }
    }
}

#[test]
fn whole_files_are_refused_by_both() {
    let files = [
        "*filter\n-A INPUT -j ACCEPT\n",
        "*filter\nCOMMIT\nthat was it\n",
        "-A INPUT -j ACCEPT\n",
        "*fliter\nCOMMIT\n",
        "*filter\n*nat\nCOMMIT\n",
        "*nat\n-A PREROUTING -j DROP\nCOMMIT\n",
        "*nat\n-A PREROUTING -j REJECT\nCOMMIT\n",
        "*nat\n-A POSTROUTING -j DNAT --to-destination 1.2.3.4\nCOMMIT\n",
        "*raw\n-A OUTPUT -p tcp -j CT --helper fpt\nCOMMIT\n",
        "*raw\n-A OUTPUT -p tcp -j CT --helper h323\nCOMMIT\n",
        "*raw\n-A OUTPUT -j CT --helper ftp\nCOMMIT\n",
        "*raw\n-A OUTPUT -p udp -j CT --helper ftp\nCOMMIT\n",
        "*raw\n-A OUTPUT ! -p udp -j CT --helper ftp\nCOMMIT\n",
    ];
    let backends = kernel::backends();
    for text in files {
        let told = kernel::mistakes(text, Family::Ipv4);
        assert!(told.is_some(), "{text}");
        for backend in &backends {
            assert!(
                !kernel::load(*backend, Family::Ipv4, text).success,
                "{backend} takes {text}"
            );
        }
    }
}

/// The backends differ: nft walks every rule, legacy stops where a packet would.
#[test]
fn a_circle_that_no_packet_gets_to_is_left_to_the_loader() {
    let text = dump(":a - [0:0]\n-A INPUT -j ACCEPT\n-A INPUT -j a\n-A a -j a");
    let ruleset = parse(&Source::new("circle", text.as_str()), Family::Ipv4).ruleset;
    for backend in kernel::backends() {
        let taken = kernel::load(backend, Family::Ipv4, &text).success;
        assert_eq!(taken, backend == fwlab_record::Backend::Legacy, "{backend}");
        let (attempt, _) = kernel::attempt(backend, &ruleset, Family::Ipv4);
        assert_eq!(attempt.is_refused(), !taken, "{backend}");
    }
}
