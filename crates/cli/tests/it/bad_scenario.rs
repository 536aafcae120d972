//! What a user gets wrong in a scenario file is told, all of it at once.

use crate::bad_input::{folder, told};
use crate::support::shared;

const SOUND: &str = r#"description = "Sound."
[topology]
shape = "client-firewall"
[[ruleset]]
name = "rules"
text = "iptables -P INPUT DROP"
[matrix]
servers = ["libunftp"]
clients = ["suppaftp"]
"#;

/// What `fwlab run` says to a scenario.
fn said(text: &str) -> String {
    let _machine = shared();
    let folder = folder(&[("scenario.toml", text.as_bytes())]);
    told(folder.path(), &["run", "scenario.toml"])
}

#[test]
fn an_unknown_key_is_told_with_the_near_one() {
    insta::assert_snapshot!(said(&SOUND.replace("clients", "client")), @r#"
    exit 2
      × scenario.toml has 1 mistake
      × unknown key `client` in [matrix]
       ╭─[scenario.toml:9:1]
     8 │ servers = ["libunftp"]
     9 │ client = ["suppaftp"]
       · ───┬──
       ·    ╰── here
       ╰────
      help: did you mean `clients`?
    "#);
}

#[test]
fn a_ruleset_file_that_is_not_there_is_told() {
    insta::assert_snapshot!(said(&SOUND.replace("text = \"iptables -P INPUT DROP\"", "file = \"../rules/none.v4\"")), @r#"
    exit 2
      × scenario.toml has 1 mistake
      × cannot read ../rules/none.v4: No such file or directory (os error 2)
       ╭─[scenario.toml:6:8]
     5 │ name = "rules"
     6 │ file = "../rules/none.v4"
       ·        ─────────┬────────
       ·                 ╰── here
     7 │ [matrix]
       ╰────
      help: the path is relative to the scenario file
    "#);
}

#[test]
fn requirements_that_contradict_each_other_are_told() {
    let more = r#"
[[require]]
data = "pasv"
symptom = "transferred"
[[require]]
data = "pasv"
symptom = "data-timeout"
"#;
    insta::assert_snapshot!(said(&format!("{SOUND}{more}")), @r#"
    exit 2
      × scenario.toml has 1 mistake
      × this requires data-timeout of cells that already require transferred
        ╭─[scenario.toml:14:1]
     13 │ symptom = "transferred"
     14 │ [[require]]
        · ─────┬─────
        ·      ╰── here
     15 │ data = "pasv"
        ╰────
      help: remove one of the two, or select fewer cells here
    "#);
}

#[test]
fn a_requirement_that_names_no_cell_is_told() {
    let more = "[[require]]\nruleset = \"rulez\"\nsymptom = \"transferred\"\n";
    insta::assert_snapshot!(said(&format!("{SOUND}{more}")), @r#"
    exit 2
      × scenario.toml has 1 mistake
      × no ruleset is named `rulez`
        ╭─[scenario.toml:11:11]
     10 │ [[require]]
     11 │ ruleset = "rulez"
        ·           ───┬───
        ·              ╰── here
     12 │ symptom = "transferred"
        ╰────
      help: did you mean `rules`?
    "#);
    let more = "[[require]]\nserver = \"vsftpd\"\nsymptom = \"transferred\"\n";
    insta::assert_snapshot!(said(&format!("{SOUND}{more}")), @r#"
    exit 2
      × scenario.toml has 1 mistake
      × this requirement never applies to a cell: it names no cell of this scenario
        ╭─[scenario.toml:10:1]
      9 │ clients = ["suppaftp"]
     10 │ [[require]]
        · ─────┬─────
        ·      ╰── here
     11 │ server = "vsftpd"
        ╰────
      help: fix its selectors, or remove it
    "#);
}

#[test]
fn an_address_outside_the_link_is_told() {
    let text = SOUND.replace(
        "[topology]\n",
        "[topology]\nclient = \"192.168.0.211/24\"\nserver = \"192.168.1.201/24\"\n",
    );
    insta::assert_snapshot!(said(&text), @r#"
    exit 2
      × scenario.toml has 1 mistake
      × 192.168.0.211/24 and 192.168.1.201/24 are on the same link but not in the same network
       ╭─[scenario.toml:3:10]
     2 │ [topology]
     3 │ client = "192.168.0.211/24"
       ·          ─────────┬────────
       ·                   ╰── here
     4 │ server = "192.168.1.201/24"
       ╰────
    "#);
}

#[test]
fn a_port_that_is_none_is_told() {
    let more = "[server]\ncontrol-port = 70000\npassive-ports = \"50000-90000\"\n[client]\nactive-ports = \"50010-50000\"\n";
    insta::assert_snapshot!(said(&format!("{SOUND}{more}")), @r#"
    exit 2
      × scenario.toml has 3 mistakes
      × 70000 is out of range
        ╭─[scenario.toml:11:16]
     10 │ [server]
     11 │ control-port = 70000
        ·                ──┬──
        ·                  ╰── here
     12 │ passive-ports = "50000-90000"
        ╰────
      help: 1 to 65535
      × `50000-90000` is not a port or a range of ports
        ╭─[scenario.toml:12:17]
     11 │ control-port = 70000
     12 │ passive-ports = "50000-90000"
        ·                 ──────┬──────
        ·                       ╰── here
     13 │ [client]
        ╰────
      help: a port is 1 to 65535; write a range as "50000-50100"
      × 50010 is above 50000
        ╭─[scenario.toml:14:16]
     13 │ [client]
     14 │ active-ports = "50010-50000"
        ·                ──────┬──────
        ·                      ╰── here
        ╰────
      help: write the lower port first: "50000-50010"
    "#);
}

#[test]
fn broken_toml_is_told_at_its_place() {
    insta::assert_snapshot!(said(&SOUND.replace("shape = \"client-firewall\"", "shape = \"client-firewall")), @r#"
    exit 2
      × scenario.toml has 1 mistake
      × invalid basic string, expected `"`
       ╭─[scenario.toml:3:25]
     2 │ [topology]
     3 │ shape = "client-firewall
       ·                         ▲
       ·                         ╰── here
     4 │ [[ruleset]]
       ╰────
    "#);
}

#[test]
fn a_ruleset_s_own_mistakes_are_told_at_the_scenario_s_lines() {
    insta::assert_snapshot!(said(&SOUND.replace("-P INPUT DROP", "-P INPTU DROP")), @"
    exit 2
      × a mistake in scenario.toml
      × the table filter has no built-in chain `INPTU`
       ╭─[scenario.toml:6:21]
     6 │ iptables -P INPTU DROP
       ·             ──┬──
       ·               ╰── filter has INPUT, FORWARD and OUTPUT
       ╰────
      help: `INPUT`?
    ");
}

#[test]
fn several_mistakes_are_told_at_once() {
    let text = r#"descripton = "Much is wrong."
[topology]
shape = "client-firewal"
client = "10.0.0.300/24"
[[ruleset]]
name = "rules"
text = "iptables -P INPUT DROP"
file = "rules.v4"
[matrix]
servers = ["libunftpd"]
data = "passive"
[[require]]
symptom = "works"
cause = { kind = "polcy" }
"#;
    insta::assert_snapshot!(said(text), @r#"
    exit 2
      × scenario.toml has 8 mistakes
      × unknown key `descripton` at the top
       ╭─[scenario.toml:1:1]
     1 │ descripton = "Much is wrong."
       · ─────┬────
       ·      ╰── here
     2 │ [topology]
       ╰────
      help: did you mean `description`?
      × `client-firewal` is not one of client-firewall, server-firewall, gateway, client-nat, server-
      │ nat, both-nat, hairpin
       ╭─[scenario.toml:3:9]
     2 │ [topology]
     3 │ shape = "client-firewal"
       ·         ────────┬───────
       ·                 ╰── here
     4 │ client = "10.0.0.300/24"
       ╰────
      help: did you mean `client-firewall`?
      × `10.0.0.300/24` is not a valid address with a prefix length: invalid IP address syntax
       ╭─[scenario.toml:4:10]
     3 │ shape = "client-firewal"
     4 │ client = "10.0.0.300/24"
       ·          ───────┬───────
       ·                 ╰── here
     5 │ [[ruleset]]
       ╰────
      help: for example "192.168.0.211/24"
      × ruleset `rules` wants exactly one of file, text, policy or none, and has file and text
       ╭─[scenario.toml:5:1]
     4 │ client = "10.0.0.300/24"
     5 │ [[ruleset]]
       · ─────┬─────
       ·      ╰── here
     6 │ name = "rules"
       ╰────
      help: for example `file = "rules.v4"`
      × `libunftpd` is not one of [every server]
        ╭─[scenario.toml:10:12]
      9 │ [matrix]
     10 │ servers = ["libunftpd"]
        ·            ─────┬─────
        ·                 ╰── here
     11 │ data = "passive"
        ╰────
      help: did you mean `libunftp`?
      × `passive` is not one of port, eprt, pasv, epsv
        ╭─[scenario.toml:11:8]
     10 │ servers = ["libunftpd"]
     11 │ data = "passive"
        ·        ────┬────
        ·            ╰── here
     12 │ [[require]]
        ╰────
      help: did you mean `pasv`?
      × `works` is not one of transferred, data-timeout, data-rejected, control-timeout, control-
      │ rejected, refused
        ╭─[scenario.toml:13:11]
     12 │ [[require]]
     13 │ symptom = "works"
        ·           ───┬───
        ·              ╰── here
     14 │ cause = { kind = "polcy" }
        ╰────
      help: write one of transferred, data-timeout, data-rejected, control-timeout, control-rejected,
            refused
      × `polcy` is not one of none, rule, policy, helper, host, loss, reply
        ╭─[scenario.toml:14:18]
     13 │ symptom = "works"
     14 │ cause = { kind = "polcy" }
        ·                  ───┬───
        ·                     ╰── here
        ╰────
      help: did you mean `policy`?
    "#);
}

#[test]
fn a_file_that_is_empty_is_told_what_is_missing() {
    insta::assert_snapshot!(said(""), @"
    exit 2
      × scenario.toml has 3 mistakes
      × the file has no `description`
       ╭─[scenario.toml:1:1]
       ╰────
      help: write `description = …`
      × the file has no `topology`
       ╭─[scenario.toml:1:1]
       ╰────
      help: write `[topology]`
      × the file has no `ruleset`
       ╭─[scenario.toml:1:1]
       ╰────
      help: write `[[ruleset]]`
    ");
}

#[test]
fn what_a_server_cannot_show_or_announce_is_told() {
    let _machine = shared();
    let terms = "[server]\ncertificate = \"no-certificate.pem\"\nadvertised-address = \"2001:db8::1\"\n\
                 [client]\npassive-address = \"skipped\"\n";
    let text = format!("{SOUND}{terms}");
    let folder = folder(&[
        ("scenario.toml", text.as_bytes()),
        ("no-certificate.pem", b"*filter\nCOMMIT\n"),
    ]);
    insta::assert_snapshot!(told(folder.path(), &["run", "scenario.toml"]), @r#"
    exit 2
      × scenario.toml has 3 mistakes
      × no-certificate.pem: a TLS file that is not a certificate: it must hold a PEM section `BEGIN
      │ CERTIFICATE`, the server's own before its issuers'
        ╭─[scenario.toml:11:15]
     10 │ [server]
     11 │ certificate = "no-certificate.pem"
        ·               ──────────┬─────────
        ·                         ╰── here
     12 │ advertised-address = "2001:db8::1"
        ╰────
      help: remove it, and the lab makes a certificate and its key
      × `2001:db8::1` is not a valid IPv4 address: invalid IPv4 address syntax
        ╭─[scenario.toml:12:22]
     11 │ certificate = "no-certificate.pem"
     12 │ advertised-address = "2001:db8::1"
        ·                      ──────┬──────
        ·                            ╰── here
     13 │ [client]
        ╰────
      help: for example "192.168.0.211"
      × `skipped` is not one of announced, ignored
        ╭─[scenario.toml:14:19]
     13 │ [client]
     14 │ passive-address = "skipped"
        ·                   ────┬────
        ·                       ╰── here
        ╰────
      help: write one of announced, ignored
    "#);
}

/// A cell's name says which ruleset it had; with one name for two files it would have lied.
#[test]
fn two_scenarios_of_one_name_keep_their_own_rules() {
    let Some(_lab) = crate::support::lab() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    for (name, policy, symptom) in [
        ("a", "DROP", "control-timeout"),
        ("b", "ACCEPT", "transferred"),
    ] {
        std::fs::create_dir(folder.path().join(name)).expect("a folder");
        let text = SOUND.replace("DROP", policy)
            + &format!("data = \"pasv\"\n[[require]]\nsymptom = \"{symptom}\"\n");
        std::fs::write(folder.path().join(name).join("x.toml"), text).expect("it can be written");
    }
    let mut command = crate::support::fwlab();
    command
        .current_dir(folder.path())
        .args(["run", "a", "b", "--report", "json=report.json"]);
    crate::support::end_of(&mut command).with(0);
    let cells = crate::support::report(&folder.path().join("report.json"));
    assert_eq!(
        cells.len(),
        4,
        "each cell has a name of its own: {:?}",
        cells.keys()
    );
}

#[test]
fn an_image_that_is_the_firewall_and_rules_beside_it_contradict_each_other() {
    let text = r#"description = "Both."
[topology]
firewall = { image = "", ready = "", at = "gatway" }
[[topology.node]]
name = "client"
addresses = { e0 = ["10.0.0.1/24"] }
[[topology.node]]
name = "server"
addresses = { e0 = ["10.0.0.2/24"] }
[[topology.link]]
between = ["client:e0", "server:e0"]
[[ruleset]]
name = "rules"
none = true
[[step]]
at = "logged-in"
load = "image"
"#;
    insta::assert_snapshot!(said(text), @r#"
    exit 2
      × scenario.toml has 5 mistakes
      × `` is not an image
       ╭─[scenario.toml:3:22]
     2 │ [topology]
     3 │ firewall = { image = "", ready = "", at = "gatway" }
       ·                      ─┬
       ·                       ╰── here
     4 │ [[topology.node]]
       ╰────
      help: for example "registry.example/firewall:1.2"
      × every log shows an empty text from the start
       ╭─[scenario.toml:3:34]
     2 │ [topology]
     3 │ firewall = { image = "", ready = "", at = "gatway" }
       ·                                  ─┬
       ·                                   ╰── here
     4 │ [[topology.node]]
       ╰────
      help: write what its log shows when its rules are in
      × this topology has no node `gatway`
       ╭─[scenario.toml:3:43]
     2 │ [topology]
     3 │ firewall = { image = "", ready = "", at = "gatway" }
       ·                                           ────┬───
       ·                                               ╰── here
     4 │ [[topology.node]]
       ╰────
      help: its nodes are client, server
      × the firewall's rules are those that its image loads, so a ruleset has no effect
        ╭─[scenario.toml:12:1]
     11 │ between = ["client:e0", "server:e0"]
     12 │ [[ruleset]]
        · ─────┬─────
        ·      ╰── here
     13 │ name = "rules"
        ╰────
      help: remove it, or write `firewall` without an image
      × an image's rules are there from the start, and nothing is loaded over them
        ╭─[scenario.toml:17:8]
     16 │ at = "logged-in"
     17 │ load = "image"
        ·        ───┬───
        ·           ╰── here
        ╰────
      help: leave this step out
    "#);
}

/// What the kernel has to say is asked in a throwaway namespace, before any cell is run.
#[test]
fn sysctls_that_cannot_be_set_are_told() {
    let settings = r#"
[[sysctl]]
node = "server"
set = { "net.netfilter.nf_conntrack_tcp_lose" = 0, "net.ipv4.ip_forward" = "maybe" }
"#;
    let told = said(&format!("{SOUND}{settings}"));
    for said in [
        "exit 2",
        "this kernel has no sysctl `net.netfilter.nf_conntrack_tcp_lose`",
        "`net.ipv4.ip_forward` does not take the value `maybe`",
    ] {
        assert!(told.contains(said), "{told}");
    }
}
