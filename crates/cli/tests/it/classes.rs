//! `check`: whose transfers pass, a row for each class of peers that the rules tell apart.

use crate::bad_input::folder;
use crate::native::lab_with_nft;
use crate::support::{Ended, end_of, fwlab, lab, shared};
use fwlab_skipped::{Need, skipped};

fn check(rules: &str, name: &str, more: &[&str]) -> Ended {
    let folder = folder(&[(name, rules.as_bytes())]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["check", name, "--server", "libunftp", "--data", "pasv"])
        .args(["--protection", "plain"])
        .args(more);
    end_of(&mut command)
}

/// The rows of the table: who, and what came of it.
fn rows(ended: &Ended) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    // Long names stand above their row.
    let mut above: Vec<&str> = Vec::new();
    for line in ended.stdout.lines().skip(1) {
        let Some((head, outcome)) = line.split_once("libunftp ← suppaftp") else {
            above.extend(Some(line.trim()).filter(|part| *part != "pasv"));
            continue;
        };
        let head = head.trim();
        let head = head.rsplit_once("  ").map_or(head, |(who, _)| who.trim());
        let name = match line.starts_with("      ") {
            true => above.join(" "),
            false => head.to_owned(),
        };
        above.clear();
        rows.push((name, outcome.trim().to_owned()));
    }
    rows
}

fn expect(ended: &Ended, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> = expected
        .iter()
        .map(|(who, outcome)| ((*who).to_owned(), (*outcome).to_owned()))
        .collect();
    assert_eq!(rows(ended), expected, "{}{}", ended.stdout, ended.stderr);
}

/// The only interface that the rules name is one for containers: from outside nothing passes.
#[test]
fn the_interface_that_rules_name_is_not_taken_for_everybody_s() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -P INPUT DROP\niptables -A INPUT -i docker0 -j ACCEPT\n";
    let ended = check(rules, "rules.sh", &["--at", "server"]);
    expect(
        &ended,
        &[
            ("on docker0", "passes"),
            ("on any other interface", "ctl timeout"),
        ],
    );
    let ended = check(rules, "rules.sh", &["--at", "server", "--on", "docker0"]);
    expect(&ended, &[("rules.sh", "passes")]);
    let ended = check(rules, "rules.sh", &["--at", "server", "--on", "eth7"]);
    expect(&ended, &[("rules.sh", "ctl timeout")]);
}

#[test]
fn addresses_are_told_apart_on_a_server_a_client_and_a_router() {
    let Some(_lab) = lab() else { return };
    let server = "iptables -A INPUT -p tcp --dport 21 ! -s 203.0.113.0/24 -j REJECT\n";
    let ended = check(server, "rules.sh", &["--at", "server"]);
    expect(
        &ended,
        &[
            ("from 203.0.113.0/24", "passes"),
            ("from anywhere else", "ctl rejected"),
        ],
    );
    assert!(
        ended
            .stdout
            .contains("stopped SYN 10.77.0.2 → 10.77.0.1:21"),
        "{}",
        ended.stdout
    );
    let client = "iptables -A OUTPUT -p tcp --dport 21 -d 203.0.113.0/24 -o eth+ -j REJECT\n";
    let ended = check(client, "rules.sh", &["--at", "client"]);
    expect(
        &ended,
        &[
            ("to 203.0.113.0/24 on eth+", "ctl rejected"),
            ("to anywhere else; on any other interface", "passes"),
        ],
    );
    let router = "iptables -P FORWARD DROP\n\
                  iptables -A FORWARD -i lan0 -s 192.168.1.0/24 -o wan0 -j ACCEPT\n\
                  iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    let ended = check(router, "rules.sh", &["--at", "gateway"]);
    let found = rows(&ended);
    assert_eq!(
        found[0].0, "from 192.168.1.0/24 on lan0 to wan0",
        "{}",
        ended.stdout
    );
    assert_eq!(found[0].1, "passes", "{}", ended.stdout);
    assert!(
        found[1..]
            .iter()
            .all(|(_, outcome)| outcome == "ctl timeout"),
        "{}",
        ended.stdout
    );
    let ended = check(
        router,
        "rules.sh",
        &["--at", "gateway", "--on", "wan0", "--out", "lan0"],
    );
    expect(&ended, &[("rules.sh", "ctl timeout")]);
}

/// `iif` and a flow table's devices have to be there for a script to load.
#[test]
fn interfaces_that_nft_looks_up_are_there() {
    let Some(_lab) = lab_with_nft() else { return };
    let script = "table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    iif \"eth1\" accept
    iifname { \"eth0\", \"wg*\" } ip saddr vmap { 192.0.2.0/24 : accept, 198.51.100.0/24 : drop }
  }
}
";
    let ended = check(script, "rules.nft", &["--at", "server", "--family", "ipv4"]);
    expect(
        &ended,
        &[
            ("on eth1; from 192.0.2.0/24 on eth0, wg+", "passes"),
            ("from 198.51.100.0/24 on eth0, wg+", "ctl timeout"),
            (
                "on any other interface; from anywhere else on eth0, wg+",
                "ctl timeout",
            ),
        ],
    );
}

#[test]
fn what_is_not_tried_is_said() {
    let Some(_lab) = lab() else { return };
    let rules: String = (0..8)
        .map(|number| {
            let target = if number % 2 == 0 { "ACCEPT" } else { "DROP" };
            format!("iptables -A INPUT -s 192.0.2.{number} -p tcp -j {target}\n")
        })
        .collect();
    let rules = rules + "iptables -A INPUT -m mac --mac-source 02:00:00:00:00:09 -j DROP\n";
    let ended = check(&rules, "rules.sh", &["--at", "server", "--classes", "3"]);
    assert!(
        ended.stdout.contains("3 cells") || ended.stdout.contains("6 cells"),
        "{}",
        ended.stdout
    );
    for told in [
        "the rules tell 9 classes of IPv4 peers apart; 3 of them are tried",
        "--classes 9 tries all",
        "the rules tell peers apart by -m mac in ipv4/filter/INPUT/9",
    ] {
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
    // Nothing is said of those that were not.
    let whom: Vec<String> = rows(&ended).into_iter().map(|(whom, _)| whom).collect();
    assert!(
        whom.iter().all(|whom| whom.starts_with("from ")),
        "{whom:?}"
    );
}

#[test]
fn a_choice_that_nobody_can_be_is_told() {
    let _machine = shared();
    let rules = "iptables -A INPUT -j ACCEPT\n";
    for (more, told) in [
        (
            &["--at", "server", "--out", "eth0"][..],
            "--out is a gateway's interface",
        ),
        (
            &["--at", "server", "--from", "2001:db8::1"],
            "nobody speaks that here",
        ),
        (
            &["--at", "server", "--server-address", "10.0.0.1"],
            "--at port-forward",
        ),
        (&["--at", "server", "--from", "eth0"], "is not an address"),
        (&["--at", "server", "--on", "a name"], "--on"),
    ] {
        let ended = check(rules, "rules.sh", more);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
}

/// Chains that a verdict map leads to are read, and what cannot be read holds no gate.
#[test]
fn rules_behind_verdict_maps_and_in_chains_without_a_name() {
    let Some(_lab) = lab_with_nft() else { return };
    let script = "table inet filter {
  map doors { type ifname : verdict; elements = { \"lan\" : jump lan_in } }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname vmap { \"wan\" : jump wan_in }
    iifname vmap @doors
  }
  chain wan_in { ip saddr { 198.51.100.0/24 } tcp dport { 21, 40000-50000 } accept
  }
  chain lan_in { ip saddr != 192.168.1.66 tcp dport { 21, 40000-50000 } accept
  }
}
";
    let of = |more: &[&str]| {
        let ports = [
            "--at",
            "server",
            "--family",
            "ipv4",
            "--passive-ports",
            "40000-50000",
        ];
        check(script, "rules.nft", &[&ports[..], more].concat())
    };
    for (from, on, outcome) in [
        ("198.51.100.4", "wan", "passes"),
        ("192.0.2.4", "wan", "ctl timeout"),
        ("192.168.1.66", "lan", "ctl timeout"),
        ("192.168.1.67", "lan", "passes"),
    ] {
        let row = ("rules.nft", outcome);
        expect(&of(&["--from", from, "--on", on]), &[row]);
    }
    let all = rows(&of(&[]));
    let passing: Vec<&str> = all
        .iter()
        .filter(|(_, came)| came == "passes")
        .map(|(whom, _)| whom.as_str())
        .collect();
    assert_eq!(
        passing,
        ["from 198.51.100.0/24 on wan; from anywhere but 192.168.1.66 on lan"],
        "{all:?}"
    );
    let nameless = "table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    tcp dport 21 jump { ip saddr 198.51.100.0/24 accept; }
  }
}
";
    let ended = check(
        nameless,
        "rules.nft",
        &["--at", "server", "--expect", "all blocked"],
    );
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains("rules of a chain without a name"),
        "{}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .contains("not all peers that the rules tell apart were tried"),
        "{}",
        ended.stderr
    );
}

/// A member of a set may say more than an address.
#[test]
fn members_of_a_set_that_differ_in_their_port_are_told_apart() {
    let Some(_lab) = lab() else { return };
    if fwlab_fabric::find_tool("ipset").is_none() {
        return skipped(Need::Programs, "no ipset on this machine");
    }
    let rules = "ipset create ipp hash:ip,port
ipset add ipp 10.7.0.1,tcp:21
ipset add ipp 10.7.0.2,tcp:22
iptables -P INPUT DROP
iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
iptables -A INPUT -p tcp --dport 1024:65535 -j ACCEPT
iptables -A INPUT -m set --match-set ipp src,dst -j ACCEPT
";
    let ended = check(rules, "rules.sh", &["--at", "server"]);
    expect(
        &ended,
        &[
            ("from 10.7.0.1", "passes"),
            ("from anywhere but 10.7.0.1", "ctl timeout"),
        ],
    );
}
