//! What becomes of packets on their way to a host and through it, where no rule of a filter stops them.

use crate::support::lab;
use crate::translated::{host_with, on};

const PLAIN: [&str; 4] = ["--backend", "nft", "--protection", "plain"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&PLAIN[..], more].concat()
}

/// What a rule does to the time to live is not taken for a missing way back.
#[test]
fn a_time_to_live_that_runs_out_is_told() {
    let Some(_lab) = lab() else { return };
    for (ports, ended_by) in [("21", "ctl rejected"), ("1024:65535", "ctl timeout")] {
        let rules = format!(
            "*mangle\n-A PREROUTING -p tcp -m tcp --dport {ports} -j TTL --ttl-set 1\nCOMMIT\n"
        );
        let asked = with(&["--at", "gateway", "--data", "epsv"]);
        let ended = on("rules.v4", &rules, "check", &asked).with(0);
        for told in [ended_by, "because its time to live had run out"] {
            assert!(ended.stdout.contains(told), "{ports}: {}", ended.stdout);
        }
    }
}

/// SYNPROXY answers in the server's place, and no TCP sends again what ended the handshake.
#[test]
fn what_ended_a_handshake_in_the_server_s_place_is_told() {
    let Some(_lab) = lab() else { return };
    let rules = "*raw\n-A PREROUTING -p tcp -m tcp --dport 21 --syn -j CT --notrack\nCOMMIT\n\
                 *filter\n:INPUT DROP [0:0]\n\
                 -A INPUT -p tcp -m tcp --dport 21 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460\n\
                 -A INPUT -m conntrack --ctstate INVALID -j DROP\n\
                 -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n";
    let asked = with(&["--at", "server", "--data", "epsv"]);
    let ended = on("rules.v4", rules, "check", &asked).with(0);
    for told in [
        "ctl timeout",
        "ipv4/filter/INPUT, line 5 `-P INPUT DROP` stopped ACK",
    ] {
        assert!(ended.stdout.contains(told), "{}", ended.stdout);
    }
}

/// A chain at an interface tells who is on it from who is not, also where it has no rules. What it stops is not traced.
#[test]
fn a_chain_at_an_interface_tells_interfaces_apart() {
    let Some(_lab) = lab() else { return };
    let at = |devices: &str, policy: &str, rules: &str| {
        format!(
            "table netdev edge {{\n chain in {{\n  type filter hook ingress {devices} priority 0; policy {policy};\n{rules} }}\n}}\n"
        )
    };
    for script in [
        at("device \"eth0\"", "accept", "  tcp dport 21 drop\n"),
        at(
            "devices = { eth0, eth1 }",
            "accept",
            "  tcp dport 21 drop\n",
        ),
        at(
            "device \"eth0\"",
            "drop",
            "  meta protocol arp accept\n  tcp dport != 21 accept\n",
        ),
    ] {
        let asked = ["--at", "server", "--protection", "plain", "--data", "epsv"];
        let ended = on("rules.nft", &script, "check", &asked).with(3);
        let row = |named: &str| {
            let mut lines = ended.stdout.lines();
            let row = lines.find(|line| line.trim_start().starts_with(named));
            row.unwrap_or_else(|| panic!("{named}: {}", ended.stdout))
        };
        assert!(row("on eth0").ends_with("? unclear"), "{}", ended.stdout);
        assert!(
            row("on any other interface").ends_with("passes"),
            "{}",
            ended.stdout
        );
    }
}

/// A host has a route to everywhere, as hosts do: what it takes for somebody else's address is answered.
#[test]
fn an_address_that_a_host_takes_its_peer_for_is_answered() {
    let Some(_lab) = lab() else { return };
    let rules = "*nat\n-A INPUT -p tcp -j SNAT --to-source 10.9.9.9\nCOMMIT\n";
    let asked = with(&["--at", "server", "--data", "port"]);
    let ended = on("rules.v4", rules, "check", &asked).with(0);
    assert!(!ended.stdout.contains("unclear"), "{}", ended.stdout);
}

/// Two ends of a router may have addresses that look like one network's.
#[test]
fn ends_of_a_router_are_kept_apart() {
    let Some(_lab) = lab() else { return };
    let rules =
        "*nat\n-A PREROUTING -i eth0 -d 203.0.113.0/24 -j NETMAP --to 10.0.0.0/24\nCOMMIT\n";
    let asked = with(&["--at", "gateway", "--data", "epsv"]);
    let ended = on("rules.v4", rules, "check", &asked).with(0);
    assert!(!ended.stdout.contains("unclear"), "{}", ended.stdout);
}

/// Who is in a private network of a captured host, as a container, comes to its public address by way of it. The server waits for data
/// where its client came to, and nowhere else.
#[test]
fn a_container_finds_the_host_s_public_address() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT";
    let asked = [
        "--at",
        "server",
        "--on",
        "lan",
        "--data",
        "pasv",
        "--protection",
        "plain",
        "--advertise",
        "203.0.113.7",
        "--expect",
        "passive blocked",
    ];
    let ended = on("host.fwlab", &host_with(rules), "check", &asked).with(0);
    let told = "server answered RST+ACK 203.0.113.7 → 192.168.1.2";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}

/// A port of a data connection is chance only by rules that its packets can come to.
#[test]
fn rules_of_another_way_leave_nothing_to_chance() {
    let Some(_lab) = lab() else { return };
    let rules = "*nat\n-A PREROUTING -i wan -p tcp -m tcp --dport 21 -j DNAT --to-destination 10.0.0.5\n\
                 -A PREROUTING -i wan -p tcp -m tcp --dport 50000:50100 -j DNAT --to-destination 10.0.0.5\nCOMMIT\n";
    for (data, is_chance) in [("port", false), ("epsv", true)] {
        let asked = with(&["--at", "port-forward", "--on", "wan", "--data", data]);
        let ended = on("rules.v4", rules, "check", &asked).with(0);
        let told = ended
            .stdout
            .contains("the data connection's port is chance");
        assert_eq!(told, is_chance, "{data}: {}", ended.stdout);
    }
}

/// A rule that tells packets apart by more than their connection is told for that, and not for a helper that is missing.
#[test]
fn a_rule_that_counts_is_told_for_what_it_looks_at() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter\n-A INPUT -p tcp -m tcp --syn -m connlimit --connlimit-above 1 --connlimit-saddr -j REJECT --reject-with tcp-reset\nCOMMIT\n";
    let asked = with(&["--at", "server", "--data", "epsv"]);
    let ended = on("rules.v4", rules, "check", &asked).with(0);
    let told =
        "met a rule that stops some packets but not others, by `-m connlimit --connlimit-above 1";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}

/// A SYN that a rule stopped, and that later goes elsewhere, is told no twice and hears neither: that decides, and no timer of a minute.
#[test]
fn two_answers_that_nobody_hears_decide() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -P OUTPUT DROP\niptables -P FORWARD DROP\n\
                 iptables -A FORWARD -m state --state ESTABLISHED -j ACCEPT\n\
                 iptables -A FORWARD -p tcp --dport 21 -j ACCEPT\niptables -A FORWARD -p tcp --dport 1024:65535 -j DROP\n\
                 iptables -t nat -A POSTROUTING -o wan -j MASQUERADE\niptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp\n";
    let asked = with(&["--at", "gateway", "--out", "wan", "--data", "port"]);
    let began = std::time::Instant::now();
    let ended = on("rules.sh", rules, "check", &asked).with(0);
    let told = "line 5 `-A FORWARD -p tcp -m tcp --dport 1024:65535 -j DROP` stopped SYN";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    // By the client's own patience it takes 56 s.
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

/// On the real host a proxy may listen where the lab has none.
#[test]
fn a_redirect_to_a_port_of_the_host_s_own_is_told_as_that() {
    let Some(_lab) = lab() else { return };
    let rules =
        "*nat\n-A PREROUTING -p tcp -m tcp --dport 21 -j REDIRECT --to-ports 2121\nCOMMIT\n";
    let asked = with(&["--at", "gateway", "--data", "epsv"]);
    let ended = on("rules.v4", rules, "check", &asked).with(0);
    for told in [
        "ctl rejected",
        "was redirected to a port of the host itself. No program listens there in the lab; on the real host, a proxy may.",
        "It would pass if that rule exempted FTP connections",
    ] {
        assert!(ended.stdout.contains(told), "{}", ended.stdout);
    }
}
