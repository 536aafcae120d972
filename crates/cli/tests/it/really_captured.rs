//! From a host to its table: `capture.sh` reads a network namespace with its own links, addresses, routes and rules, and `check` tries
//! what it wrote, as it is and without public addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use fwlab_record::is_private;
use fwlab_skipped::{Need, skipped};
use serde_json::Value;
use tempfile::TempDir;

use crate::bad_input::folder;
use crate::support::{DEADLINE, Running, end_of, fwlab, is_root, lab};

/// A router to the Internet: `wan` with public addresses, and `lan` with private ones of IPv4. The friends' network of IPv6 has lower
/// numbers than the router's own.
const ROUTER: &str = r#"
link wan; link lan
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
ip addr add 9.20.30.41/29 dev wan
ip addr add 2a01:4f8:10:20::41/64 dev wan nodad
ip addr add 192.168.7.1/24 dev lan
ip addr add 2a01:4f8:10:21::1/64 dev lan nodad
ip route add default via 9.20.30.46
ip -6 route add default via 2a01:4f8:10:20::1
nft -f - <<RULES
table inet fw {
    ct helper ftp { type "ftp" protocol tcp; }
    set friends { type ipv4_addr; flags interval; elements = { 8.8.4.0/24 } }
    chain pre {
        type filter hook prerouting priority 0
        iifname "lan" tcp dport 21 ct helper set "ftp"
    }
    chain forward {
        type filter hook forward priority 0; policy drop
        ct state established,related accept
        iifname "lan" tcp dport 21 accept
        iifname "wan" ip saddr @friends ip daddr 192.168.7.10 tcp dport 21 accept
        iifname "wan" ip6 saddr 2a00:100::/32 ip6 daddr 2a01:4f8:10:21::10 tcp dport 21 accept
    }
}
table ip nat {
    chain post {
        type nat hook postrouting priority 100
        oifname "wan" snat to 9.20.30.41
    }
}
RULES
"#;

/// A server of iptables: a helper for one network, a range of ports for another, and nothing for the rest.
const SERVER: &str = r#"
link eth0
ip addr add 9.20.30.42/29 dev eth0
ip addr add 2a01:4f8:10:20::42/64 dev eth0 nodad
ip route add default via 9.20.30.46
ip -6 route add default via 2a01:4f8:10:20::1
iptables-nft-restore <<RULES
*raw
-A PREROUTING -s 8.8.4.0/24 -p tcp --dport 21 -j CT --helper ftp
COMMIT
*filter
:INPUT DROP
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -s 8.8.4.0/24 -p tcp --dport 21 -j ACCEPT
-A INPUT -s 8.8.8.0/24 -p tcp -m multiport --dports 21,40000:40100 -j ACCEPT
COMMIT
RULES
ip6tables-nft-restore <<RULES
*filter
:INPUT DROP
-A INPUT -p ipv6-icmp -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -s 2a00:100::/32 -p tcp -m multiport --dports 21,40000:40100 -j ACCEPT
COMMIT
RULES
"#;

/// What each host begins with.
const LINKS: &str = "ip link set lo up
link() { ip link add $1 type veth peer name peer-$1; ip link set peer-$1 up; ip link set $1 up; }
";

/// A host set up by a script and read by capture.sh, and the same without public addresses: `host.fwlab`, `redacted.fwlab`.
fn captured(set_up: &str) -> Option<TempDir> {
    let programs = ["unshare", "ip", "nft", "iptables-nft-restore"];
    if let Some(program) = programs
        .iter()
        .find(|name| fwlab_fabric::find_tool(name).is_none())
    {
        skipped(Need::Programs, format_args!("no {program} on this machine"));
        return None;
    }
    let printed = end_of(fwlab().args(["capture", "--print"])).with(0).stdout;
    let set_up = format!("set -e\n{LINKS}{set_up}\nsh capture.sh -o host.fwlab\n");
    let folder = folder(&[
        ("capture.sh", printed.as_bytes()),
        ("set-up.sh", set_up.as_bytes()),
    ]);
    let mut command = Command::new("unshare");
    command.current_dir(folder.path());
    command.args(["--net", "sh", "set-up.sh"]);
    Running::start(&mut command).end(DEADLINE).with(0);
    let redact = [
        "capture",
        "--redact",
        "--from",
        "host.fwlab",
        "-o",
        "redacted.fwlab",
    ];
    end_of(fwlab().current_dir(folder.path()).args(redact)).with(0);
    Some(folder)
}

/// What a table came to, in order: the class, with `ADDRESS` in place of each public address, the cell, and its outcome.
fn table(folder: &Path, file: &str, more: &[&str]) -> Vec<String> {
    let report = folder.join(format!("{file}.json"));
    let mut command = fwlab();
    command.current_dir(folder).args(["check", file]);
    command.args(["--server", "libunftp", "--protection", "plain"]);
    command.args(["--family", "ipv4,ipv6"]);
    command
        .args(more)
        .args(["--report", &format!("json={}", report.display())]);
    end_of(&mut command).with(0);
    let text = std::fs::read_to_string(&report).expect("it was written");
    let mut rows: Vec<String> = text.lines().map(row).collect();
    rows.sort();
    rows
}

fn row(line: &str) -> String {
    let cell: Value = serde_json::from_str(line).expect("a line is JSON");
    let word = |key: &str| cell[key].as_str().unwrap_or("–").to_owned();
    let scenario = word("scenario");
    let (_, class) = scenario.split_once(", ").expect("a file and a class");
    let shown = class.split(' ').map(|word| {
        let address = word.split('/').next().unwrap_or_default().parse::<IpAddr>();
        match address {
            Ok(address) if !is_private(address) => "ADDRESS",
            _ => word,
        }
    });
    let class: Vec<&str> = shown.collect();
    let [family, data, result, symptom] = ["family", "data", "result", "symptom"].map(word);
    let cause = cell["cause"]["rule_id"].as_str().unwrap_or("–");
    let line = &cell["cause"]["source_line"];
    format!(
        "{}: {family} {data}: {result} {symptom} {cause} {line}",
        class.join(" ")
    )
}

/// The public addresses in a text.
fn public(text: &str) -> BTreeSet<IpAddr> {
    let words = text.split(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':')));
    let addresses = words.filter_map(|word| word.parse::<IpAddr>().ok());
    let is_public = |address: &IpAddr| match address {
        IpAddr::V4(v4) => {
            !is_private(*address)
                && v4.octets()[0] != 0
                && v4.octets()[0] < 224
                && !v4.is_loopback()
        }
        IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000,
    };
    addresses.filter(is_public).collect()
}

/// Nothing of the original's addresses is left, and the table is the same. (One of IPv4 comes to itself by a chance of one in 2¹⁶: its
/// first and last 8 bits stay.)
#[track_caller]
fn assert_same_without_addresses(folder: &Path, written: &[&str], more: &[&str]) -> Vec<String> {
    let [whole, redacted] = ["host.fwlab", "redacted.fwlab"]
        .map(|file| std::fs::read_to_string(folder.join(file)).expect("it was written"));
    for address in written {
        assert!(whole.contains(address), "{address}");
        assert!(!redacted.contains(address), "{address} is left");
    }
    let [before, after] = [&whole, &redacted].map(|text| public(text));
    assert!(before.len() >= written.len(), "{before:?}");
    let left: Vec<&IpAddr> = before.intersection(&after).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(before.len(), after.len());
    let table_of = |file: &str| table(folder, file, more);
    let rows = table_of("host.fwlab");
    assert_eq!(rows, table_of("redacted.fwlab"));
    rows
}

/// What the rows of a class and a cell come to, in order.
#[track_caller]
fn assert_rows(rows: &[String], class: &str, cell: &str, outcomes: &[&str]) {
    let begin = format!("{class}: {cell}: ");
    let found: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.strip_prefix(&begin))
        .collect();
    let are_they = found.len() == outcomes.len()
        && found
            .iter()
            .zip(outcomes)
            .all(|(found, outcome)| found.starts_with(outcome));
    assert!(are_they, "{begin}{found:?}\n{}", rows.join("\n"));
}

const PASSES: &str = "reported transferred";
const RANGE: [&str; 4] = ["--at", "server", "--passive-ports", "40000-40100"];

#[test]
fn a_router_of_nft_is_captured_and_checked() {
    let Some(_lab) = lab() else { return };
    if !is_root("a namespace of one's own to capture") {
        return;
    }
    let Some(folder) = captured(ROUTER) else {
        return;
    };
    let written = ["9.20.30.4", "8.8.4.", "2a01:4f8:", "2a00:100:"];
    let rows = assert_same_without_addresses(folder.path(), &written, &["--at", "gateway"]);
    let hidden = "reported data-timeout inet/fw/forward/policy";
    let closed = "reported control-timeout inet/fw/forward/policy";
    let world = "from anywhere else to anywhere else";
    for (class, cell, outcomes) in [
        // From the lan, with the helper.
        (&*format!("{world} on wan"), "ipv4 port", &[PASSES][..]),
        (&*format!("{world} on wan"), "ipv4 pasv", &[PASSES]),
        (&*format!("{world} on wan"), "ipv6 epsv", &[PASSES]),
        ("from 192.168.7.10 to set friends", "ipv4 epsv", &[PASSES]),
        // Friends may connect, and no helper reads along; of IPv6 there is the way back, too.
        ("from set friends to 192.168.7.10", "ipv4 port", &[hidden]),
        ("from set friends to 192.168.7.10", "ipv4 pasv", &[hidden]),
        ("from ADDRESS to ADDRESS", "ipv6 epsv", &[hidden, PASSES]),
        // Others may not.
        ("from anywhere else to 192.168.7.10", "ipv4 pasv", &[closed]),
        ("from set friends to anywhere else", "ipv4 pasv", &[closed]),
        (&*format!("{world} on lan"), "ipv4 pasv", &[closed]),
        (&*format!("{world} on lan"), "ipv6 epsv", &[closed]),
    ] {
        assert_rows(&rows, class, cell, outcomes);
    }
}

#[test]
fn a_server_of_iptables_is_captured_and_checked() {
    let Some(_lab) = lab() else { return };
    if !is_root("a namespace of one's own to capture") {
        return;
    }
    let Some(folder) = captured(SERVER) else {
        return;
    };
    let written = ["9.20.30.4", "8.8.4.", "8.8.8.", "2a01:4f8:", "2a00:100:"];
    let rows = assert_same_without_addresses(folder.path(), &written, &RANGE);
    for (class, cell, outcomes) in [
        // One network with the helper, one with the range; each passes.
        ("from ADDRESS", "ipv4 port", &[PASSES, PASSES][..]),
        ("from ADDRESS", "ipv4 pasv", &[PASSES, PASSES]),
        ("from ADDRESS", "ipv6 epsv", &[PASSES]),
        (
            "from anywhere else",
            "ipv4 pasv",
            &["reported control-timeout ipv4/filter/INPUT/policy"],
        ),
        (
            "from anywhere else",
            "ipv6 epsv",
            &["reported control-timeout ipv6/filter/INPUT/policy"],
        ),
    ] {
        assert_rows(&rows, class, cell, outcomes);
    }
    // What is outside the range passes by the helper alone.
    let narrow = ["--at", "server", "--passive-ports", "50000-50100"];
    let rows = table(folder.path(), "redacted.fwlab", &narrow);
    let stopped = "reported data-timeout ipv4/filter/INPUT/policy";
    assert_rows(&rows, "from ADDRESS", "ipv4 pasv", &[stopped, PASSES]);
}
