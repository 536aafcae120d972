//! `fix` where rules treat some ports differently: what passes with one must with all, and what is opened is tried from each.

use crate::fix::fix;
use crate::native::lab_with_nft;
use crate::support::lab;

/// Rules that open a part of the ports that a server picks from: what passes by luck does not pass.
#[test]
fn a_transfer_that_passes_by_luck_is_mended_too() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -P INPUT DROP
iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
iptables -A INPUT -p tcp --dport 21 -j ACCEPT
iptables -A INPUT -p tcp --dport 40000:65000 -j ACCEPT
";
    // libunftp picks one of 49152 to 65535: nearly always one that is open.
    for _ in 0..3 {
        let more = [
            "--at",
            "server",
            "--want",
            "explicit/pasv",
            "--backend",
            "nft",
        ];
        let ended = fix("rules.sh", rules, &more).with(0);
        assert!(
            ended
                .stdout
                .contains("keep to the passive ports 40000-65000"),
            "{}",
            ended.stdout
        );
        assert!(!ended.stdout.contains("+iptables"), "{}", ended.stdout);
    }
}

/// Rules that stop some of the ports that a server may pick, beside a helper or within the range that it is to keep to.
#[test]
fn what_passes_with_some_ports_of_the_server_is_mended_for_all() {
    let Some(_lab) = lab() else { return };
    let begin = "iptables -P INPUT DROP\niptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
        iptables -A INPUT -p tcp --dport 21 -j ACCEPT\n";
    let beside = format!(
        "{begin}iptables -A INPUT -p tcp --dport 55000:60000 -j DROP\n\
         iptables -A INPUT -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT\n"
    );
    let within = format!("{begin}iptables -A INPUT -p tcp --dport 50050:50053 -j DROP\n");
    for (rules, want, mended) in [
        (
            beside,
            "plain/pasv",
            "--ctstate RELATED -m helper --helper ftp -j ACCEPT\n iptables -A INPUT -p tcp --dport 55000:60000",
        ),
        (
            within,
            "explicit/pasv",
            "--dport 50000:50100 -j ACCEPT\n iptables -A INPUT -p tcp --dport 50050:50053",
        ),
    ] {
        let more = ["--at", "server", "--want", want, "--backend", "nft"];
        let ended = fix("rules.sh", &rules, &more).with(0);
        assert!(ended.stdout.contains(mended), "{}", ended.stdout);
    }
}

/// Rules that stop a few of the ports from which clients connect: what passes with the others does not pass.
#[test]
fn a_transfer_that_passes_with_most_ports_of_clients_is_mended_too() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -A OUTPUT -p tcp --dport 50000:50100 -j DROP\n";
    let more = ["--at", "server", "--want", "plain/pasv", "--backend", "nft"];
    let ended = fix("rules.sh", rules, &more).with(0);
    let mended = "+iptables -A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT";
    assert!(ended.stdout.contains(mended), "{}", ended.stdout);
}

/// A rule that stops some ports counts where only later packets of a connection come to it, too.
#[test]
fn what_later_packets_come_to_is_mended_for_all_ports() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -P INPUT DROP
iptables -A INPUT -p tcp --syn -j ACCEPT
iptables -A INPUT -p tcp --dport 21 -j ACCEPT
iptables -A INPUT -p tcp --dport 64000:64100 -j DROP
iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
";
    let more = ["--at", "server", "--want", "plain/pasv", "--backend", "nft"];
    let ended = fix("rules.sh", rules, &more).with(0);
    let mended =
        "--ctstate ESTABLISHED -j ACCEPT\n iptables -A INPUT -p tcp --dport 64000:64100 -j DROP";
    assert!(ended.stdout.contains(mended), "{}", ended.stdout);
}

/// What answers are let through opens what rules accept already: from port 20, in sets, by where a packet comes from.
#[test]
fn what_is_opened_is_tried_from_every_port_that_rules_name() {
    let Some(_lab) = lab_with_nft() else { return };
    let hole = "*filter\n:INPUT DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -p tcp --sport 21 -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
        -A INPUT -p tcp --sport 20 -j ACCEPT\n-A OUTPUT -p tcp --dport 21 -j ACCEPT\nCOMMIT\n";
    let sources = "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n-A OUTPUT -p tcp --sport 21 -j ACCEPT\n\
        -A OUTPUT -p tcp ! --sport 9000:9100 -j DROP\nCOMMIT\n";
    let set = "table inet f {\n\tset open { type inet_service; flags interval; elements = { 8080-8090, 9000 } }\n\
        \tchain i {\n\t\ttype filter hook input priority 0; policy drop;\n\t\ttcp dport 21 accept\n\t\ttcp dport @open accept\n\
        \t\tct state established accept\n\t}\n\tchain o {\n\t\ttype filter hook output priority 0; policy drop;\n\
        \t\ttcp sport 21 accept\n\t}\n}\n";
    let answers = "*filter\n:INPUT DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -p tcp --dport 21 -j ACCEPT\n\
        -A INPUT -p tcp --sport 53 -j ACCEPT\n-A OUTPUT -p tcp --sport 21 -j ACCEPT\n-A OUTPUT -p tcp --sport 9000:9100 -j ACCEPT\n\
        COMMIT\n";
    let half = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 21 -j ACCEPT\n\
        -A INPUT -p tcp --syn -m multiport --dports 22,40000:40100 -j ACCEPT\nCOMMIT\n";
    let shared = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:both - [0:0]\n-A INPUT -j both\n\
        -A FORWARD -p tcp --dport 21 -j ACCEPT\n-A FORWARD -j both\n-A both -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
        -A both -j DROP\nCOMMIT\n";
    for (name, rules, at, more, told) in [
        (
            "rules.v4",
            hole,
            "client",
            &["--want", "plain/active"][..],
            "65535 of the client to servers who connect from port 20: anyone",
        ),
        (
            "rules.v4",
            sources,
            "server",
            &["--want", "plain/passive", "--passive-ports", "9000-9100"],
            "\n  9000-9100 of the server to clients: anyone",
        ),
        (
            "host.nft",
            set,
            "server",
            &["--want", "plain/passive", "--family", "ipv4"],
            "\n  8080-8090, 9000 of the server to clients: anyone",
        ),
        // Until then, what connected got no further than an answer.
        (
            "rules.v4",
            half,
            "server",
            &["--want", "plain/passive"],
            "\n  22, 40000-40100 of the server to clients; 20, 21",
        ),
        // A service's port is one that others connect from, too.
        (
            "rules.v4",
            answers,
            "server",
            &["--want", "plain/passive"],
            "65535 of the server to clients who connect from port 53",
        ),
        (
            "rules.v4",
            answers,
            "server",
            &["--want", "plain/active"],
            "65535 of the client to servers who connect from the ports 9000-9100: anyone",
        ),
        (
            "rules.v4",
            shared,
            "gateway",
            &["--want", "explicit/passive"],
            "ipv4/filter/both is reached from INPUT, too",
        ),
    ] {
        let ended = fix(name, rules, &[&["--at", at][..], more].concat()).with(0);
        assert!(ended.stdout.contains(told), "{}", ended.stdout);
    }
}

/// A range that rules stop, or open to some alone, is not one that a server is to keep to.
#[test]
fn a_passive_range_is_one_that_rules_open() {
    let Some(_lab) = lab() else { return };
    let begin = "iptables -P INPUT DROP\niptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
        iptables -A INPUT -p tcp --dport 21 -j ACCEPT\n";
    for (rule, kept) in [
        ("--dport 6000:6063 -j DROP", "50000-50100"),
        (
            "--dport 5900:5999 -s 10.0.0.0/8 -j ACCEPT\niptables -A INPUT -p tcp --dport 40000:40100 -j ACCEPT",
            "40000-40100",
        ),
    ] {
        let rules = format!("{begin}iptables -A INPUT -p tcp {rule}\n");
        let more = [
            "--at",
            "server",
            "--want",
            "explicit/pasv",
            "--backend",
            "nft",
        ];
        let ended = fix("rules.sh", &rules, &more).with(0);
        let told = format!("keep to the passive ports {kept} (");
        assert!(ended.stdout.contains(&told), "{}", ended.stdout);
    }
}

/// A server that happens to pick from a range that is opened is told to keep to it all the same: others do not.
#[test]
fn a_range_that_a_server_picks_from_by_itself_is_to_be_kept_to() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 21 -j ACCEPT
-A INPUT -p tcp --dport 49152:65535 -m conntrack --ctstate RELATED -j ACCEPT
COMMIT
";
    let more = ["--at", "server", "--want", "tls/pasv", "--backend", "nft"];
    let ended = fix("rules.v4", rules, &more).with(0);
    for told in [
        "have the server keep to the passive ports 49152-65535",
        "accept TCP to the ports 49152-65535",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
}
