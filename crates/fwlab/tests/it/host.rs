//! A host by its own files, as a user's tests have it.

use std::path::PathBuf;

use fwlab::{
    At, DataSetup, Family, Lab, LabError, PeerName, Protection, assert_blocked, assert_transferred,
};

use crate::support::can_build;

/// Clients of one network come in, those of others do not; without a helper nothing is ever RELATED.
const RULES: &str = "*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -s 203.0.113.0/24 -i eth0 -p tcp -m tcp --dport 21 -j ACCEPT
-A INPUT -i eth1 -j ACCEPT
COMMIT
";

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("fwlab-{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("a file can be written");
    path
}

#[test]
fn rows_are_classes_of_peers() {
    if !can_build() {
        return;
    }
    let rules = file("rows.rules", RULES);
    let host = Lab::host(&rules)
        .at(At::Server)
        .server(PeerName::Libunftp)
        .data([DataSetup::Port, DataSetup::Epsv])
        .protections([Protection::Plain]);
    let table = host.check().expect("it is checked");
    std::fs::remove_file(rules).expect("it is there");
    let row = |peers: &str| {
        let mut rows = table.rows().iter();
        rows.find(|row| row.peers.contains(peers))
            .unwrap_or_else(|| panic!("{peers}: {table}"))
    };
    assert_eq!(row("eth1").family, Family::Ipv4);
    let allowed = row("203.0.113.0/24");
    assert_transferred!(
        allowed
            .transfer(Protection::Plain, DataSetup::Port)
            .expect("it was tried")
    );
    let blocked = allowed
        .transfer(Protection::Plain, DataSetup::Epsv)
        .expect("it was tried");
    assert_blocked!(blocked, by policy "filter/INPUT");
    assert!(
        blocked.why().is_some_and(|why| why.contains("helper")),
        "{blocked}"
    );
    let inside = row("on eth1");
    // Two ways, by both backends: the rules do not say which of them they are of.
    assert_eq!(inside.transfers().count(), 4);
    inside
        .transfers()
        .for_each(|observed| assert_transferred!(observed));
    let untried = allowed.transfer(Protection::Explicit, DataSetup::Epsv);
    assert!(
        matches!(untried, Err(LabError::Host(why)) if why.contains("explicit epsv was not tried"))
    );
    // Some are stopped, so neither holds; of those alone whom it is about, it does.
    for wrong in ["active passes", "passive blocked"] {
        let why = table.expect(wrong).expect_err(wrong).to_string();
        assert!(why.contains(&format!("`{wrong}` is not so")), "{why}");
    }
    let chosen = host.from("203.0.113.9".parse().expect("an address"));
    let chosen = chosen.on("eth0".parse().expect("an interface"));
    let rules = file("rows.rules", RULES);
    let table = chosen.check().expect("it is checked");
    std::fs::remove_file(rules).expect("it is there");
    assert_eq!(table.rows().len(), 1, "{table}");
    table.expect("active passes").expect("it does");
    table.expect("passive blocked").expect("it is");
}

#[test]
fn what_cannot_be_asked_is_told() {
    if !can_build() {
        return;
    }
    let rules = file("asked.rules", RULES);
    let untold = Lab::host(&rules)
        .check()
        .expect_err("nobody said whose they are");
    assert!(
        untold.to_string().contains("whose rules are these"),
        "{untold}"
    );
    std::fs::remove_file(&rules).expect("it is there");
    let absent = Lab::host(&rules)
        .at(At::Server)
        .check()
        .expect_err("no such file");
    assert!(absent.to_string().contains("cannot read"), "{absent}");
}

/// Rules of two families in two files, with a set that no file has.
#[test]
fn several_files_and_a_set_are_one_host() {
    if !can_build() {
        return;
    }
    let rules = |set: &str, more: &str| {
        format!(
            "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
             -A INPUT -m set --match-set {set} src -j ACCEPT\n{more}COMMIT\n"
        )
    };
    let ipv4 = file("several.v4", &rules("clients", ""));
    let icmp = "-A INPUT -p ipv6-icmp -j ACCEPT\n";
    let ipv6 = file("several.v6", &rules("clients6", icmp));
    let host = Lab::host(&ipv4)
        .file(&ipv6)
        .at(At::Server)
        .server(PeerName::Libunftp)
        .backends([fwlab::Backend::Nft])
        .protections([Protection::Plain])
        .data([DataSetup::Epsv]);
    let why = host.check().expect_err("nobody gave the sets").to_string();
    assert!(why.contains("clients"), "{why}");
    let bad = host.clone().set("clients=192.0.2.0/33");
    assert!(matches!(bad, Err(LabError::Host(why)) if why.contains("192.0.2.0/33")));
    let given = host.set("clients=203.0.113.0/24").expect("a set");
    let table = given.empty_sets().check().expect("it is checked");
    for file in [ipv4, ipv6] {
        std::fs::remove_file(file).expect("it is there");
    }
    let passing = table.rows().iter().filter(|row| {
        let observed = row.transfer(Protection::Plain, DataSetup::Epsv);
        observed.expect("it was tried").is_transferred()
    });
    let passing: Vec<&str> = passing.map(|row| row.peers.as_str()).collect();
    assert_eq!(passing, ["from set clients"], "{table}");
}
