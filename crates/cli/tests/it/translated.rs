//! Hosts whose rules translate addresses, and one whose rules should.

use fwlab_skipped::{Need, skipped};

use crate::bad_input::folder;
use crate::captured::host;
use crate::support::{Ended, end_of, fwlab, has_program, lab};

const LINKS: &str = r#"[
{"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"link_type":"loopback"},
{"ifname":"wan","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,"link_type":"ether"},
{"ifname":"lan","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,"link_type":"ether"}]"#;

const ADDRESSES: &str = r#"[
{"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},
{"ifname":"wan","addr_info":[{"family":"inet","local":"203.0.113.7","prefixlen":24}]},
{"ifname":"lan","addr_info":[{"family":"inet","local":"192.168.1.1","prefixlen":24}]}]"#;

const ROUTES: &str = r#"[
{"dst":"default","gateway":"203.0.113.1","dev":"wan","flags":[]},
{"dst":"192.168.1.0/24","dev":"lan","scope":"link","prefsrc":"192.168.1.1","flags":[]},
{"dst":"203.0.113.0/24","dev":"wan","scope":"link","prefsrc":"203.0.113.7","flags":[]}]"#;

pub(crate) fn on(name: &str, text: &str, command: &str, more: &[&str]) -> Ended {
    let folder = folder(&[(name, text.as_bytes())]);
    let mut running = fwlab();
    running
        .current_dir(folder.path())
        .args([command, name])
        .args(more);
    if !more.contains(&"--server") {
        running.args(["--server", "libunftp"]);
    }
    end_of(&mut running)
}

/// A captured host with these rules: a public network on `wan`, a private one on `lan`.
pub(crate) fn host_with(rules: &str) -> String {
    host(&[
        ("iptables-nft", "iptables-nft-save", rules),
        ("links", "ip -json -details link", LINKS),
        ("addresses", "ip -json addr", ADDRESSES),
        ("routes", "ip -json -4 route show table main", ROUTES),
    ])
}

/// A gateway that leads clients of private addresses out as they are. Nobody out there can answer them.
#[test]
fn missing_source_translation_is_told_and_mended() {
    let Some(_lab) = lab() else { return };
    let gateway = |nat: &str| {
        let rules = format!(
            "{nat}*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
             -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -i lan -o wan -j ACCEPT\nCOMMIT"
        );
        host_with(&rules)
    };
    let whom = [
        "--at",
        "gateway",
        "--on",
        "lan",
        "--out",
        "wan",
        "--data",
        "pasv",
        "--protection",
        "plain",
    ];
    let without = gateway("");
    let ended = on("host.fwlab", &without, "check", &whom).with(0);
    for told in [
        "ctl timeout",
        "the private address that it came from; hosts outside are taken to have no route back to it.",
    ] {
        assert!(ended.stdout.contains(told), "{}", ended.stdout);
    }
    let ended = on("host.fwlab", &without, "fix", &whom).with(0);
    for told in [
        "+-A POSTROUTING -o wan -j MASQUERADE\n",
        "Write its lines where they are loaded from",
    ] {
        assert!(ended.stdout.contains(told), "{}", ended.stdout);
    }
    let with =
        gateway("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o wan -j MASQUERADE\nCOMMIT\n");
    let expected = [&whom[..], &["--expect", "passive passes"]].concat();
    on("host.fwlab", &with, "check", &expected).with(0);
}

/// A host that gives what it opens another address: its peers find that by way of it.
#[test]
fn peers_of_a_host_find_the_address_that_it_takes() {
    let Some(_lab) = lab() else { return };
    let rules = "*nat\n-A POSTROUTING -o eth0 -j SNAT --to-source 192.0.2.9\nCOMMIT\n";
    let more = [
        "--at",
        "server",
        "--backend",
        "nft",
        "--data",
        "port",
        "--protection",
        "plain",
        "--expect",
        "active passes",
    ];
    let ended = on("rules.v4", rules, "check", &more).with(0);
    let note = "the data connection came from 192.0.2.9, but the client had connected to 10.77.0.1: clients that check this refuse it";
    assert!(ended.stdout.contains(note), "{}", ended.stdout);
}

/// Nobody in the server's own network comes to it from elsewhere.
#[test]
fn a_forward_is_not_tried_from_the_server_s_own_network() {
    let Some(_lab) = lab() else { return };
    let rules = "*nat\n-A PREROUTING ! -i lan -p tcp --dport 21 -j DNAT --to-destination 172.17.0.2\nCOMMIT\n\
                 *filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
                 -A FORWARD -s 172.17.0.0/16 -j ACCEPT\n-A FORWARD -d 172.17.0.2/32 -p tcp --dport 21 -j ACCEPT\nCOMMIT\n";
    let more = [
        "--at",
        "port-forward",
        "--backend",
        "nft",
        "--data",
        "pasv",
        "--protection",
        "plain",
    ];
    let ended = on("rules.v4", rules, "check", &more).with(0);
    assert!(!ended.stdout.contains("unclear"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("libunftp ← suppaftp"),
        "{}",
        ended.stdout
    );
}

/// Who is in the server's own network comes to it by the gateway's address, if its rules translate the source, too.
#[test]
fn a_hairpin_needs_source_translation() {
    let Some(_lab) = lab() else { return };
    let rules = |snat: &str| {
        format!(
            "*nat\n-A PREROUTING -d 203.0.113.7 -p tcp --dport 21 -j DNAT --to-destination 192.168.1.5\n\
             -A POSTROUTING -o wan -j MASQUERADE\n{snat}COMMIT\n*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n\
             *filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
             -A FORWARD -d 192.168.1.5 -p tcp --dport 21 -j ACCEPT\nCOMMIT\n"
        )
    };
    let captured = |snat: &str| host_with(&rules(snat));
    let snat =
        "-A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.5 -p tcp -j SNAT --to-source 192.168.1.1\n";
    let whom = [
        "--at",
        "hairpin",
        "--on",
        "lan",
        "--to",
        "203.0.113.7",
        "--data",
        "pasv",
        "--protection",
        "plain",
    ];
    let expecting =
        |what: &'static str| [&whom[..], &["--expect", what, "--from", "192.168.1.9"]].concat();
    let past = "The server answered the client directly, from 192.168.1.5, and not through the gateway, because \
                both are in one network; the client waits for an answer from 203.0.113.7";
    for (name, with, without) in [
        ("rules.v4", rules(snat), rules("")),
        ("host.fwlab", captured(snat), captured("")),
    ] {
        on(name, &with, "check", &expecting("all passes")).with(0);
        let ended = on(name, &without, "check", &expecting("all blocked")).with(0);
        assert!(ended.stdout.contains(past), "{}", ended.stdout);
        let ended = on(name, &without, "fix", &whom).with(0);
        let line = "+-A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.5 -j MASQUERADE\n";
        assert!(ended.stdout.contains(line), "{}", ended.stdout);
    }
    // Nobody else is in that network.
    let elsewhere = [&whom[..], &["--from", "198.51.100.9"]].concat();
    on("rules.v4", &rules(snat), "check", &elsewhere).with(2);
}

/// A connection that no rule leads on is answered by the gateway itself.
#[test]
fn what_no_rule_leads_on_is_told() {
    let Some(_lab) = lab() else { return };
    let rules = "*nat\n-A PREROUTING -d 203.0.113.7 -p tcp --dport 21 -j DNAT --to-destination 192.168.1.5\nCOMMIT\n";
    let more = [
        "--at",
        "port-forward",
        "--to",
        "203.0.113.8",
        "--data",
        "pasv",
        "--protection",
        "plain",
    ];
    let ended = on("rules.v4", rules, "check", &more).with(0);
    let told = "The control connection reached gateway itself, which refused it: no rule forwarded it to the server.";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}

/// What to give so that nothing is chance is said once: before the table, where `~` marks what is.
#[test]
fn a_forwarded_range_that_nobody_keeps_to_is_told_once() {
    let Some(_lab) = lab() else { return };
    let rules = "*nat\n-A PREROUTING -p tcp -m tcp --dport 21 -j DNAT --to-destination 192.168.1.5\n\
                 -A PREROUTING -p tcp -m tcp --dport 50000:60000 -j DNAT --to-destination 192.168.1.5\nCOMMIT\n\
                 *filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
                 -A FORWARD -d 192.168.1.5 -p tcp -m tcp --dport 21 -j ACCEPT\n\
                 -A FORWARD -d 192.168.1.5 -p tcp -m tcp --dport 50000:60000 -j ACCEPT\nCOMMIT\n";
    let more = ["--at", "port-forward", "--data", "epsv"];
    let ended = on("rules.v4", rules, "check", &more).with(0);
    let advice = ended.stderr.matches("`--passive-ports 50000-60000`");
    assert_eq!(advice.count(), 1, "{}", ended.stderr);
    let told = "the rules also forward ports 50000 to 60000 to the server";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(ended.stdout.contains("~ by port"), "{}", ended.stdout);
    // Of another range that rules accept, what is forwarded passes.
    let other = rules.replace(
        "--dport 50000:60000 -j ACCEPT",
        "--dport 50000:61000 -j ACCEPT",
    );
    let ended = on("rules.v4", &other, "check", &more).with(0);
    let advice = ended.stderr.matches("`--passive-ports 50000-60000`");
    assert_eq!(advice.count(), 1, "{}", ended.stderr);
    assert!(ended.stdout.contains("~ by port"), "{}", ended.stdout);
}

/// A port of the host's own that rules lead to the server's is what clients connect to where that is asked for.
#[test]
fn a_redirected_port_is_told_and_tried() {
    let Some(_lab) = lab() else { return };
    let rules = "*nat\n-A PREROUTING -p tcp -m tcp --dport 2121 -j REDIRECT --to-ports 21\nCOMMIT\n\
                 *filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
                 -A INPUT -p tcp -m conntrack --ctstate NEW --ctorigdstport 2121 -j ACCEPT\n\
                 -A INPUT -p tcp -m tcp --dport 40000:40100 -j ACCEPT\nCOMMIT\n";
    let asked = [
        "--at",
        "server",
        "--data",
        "epsv",
        "--passive-ports",
        "40000-40100",
    ];
    let blocked = [&asked[..], &["--expect", "all blocked"]].concat();
    let ended = on("rules.v4", rules, "check", &blocked).with(0);
    let told = "the rules lead port 2121 to the server's port 21";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    let passes = ["--connect-port", "2121", "--expect", "all passes"];
    on("rules.v4", rules, "check", &[&asked[..], &passes].concat()).with(0);
}

/// A port of a node that chains lead to one of several servers, as kube-proxy's do: whichever it is, it is there.
#[test]
fn a_port_of_a_node_leads_to_any_of_its_servers() {
    let Some(_lab) = lab() else { return };
    let rules = "*nat\n:SERVICES - [0:0]\n:NODEPORTS - [0:0]\n:FTP - [0:0]\n:ONE - [0:0]\n:OTHER - [0:0]\n-A PREROUTING -j SERVICES\n-A SERVICES -d 10.96.0.21/32 -p tcp -m tcp --dport 21 -j FTP\n\
                 -A SERVICES -m addrtype --dst-type LOCAL -j NODEPORTS\n-A NODEPORTS -p tcp -m tcp --dport 30021 -j FTP\n\
                 -A FTP -m statistic --mode random --probability 0.5 -j ONE\n-A FTP -j OTHER\n\
                 -A ONE -p tcp -j DNAT --to-destination 192.168.1.5:21\n\
                 -A OTHER -p tcp -j DNAT --to-destination 192.168.1.6:21\nCOMMIT\n\
                 *raw\n-A PREROUTING -p tcp -m tcp --dport 30021 -j CT --helper ftp\nCOMMIT\n";
    let asked = [
        "--at",
        "port-forward",
        "--on",
        "wan",
        "--to",
        "203.0.113.7",
        "--protection",
        "plain",
        "--expect",
        "all passes",
        "--data",
    ];
    let with = |more: &[&str]| {
        let asked = [&asked[..], more].concat();
        on("host.fwlab", &host_with(rules), "check", &asked)
    };
    let ended = with(&["pasv"]).with(0);
    // Its active data comes from the first of its addresses, whichever was chosen.
    let told = "libunftp opens active data connections from its first address";
    assert!(!ended.stderr.contains(told), "{}", ended.stderr);
    assert!(with(&["port"]).stderr.contains(told));
    match has_program("vsftpd") {
        // Chance chooses: several times.
        true => (0..4).for_each(|_| {
            with(&["port,pasv", "--server", "vsftpd"]).with(0);
        }),
        false => skipped(
            Need::Programs,
            "no vsftpd: active data from a chosen address",
        ),
    }
    for told in [
        "they forward the same port to 192.168.1.6, too",
        "the rules forward port 30021 of the gateway to port 21 of the server",
    ] {
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}
