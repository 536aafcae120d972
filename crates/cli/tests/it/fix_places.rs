//! `fix`: where a remedy stands, for whom it is, and what is told of what it opens.

use fwlab_skipped::{Need, skipped};

use crate::bad_input::folder;
use crate::fix::fix;
use crate::native::lab_with_nft;
use crate::support::{end_of, fwlab, has_program, lab};

/// What lets through answers opens all ports that the rules accept, and not only the usual ones.
#[test]
fn ports_that_the_rules_name_are_tried_too() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -A INPUT -p tcp -m multiport --dports 21,8443,30000:35000 -j ACCEPT
iptables -A INPUT -j DROP
iptables -A OUTPUT -p tcp --sport 20:21 -j ACCEPT
iptables -P OUTPUT DROP
";
    let more = ["--at", "server", "--backend", "nft", "--want", "plain/pasv"];
    let kept = ["--passive-ports", "30000-35000"];
    let ended = fix("rules.sh", rules, &[&more[..], &kept[..]].concat()).with(0);
    for told in [
        "+iptables -A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n",
        "it opens to new connections:\n  8443, 30000-35000 of the server to clients: anyone\n",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
}

/// A gateway that lets clients out by one interface lets them to no data ports on another.
#[test]
fn what_is_opened_on_a_gateway_is_for_both_ends_that_the_rules_name() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -i lan -o wan -p tcp -m tcp --dport 21 -j ACCEPT
COMMIT
";
    let script = "table inet f {
\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t\tct state established accept
\t\tiifname \"lan\" oifname \"wan\" ip daddr 203.0.113.0/24 tcp dport 21 accept
\t}
}
";
    let more = ["--at", "gateway", "--want", "explicit/passive"];
    for (name, rules, rule, to_whom) in [
        (
            "rules.v4",
            rules,
            "+-A FORWARD -i lan -o wan -p tcp -m tcp --dport 50000:50100 -j ACCEPT\n",
            "50000-50100 of the server to clients: from lan to wan\n",
        ),
        (
            "rules.nft",
            script,
            "+\t\tiifname \"lan\" oifname \"wan\" ip daddr 203.0.113.0/24 tcp dport 50000-50100 accept\n",
            "50000-50100 of the server to clients: from lan to 203.0.113.0/24 on wan over IPv4\n",
        ),
    ] {
        let ended = fix(name, rules, &more).with(0);
        for told in [rule, to_whom] {
            assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
        }
    }
}

/// What leaves a chain by `goto` comes to none of its later rules: at the chain's end a rule would be in vain.
#[test]
fn a_rule_stands_before_a_goto_that_leads_past_it() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -P INPUT DROP
iptables -N ftp
iptables -A ftp -p tcp --dport 21 -j ACCEPT
iptables -A INPUT -p tcp -g ftp
iptables -A INPUT -p udp -j DROP
";
    let script = "table ip f {
\tchain ftp {
\t\ttcp dport 21 accept
\t}
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established accept
\t\tgoto ftp
\t}
}
";
    let more = ["--at", "server", "--want", "explicit/pasv"];
    for (name, rules, rule) in [
        (
            "rules.sh",
            rules,
            "+iptables -A INPUT -p tcp -m tcp --dport 50000:50100 -j ACCEPT\n iptables -A INPUT -p tcp -g ftp\n",
        ),
        (
            "rules.nft",
            script,
            "+\t\ttcp dport 50000-50100 accept\n \t\tgoto ftp\n",
        ),
    ] {
        let ended = fix(name, rules, &more).with(0);
        assert!(ended.stdout.contains(rule), "{rule}: {}", ended.stdout);
        let accepts = ended.stdout.matches("  - accept").count();
        assert_eq!(accepts, 1, "{}", ended.stdout);
    }
}

/// On its way to the gateway itself a packet has no interface yet that it leaves by, whatever the rules name for those that are led on.
#[test]
fn a_rule_asks_for_no_interface_that_its_packets_lack() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -P INPUT DROP
iptables -P FORWARD DROP
iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
iptables -A FORWARD -i wan -o lan -p tcp --dport 21 -j ACCEPT
iptables -t nat -A PREROUTING -i wan -p tcp --dport 21 -j DNAT --to-destination 192.168.7.10
";
    let more = ["--at", "port-forward", "--want", "explicit/pasv"];
    let ended = fix("rules.sh", rules, &more).with(0);
    for told in [
        "+iptables -A FORWARD -i wan -o lan -p tcp -m tcp --dport 50000:50100 -j ACCEPT\n",
        "+iptables -t nat -A PREROUTING -d 198.51.100.1 -p tcp -m tcp --dport 50000:50100 -j DNAT",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("-A INPUT"), "{}", ended.stdout);
}

/// Where no rule accepts untracked answers, the control connection itself is what stays in conntrack; and rules that need no
/// change are no mistake of who asks for a file.
#[test]
fn what_is_stopped_untracked_stays_in_conntrack() {
    let Some(_lab) = lab() else { return };
    let rules = "*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp --dport 21 -j CT --notrack
COMMIT
*filter
:INPUT ACCEPT [0:0]
:OUTPUT DROP [0:0]
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
";
    let more = [
        "--at",
        "server",
        "--want",
        "plain/all",
        "--backend",
        "nft",
        "--write",
        "fixed.v4",
    ];
    let ended = fix("rules.v4", rules, &more).with(0);
    let kept = "+-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\n -A PREROUTING -p tcp --dport 21 -j CT --notrack";
    assert!(ended.stdout.contains(kept), "{}", ended.stdout);
    let open = "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
        -A INPUT -p tcp -m multiport --dports 21,40000:40100 -j ACCEPT\nCOMMIT\n";
    let more = [&more[..2], &["--want", "passive"], &more[4..]].concat();
    let ended = fix("rules.v4", open, &more).with(0);
    let told = "no rules were changed, so fixed.v4 is not written";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

/// Rules for other services tell peers apart to whom answers open what is theirs.
#[test]
fn what_is_opened_to_peers_of_other_services_is_told() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -p tcp --dport 21 -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT
-A OUTPUT -p tcp --sport 21 -j ACCEPT
COMMIT
";
    let more = [
        "--at",
        "server",
        "--want",
        "plain/pasv",
        "--backend",
        "nft",
        "--passive-ports",
        "40000-40100",
    ];
    let ended = fix("rules.v4", rules, &more).with(0);
    let told = "it opens to new connections:\n  22 of the server to clients: from 10.0.0.0/8\n";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}

/// A helper that sees the client's half of the dialogue alone expects nothing of the server's replies.
#[test]
fn a_control_connection_that_is_tracked_one_way_is_kept_for_its_helper() {
    let Some(_lab) = lab() else { return };
    let rules = "*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p tcp --dport 21 -j CT --helper ftp
-A OUTPUT -p tcp --sport 21 -j NOTRACK
COMMIT
*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp --dport 21 -j ACCEPT
COMMIT
";
    let more = ["--at", "server", "--want", "plain/pasv", "--backend", "nft"];
    let ended = fix("rules.v4", rules, &more).with(0);
    let kept =
        "+-A OUTPUT -p tcp -m tcp --sport 21 -j ACCEPT\n -A OUTPUT -p tcp --sport 21 -j NOTRACK";
    assert!(ended.stdout.contains(kept), "{}", ended.stdout);
}

/// What the lab's clients cannot show of a server behind a gateway is said.
#[test]
fn what_a_server_opens_by_itself_behind_a_port_forward_is_not_said_to_be_closed() {
    let Some(_lab) = lab_with_nft() else { return };
    let rules = "table ip filter {
    chain forward {
        type filter hook forward priority filter; policy drop;
        iifname \"eth0\" oifname \"eth1\" tcp dport 21 accept
        iifname \"eth1\" accept
    }
}
table ip nat {
    chain pre {
        type nat hook prerouting priority dstnat;
        ip daddr 10.50.0.1 tcp dport 21 dnat to 10.51.0.2
    }
}
";
    let more = [
        "--at",
        "port-forward",
        "--want",
        "plain/pasv",
        "--to",
        "10.50.0.1",
    ];
    let ended = fix("rules.nft", rules, &more).with(0);
    assert!(
        ended
            .stdout
            .contains("+        ct state established accept"),
        "{}",
        ended.stdout
    );
    let said = "Connections that the server opens by itself, and that the rules do not translate, were not tried";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
}

/// Under TLS, a server in the client's own network is reached past the gateway, by its own address, and refuses that.
#[test]
fn a_server_of_a_hairpin_announces_the_address_that_clients_connect_to() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd here");
    }
    let rules = "*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 203.0.113.5 -p tcp -m tcp --dport 21 -j DNAT --to-destination 10.51.0.2
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i eth1 -j ACCEPT
-A FORWARD -d 10.51.0.2 -p tcp -m tcp --dport 21 -j ACCEPT
COMMIT
";
    let folder = folder(&[("rules.v4", rules.as_bytes())]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["fix", "rules.v4", "--at", "hairpin", "--server", "vsftpd"])
        .args(["--backend", "nft", "--on", "eth1", "--to", "203.0.113.5"]);
    let ended = end_of(&mut command).with(0);
    let told = "have the server announce 203.0.113.5";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}
