//! `check host.fwlab`: a captured host as it stands.

use std::fmt::Write as _;

use fwlab_skipped::{Need, skipped};

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, has_program, lab, shared};

/// The file of a host, of these sections.
pub(crate) fn host(sections: &[(&str, &str, &str)]) -> String {
    let mut text = "fwlab host 1\nredacted no\n".to_owned();
    for (name, command, answer) in sections {
        let _ = write!(text, "\n== {name}\n$ {command}\n");
        for line in answer.split('\n') {
            let _ = writeln!(text, "|{line}");
        }
        text += "exit 0\n";
    }
    let bytes = text.len();
    let count = sections.len();
    text + &format!("end sections={count} bytes={bytes} cksum=none\n")
}

pub(crate) const LINKS: &str = r#"[
{"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"link_type":"loopback"},
{"ifname":"eth0","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,"link_type":"ether"},
{"ifname":"docker0","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,"link_type":"ether","linkinfo":{"info_kind":"bridge"}},
{"ifname":"veth1","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,"master":"docker0","link_type":"ether","linkinfo":{"info_kind":"veth"}}]"#;

pub(crate) const ADDRESSES: &str = r#"[
{"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},
{"ifname":"eth0","addr_info":[{"family":"inet","local":"203.0.113.5","prefixlen":24},{"family":"inet","local":"203.0.113.6","prefixlen":24,"secondary":true}]},
{"ifname":"docker0","addr_info":[{"family":"inet","local":"172.17.0.1","prefixlen":16}]}]"#;

pub(crate) const ROUTES: &str = r#"[
{"dst":"default","gateway":"203.0.113.1","dev":"eth0","flags":[]},
{"dst":"172.17.0.0/16","dev":"docker0","scope":"link","prefsrc":"172.17.0.1","flags":[]},
{"dst":"203.0.113.0/24","dev":"eth0","scope":"link","prefsrc":"203.0.113.5","flags":[]}]"#;

fn with_rules(rules: &str) -> String {
    host(&[
        ("kernel", "uname -srm", "Linux 5.10.0-28-amd64 x86_64\n"),
        ("iptables-nft", "iptables-nft-save", rules),
        ("links", "ip -json -details link", LINKS),
        ("addresses", "ip -json addr", ADDRESSES),
        ("routes", "ip -json -4 route show table main", ROUTES),
    ])
}

/// A host whose vsftpd waits for clients, with these settings.
pub(crate) fn host_with(rules: &str, settings: &str) -> String {
    let file = "/etc/vsftpd.conf";
    host(&[
        ("iptables-nft", "iptables-nft-save", rules),
        ("links", "ip -json -details link", LINKS),
        ("addresses", "ip -json addr", ADDRESSES),
        ("routes", "ip -json -4 route show table main", ROUTES),
        (
            "ftp-config vsftpd",
            &format!("without_passwords {file}"),
            settings,
        ),
        (
            "listening",
            "listening",
            &format!("tcp 0.0.0.0 PORT vsftpd /usr/sbin/vsftpd {file}").replace(
                "PORT",
                match settings.contains("2121") {
                    true => "2121",
                    false => "21",
                },
            ),
        ),
    ])
}

fn check(host: &str, more: &[&str]) -> Ended {
    let folder = folder(&[("host.fwlab", host.as_bytes())]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args([
            "check",
            "host.fwlab",
            "--server",
            "libunftp",
            "--data",
            "pasv",
        ])
        .args(["--protection", "plain"])
        .args(more);
    end_of(&mut command)
}

fn rows(ended: &Ended) -> Vec<&str> {
    let lines = ended
        .stdout
        .lines()
        .filter(|line| line.contains("libunftp ← suppaftp"));
    lines.map(str::trim).collect()
}

const WEB: &str = "*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i docker0 -j ACCEPT
-A INPUT -d 203.0.113.6/32 -p tcp -j ACCEPT
-A INPUT -s 172.17.0.0/16 -j ACCEPT
COMMIT
";

/// Who is on which interface is what the host's routes say, and its addresses are its own.
#[test]
fn the_peers_of_a_host_are_those_that_its_routes_lead_to() {
    let Some(_lab) = lab() else { return };
    let ended = check(&with_rules(WEB), &["--at", "server"]);
    assert_eq!(
        rows(&ended),
        [
            "to 203.0.113.6; from 172.17.0.0/16       nft  libunftp ← suppaftp  passes",
            "from anywhere else to any other address  nft  libunftp ← suppaftp  ctl timeout",
        ],
        "{}{}",
        ended.stdout,
        ended.stderr
    );
    // The line is the file's own.
    let policy = with_rules(WEB)
        .lines()
        .position(|line| line == "|:INPUT DROP [0:0]");
    let policy = format!("line {} `-P INPUT DROP`", policy.expect("it is there") + 1);
    assert!(ended.stdout.contains(&policy), "{policy}: {}", ended.stdout);
    assert!(
        ended
            .stderr
            .contains("that host runs Linux 5.10.0-28-amd64"),
        "{}",
        ended.stderr
    );
    let ended = check(
        &with_rules(WEB),
        &[
            "--at",
            "server",
            "--from",
            "192.0.2.1",
            "--to",
            "203.0.113.5",
        ],
    );
    assert_eq!(
        rows(&ended),
        ["host.fwlab  nft  libunftp ← suppaftp  ctl timeout"]
    );
}

/// Code scanning shows a cause in the host's file, at the line that the table names.
#[test]
fn a_cause_is_at_its_line_of_the_host_s_file() {
    let Some(_lab) = lab() else { return };
    let host = with_rules(WEB);
    let ended = check(&host, &["--at=server", "--report=sarif=/dev/stdout"]);
    let mut lines = ended.stdout.lines();
    let sarif = lines.find(|line| line.starts_with("{\"$schema\""));
    let sarif: serde_json::Value =
        serde_json::from_str(sarif.unwrap_or_else(|| panic!("{ended:?}"))).expect("it is JSON");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    let mut lines = host.lines();
    let policy = lines.position(|line| line == "|:INPUT DROP [0:0]");
    let line = policy.expect("it is there") + 1;
    assert_eq!(place["artifactLocation"]["uri"], "host.fwlab", "{sarif}");
    assert_eq!(place["region"]["startLine"], line, "{sarif}");
}

/// As Docker publishes the port of a container.
#[test]
fn a_published_port_leads_to_the_container() {
    let Some(_lab) = lab() else { return };
    let rules = "*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 21 -j DNAT --to-destination 172.17.0.2:21
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 50000:50010 -j DNAT --to-destination 172.17.0.2
COMMIT
";
    let host = with_rules(rules);
    let ended = check(&host, &["--passive-ports", "50000-50010", "--data", "epsv"]);
    assert!(
        ended
            .stderr
            .contains("its rules forward to a server: use --at port-forward"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        rows(&ended),
        ["host.fwlab  nft  libunftp ← suppaftp  timeout       passes"]
    );
    assert!(
        ended
            .stdout
            .contains("lost after client: SYN 198.51.100.2 → 172.17.0.2, a high port"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_host_that_cannot_be_checked_is_told() {
    let _machine = shared();
    let good = with_rules(WEB);
    let cut = good[..good.len() / 2].to_owned();
    let edited = good.replace("203.0.113.6/32", "203.0.113.66/32");
    let newer = good.replace("fwlab host 1", "fwlab host 7");
    let empty = host(&[("kernel", "uname -srm", "Linux 6.1.0 x86_64\n")]);
    for (text, told) in [
        (&good, "whose rules are these, host.fwlab?"),
        (&cut, "cut off"),
        (&edited, "edited, or damaged"),
        (&newer, "newer"),
        (&empty, "has no rules"),
    ] {
        let ended = check(text, &[]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    let folder = folder(&[
        ("host.fwlab", good.as_bytes()),
        ("rules.v4", WEB.as_bytes()),
    ]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["check", "rules.v4", "host.fwlab", "--at", "server"]);
    let ended = end_of(&mut command);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("is a whole host"), "{}", ended.stderr);
}

#[test]
fn the_settings_of_a_host_s_server_are_used() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 2121 -j ACCEPT\n\
                 -A INPUT -p tcp --dport 40000:40100 -j ACCEPT\n\
                 -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n";
    let settings = "listen=YES\nlisten_port=2121\npasv_min_port=40000\npasv_max_port=40100\npasv_address=203.0.113.6\nrsa_private_passwd (left out)\n";
    let ended = check(&host_with(rules, settings), &["--to", "203.0.113.6"]).with(0);
    assert_eq!(rows(&ended).len(), 1, "{}", ended.stdout);
    assert!(rows(&ended)[0].contains("passes"), "{}", ended.stdout);
    for said in [
        "a server listens there: use --at server",
        "host.fwlab: /etc/vsftpd.conf: port 2121, passive ports 40000-40100, announces 203.0.113.6",
    ] {
        assert!(ended.stderr.contains(said), "{said}\n{}", ended.stderr);
    }
    // A mistake in them is told with its line in the capture, and the rest is tried.
    let ended = check(
        &host_with(rules, "listen=YES\nlisten_port=2121many\n"),
        &["--control-port", "2121"],
    )
    .with(0);
    assert!(
        ended.stderr.contains("/etc/vsftpd.conf:"),
        "{}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .contains("the settings of vsftpd on that host are wrong and are not used"),
        "{}",
        ended.stderr
    );
}

/// The server of a captured host runs with its own settings; one that this machine's vsftpd does not know is no error, since
/// that host's does.
#[test]
fn the_server_of_a_host_runs_with_its_own_settings() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd on this machine");
    }
    let rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 2121 -j ACCEPT\n\
                 -A INPUT -p tcp --dport 40000:40100 -j ACCEPT\n\
                 -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n";
    let settings = "listen=YES\nlisten_port=2121\npasv_min_port=40000\npasv_max_port=40100\n";
    let check = |more: &str| {
        let host = host_with(rules, &format!("{settings}{more}"));
        let folder = folder(&[("host.fwlab", host.as_bytes())]);
        let mut command = fwlab();
        command.current_dir(folder.path()).args([
            "check",
            "host.fwlab",
            "--data",
            "epsv",
            "--on",
            "eth0",
        ]);
        end_of(&mut command)
    };
    let ended = check("cmds_denied=EPSV\nssl_tlsv1_9=YES\n").with(0);
    let words = "the peer replied `550 Permission denied.`";
    assert!(ended.stdout.contains(words), "{}", ended.stdout);
    let words = "does not know it: 500 OOPS: unrecognised variable in config file: ssl_tlsv1_9";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let ended = check("write_enable=maybe\n").with(2);
    let words = "--server-config FILE gives others";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

/// What is written is met as it is, and missed once a rule of it is another.
#[test]
fn a_table_becomes_scenarios_that_stand_as_regressions() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
                 -A INPUT -i eth0 -p tcp --dport 21 -j ACCEPT\n-A INPUT -i docker0 -j ACCEPT\nCOMMIT\n";
    let folder = folder(&[("host.fwlab", with_rules(rules).as_bytes())]);
    let command = |arguments: &[&str]| {
        let mut command = fwlab();
        end_of(command.current_dir(folder.path()).args(arguments))
    };
    let check = [
        "check",
        "host.fwlab",
        "--at",
        "server",
        "--server",
        "libunftp",
        "--data",
        "port,epsv",
        "--write-scenario",
        "host.toml",
    ];
    let written = command(&check);
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    let files = ["host-1.toml", "host-1.rules", "host-2.toml", "host-2.rules"];
    for name in files {
        assert!(
            folder.path().join(name).is_file(),
            "{name}: {}",
            written.stdout
        );
    }
    let met = command(&["run", "--keep-going", "host-1.toml", "host-2.toml"]);
    assert_eq!(met.code, Some(0), "{}{}", met.stdout, met.stderr);
    assert!(
        met.stdout.contains("8 cells") && met.stdout.contains("8 met"),
        "{}",
        met.stdout
    );
    for number in 1..=2 {
        let path = folder.path().join(format!("host-{number}.rules"));
        let rules = std::fs::read_to_string(&path).expect("it is there");
        std::fs::write(&path, rules.replace("-A INPUT -i docker0 -j ACCEPT\n", ""))
            .expect("it is mine");
    }
    let missed = command(&["run", "--keep-going", "host-1.toml", "host-2.toml"]);
    assert_eq!(missed.code, Some(1), "{}", missed.stdout);
    assert!(
        missed.stdout.contains("4 met, 4 missed"),
        "{}",
        missed.stdout
    );
    // Nothing is written over what is there, and it is said before anything is run.
    std::fs::rename(
        folder.path().join("host-1.toml"),
        folder.path().join("host.toml"),
    )
    .expect("it is mine");
    let refused = command(&check);
    assert_eq!(refused.code, Some(2), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("host.toml exists already"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stdout.contains("cells"), "{}", refused.stdout);
}

/// A host of two networks, with these settings of its kernel.
fn router(settings: &str) -> String {
    let lan = ADDRESSES
        .replace("docker0", "lan0")
        .replace("172.17.", "10.9.");
    let links = LINKS.replace(r#","linkinfo":{"info_kind":"bridge"}"#, "");
    let rules = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i eth0 -o lan0 -j ACCEPT\n\
                 -A FORWARD -i lan0 -o eth0 -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n";
    host(&[
        ("versions", "versions", "iptables-nft = iptables v1.4.21\n"),
        ("iptables-nft", "iptables-nft-save", rules),
        (
            "links",
            "ip -json -details link",
            &links.replace("docker0", "lan0"),
        ),
        ("addresses", "ip -json addr", &lan),
        (
            "routes",
            "ip -json -4 route show table main",
            &ROUTES
                .replace("docker0", "lan0")
                .replace("172.17.", "10.9."),
        ),
        ("sysctls", "settings", settings),
    ])
}

/// What a host's kernel does with packets beside its rules, its settings say.
#[test]
fn the_settings_of_a_host_s_kernel_are_the_lab_s() {
    let Some(_lab) = lab() else { return };
    let gateway = |settings: &str| {
        let ended = check(
            &router(settings),
            &[
                "--at", "gateway", "--on", "eth0", "--out", "lan0", "--data", "epsv",
            ],
        );
        let rows = rows(&ended).join("\n");
        (rows, ended.stderr)
    };
    let (rows, told) = gateway("net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.forwarding = 1\n");
    assert!(rows.contains("passes"), "{rows}{told}");
    assert!(!told.contains("does not forward"), "{told}");
    assert!(
        told.contains("runs iptables 1.4.21, and this one iptables 1."),
        "{told}"
    );
    let (rows, told) = gateway("net.ipv4.ip_forward = 0\nnet.ipv4.conf.all.forwarding = 0\n");
    assert!(
        rows.contains("ctl timeout") && !rows.contains("passes"),
        "{rows}{told}"
    );
    assert!(
        told.contains("that host does not forward IPv4 (net.ipv4.ip_forward is 0)"),
        "{told}"
    );
    // That of one interface.
    let (rows, told) = gateway("net.ipv4.ip_forward = 1\nnet.ipv4.conf.eth0.forwarding = 0\n");
    assert!(
        rows.contains("ctl timeout") && !rows.contains("passes"),
        "{rows}{told}"
    );
    // Of another host's kernel.
    let (rows, told) = gateway("net.ipv4.ip_forward = 1\nnet.ipv4.tcp_ecn = 77777\n");
    assert!(rows.contains("passes"), "{rows}{told}");
    assert!(
        told.contains("that host has net.ipv4.tcp_ecn = 77777, which cannot be set here"),
        "{told}"
    );
}

/// With a strict reverse path filter, packets come in only where answers go out: so do those of all peers who can be there.
#[test]
fn a_reverse_path_filter_drops_no_peer_that_can_be_there() {
    let Some(_lab) = lab() else { return };
    let table = |filter: &str| {
        let text = host(&[
            ("iptables-nft", "iptables-nft-save", WEB),
            ("links", "ip -json -details link", LINKS),
            ("addresses", "ip -json addr", ADDRESSES),
            ("routes", "ip -json -4 route show table main", ROUTES),
            (
                "sysctls",
                "settings",
                &format!(
                    "net.ipv4.conf.all.rp_filter = {filter}\nnet.ipv4.conf.eth0.rp_filter = {filter}\n"
                ),
            ),
        ]);
        let ended = check(&text, &["--at", "server"]);
        rows(&ended).join("\n")
    };
    let without = table("0");
    assert!(
        without.contains("passes") && without.contains("ctl timeout"),
        "{without}"
    );
    assert_eq!(table("1"), without);
    assert_eq!(table("2"), without);
}
