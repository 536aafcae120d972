//! `fix`: what a patch opens is told whole, and it opens no more than it must.

use crate::fix::fix;
use crate::native::lab_with_nft;
use crate::support::lab;

/// What `fix` says of a server's rules.
#[track_caller]
fn fixed(rules: &str, want: &str, more: &[&str]) -> String {
    let kept = ["--at", "server", "--backend", "nft", "--want", want];
    fix("rules.v4", rules, &[&kept[..], more].concat())
        .with(0)
        .stdout
}

/// The text below what `fix` says of ports.
#[track_caller]
fn opens(stdout: &str) -> &str {
    let told = stdout.split_once("it opens to new connections:\n");
    told.unwrap_or_else(|| panic!("it opens some: {stdout}")).1
}

/// All high ports are a range, though no rule that is tried has its ends.
#[test]
fn all_high_ports_are_named_as_a_range() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A OUTPUT -p tcp -m tcp --sport 20 --dport 1024:65535 -j ACCEPT
COMMIT
";
    let stdout = fixed(rules, "plain/port", &[]);
    let told = "  1024-65535 of the client to servers who connect from port 20: anyone\n";
    assert!(opens(&stdout).contains(told), "{stdout}");
}

/// What a server lets out by its port 20 goes to those who were let in.
#[test]
fn a_server_s_port_20_is_for_the_peers_that_are_let_in() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 21 -j ACCEPT
-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
";
    for (whom, out) in [
        (
            &[][..],
            "+-A OUTPUT -d 192.0.2.0/24 -p tcp -m tcp --sport 20 -j ACCEPT\n",
        ),
        (
            &["--from", "192.0.2.7"],
            "+-A OUTPUT -d 192.0.2.7 -p tcp -m tcp --sport 20 -j ACCEPT\n",
        ),
    ] {
        let stdout = fixed(rules, "tls/port", whom);
        assert!(stdout.contains(out), "{stdout}");
    }
}

const OF_IPV4: &str = "table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		meta l4proto ipv6-icmp accept
		meta nfproto ipv4 tcp dport 21 accept
	}
}
";

/// A family whose control connection does not come through is not let in unasked; and of one that was not tried, nothing is said to be closed.
#[test]
fn a_family_that_is_not_let_in_stays_out() {
    let Some(_lab) = lab_with_nft() else { return };
    let more = [
        "--at",
        "server",
        "--want",
        "tls/pasv,tls/epsv",
        "--data",
        "epsv",
    ];
    let ended = fix("rules.nft", OF_IPV4, &more).with(0);
    assert!(
        !ended.stdout.contains("accept TCP to port 21"),
        "{}",
        ended.stdout
    );
    let of_ipv6 = "50000-50100 of the server to clients: anyone";
    assert!(opens(&ended.stdout).contains(of_ipv6), "{}", ended.stdout);
    assert!(!ended.stdout.contains("was not tried"), "{}", ended.stdout);
    let ended = fix(
        "rules.nft",
        OF_IPV4,
        &[&more[..], &["--family", "ipv4"]].concat(),
    )
    .with(0);
    let told = "inet/filter/input is of IPv6, too: what the rule that accepts TCP to the ports 50000-50100 opens there was not tried.";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}

/// A chain of a host that FORWARD jumps to as well, as old distributions have it.
#[test]
fn a_chain_that_forward_reaches_too_is_told() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:RH - [0:0]
-A INPUT -j RH
-A FORWARD -j RH
-A RH -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A RH -p tcp -m tcp --dport 21 -j ACCEPT
-A RH -j REJECT --reject-with icmp-host-prohibited
COMMIT
";
    let stdout = fixed(rules, "tls/pasv", &[]);
    let told = "ipv4/filter/RH is reached from FORWARD, too: there the rule accepts TCP to the ports 50000-50100 to hosts behind this one, which was not tried.";
    assert!(stdout.contains(told), "{stdout}");
}

/// Answers come back to who connects from a port that the patch opens.
#[test]
fn what_connects_from_ports_that_are_opened_is_tried() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
COMMIT
";
    let stdout = fixed(rules, "tls/pasv", &[]);
    let told = "1024-65535 of the client to servers who connect from the ports 50000-50100";
    assert!(opens(&stdout).contains(told), "{stdout}");
}
