//! Address translation, families and nodes of one's own, as a user has them.

use fwlab::{
    Cause, DataSetup, Family, Lab, PeerName, Phase, Symptom, assert_blocked, assert_transferred,
};

use crate::bad_input::{folder, told};
use crate::support::{Ended, end_of, fwlab, lab, shared};

const MASQUERADE: &str = "iptables -t nat -A POSTROUTING -o wan -j MASQUERADE";
const DNAT: &str =
    "iptables -t nat -A PREROUTING -i wan -p tcp --dport 21 -j DNAT --to-destination 192.168.7.10";

#[test]
fn behind_a_client_s_nat_active_needs_the_helper() {
    let Some(_lab) = lab() else { return };
    let lab = Lab::client_nat().rules(MASQUERADE);
    assert_transferred!(lab.transfer(DataSetup::Pasv).unwrap());
    // libunftp believes the private address in PORT, and the Internet swallows what it sends there.
    let lost = lab.transfer(DataSetup::Port).unwrap();
    assert_eq!(
        (lost.outcome.symptom, lost.outcome.phase),
        (Symptom::DataTimeout, Phase::DataConnect),
        "{lost}"
    );
    assert!(matches!(lost.outcome.cause, Cause::Loss { .. }), "{lost}");
    assert_transferred!(lab.with_helper().transfer(DataSetup::Port).unwrap());
}

#[test]
fn behind_a_server_s_nat_passive_needs_the_helper() {
    let Some(_lab) = lab() else { return };
    let lab = Lab::server_nat().rules(DNAT);
    let lost = lab.transfer(DataSetup::Pasv).unwrap();
    assert_eq!(lost.outcome.symptom, Symptom::DataTimeout, "{lost}");
    let refused = lab.transfer(DataSetup::Epsv).unwrap();
    assert_eq!(refused.outcome.symptom, Symptom::DataRejected, "{refused}");
    assert_transferred!(lab.with_helper().transfer(DataSetup::Pasv).unwrap());
}

#[test]
fn each_family_meets_its_own_rules() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -P INPUT DROP\nip6tables -P OUTPUT ACCEPT";
    let lab = Lab::server_firewall().rules(rules);
    assert_blocked!(lab.transfer(DataSetup::Epsv).unwrap(), by policy "filter/INPUT");
    assert_transferred!(lab.family(Family::Ipv6).transfer(DataSetup::Epsv).unwrap());
    // A dump is of the lab's family, and the helper is assigned in it.
    let dump = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p ipv6-icmp -j ACCEPT\n\
                -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
                -A INPUT -p tcp -m tcp --dport 21 -j ACCEPT\nCOMMIT\n";
    let lab = Lab::server_firewall().family(Family::Ipv6).rules(dump);
    assert_blocked!(lab.transfer(DataSetup::Epsv).unwrap(), by policy "filter/INPUT");
    assert_transferred!(lab.with_helper().transfer(DataSetup::Epsv).unwrap());
}

#[test]
fn a_shape_s_long_form_is_printed() {
    let _started = shared();
    let Ended { stdout, .. } =
        end_of(fwlab().args(["topology", "server-nat", "--family", "ipv4"])).with(0);
    insta::assert_snapshot!(stdout, @r#"
    [topology]
    firewall = "gateway"
    connect-to = ["198.51.100.1"]

    [[topology.node]]
    name = "client"
    addresses = { e0 = ["198.51.100.2/24"] }
    routes = [{ to = "0.0.0.0/0", sink = "e0" }]

    [[topology.node]]
    name = "gateway"
    forwards = true
    addresses = { wan = ["198.51.100.1/24"], lan = ["192.168.7.1/24"] }
    routes = [{ to = "0.0.0.0/0", sink = "wan" }]

    [[topology.node]]
    name = "server"
    addresses = { e0 = ["192.168.7.10/24"] }
    routes = [{ to = "0.0.0.0/0", via = "192.168.7.1" }]

    [[topology.link]]
    between = ["client:e0", "gateway:wan"]

    [[topology.link]]
    between = ["gateway:lan", "server:e0"]
    "#);
    let Ended { stderr, .. } = end_of(fwlab().args(["topology", "server-natt"])).with(2);
    assert!(stderr.contains("server-nat"), "{stderr}");
}

/// A mistake is told at its place also on the command line.
#[test]
fn a_link_to_nowhere_and_a_clash_are_told() {
    let _started = shared();
    let text = r#"description = "Wrong."
[topology]
firewall = "server"
[[topology.node]]
name = "client"
addresses = { e0 = ["10.0.0.1/24"] }
[[topology.node]]
name = "server"
addresses = { e0 = ["10.0.0.1/24"] }
[[topology.link]]
between = ["client:e0", "server:e0"]
[[topology.link]]
between = ["client:e1", "sever:e1"]
[[ruleset]]
name = "open"
none = true
"#;
    let folder = folder(&[("wrong.toml", text.as_bytes())]);
    insta::assert_snapshot!(told(folder.path(), &["run", "wrong.toml"]), @r#"
    exit 2
      × wrong.toml has 2 mistakes
      × two interfaces have the address 10.0.0.1
        ╭─[wrong.toml:9:21]
      8 │ name = "server"
      9 │ addresses = { e0 = ["10.0.0.1/24"] }
        ·                     ──────┬──────
        ·                           ╰── here
     10 │ [[topology.link]]
        ╰────
      × a link ends at `sever`, which is not a node of this topology
        ╭─[wrong.toml:13:25]
     12 │ [[topology.link]]
     13 │ between = ["client:e1", "sever:e1"]
        ·                         ─────┬────
        ·                              ╰── here
     14 │ [[ruleset]]
        ╰────
    "#);
}

#[test]
fn check_takes_rules_of_ipv6() {
    let Some(_lab) = lab() else { return };
    let dump = "# Generated by ip6tables-save v1.8.9 (nf_tables)\n*filter\n:INPUT DROP [0:0]\n\
                -A INPUT -p ipv6-icmp -j ACCEPT\nCOMMIT\n";
    let commands = "iptables -P INPUT ACCEPT\nip6tables -P INPUT DROP\nip6tables -A INPUT -p icmpv6 -j ACCEPT\n";
    let folder = folder(&[
        ("rules.v6", dump.as_bytes()),
        ("rules.sh", commands.as_bytes()),
    ]);
    let suppaftp = PeerName::Suppaftp.to_string();
    let check = |file: &str, more: &[&str]| {
        let mut command = fwlab();
        command
            .current_dir(folder.path())
            .args(["check", file, "--at", "server", "--data", "epsv"])
            .args(["--server", "libunftp", "--client", &suppaftp])
            .args(["--protection", "plain"])
            .args(more);
        end_of(&mut command).with(0).stdout
    };
    let table = check("rules.v6", &[]);
    assert!(table.contains("ipv6/filter/INPUT"), "{table}");
    // It says of which backend it is.
    assert!(table.contains("1 cell in"), "{table}");
    let table = check("rules.sh", &[]);
    assert!(table.contains("4 cells"), "{table}");
    assert!(
        table.contains("passes") && table.contains("ctl timeout"),
        "{table}"
    );
    let table = check("rules.sh", &["--family", "ipv4"]);
    assert!(
        table.contains("2 cells") && !table.contains("timeout"),
        "{table}"
    );
}
