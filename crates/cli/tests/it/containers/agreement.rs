//! A cell comes to the same, wherever its peers run: warm and cold containers, the host, and
//! what is embedded in the lab.

use fwlab_skipped::{Need, skipped};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::docker::containers;
use crate::support::{DEADLINE, Running, assert_same, count, essence, fwlab, has_program, report};

/// Cells of every symptom and every kind of cause, plain and under TLS, with and without NAT, of both
/// families and every backend.
const CELLS: [&str; 15] = [
    "scenario=seed/active-client backend=nft data=port",
    "scenario=seed/active-client backend=nft data=pasv ruleset=verbatim",
    "scenario=seed/passive-server backend=legacy data=pasv ruleset=verbatim",
    "scenario=seed/passive-client backend=legacy data=epsv ruleset=with-helper",
    "scenario=topologies/asymmetric ruleset=stateful backend=nft data=pasv",
    "scenario=topologies/families family=ipv6 backend=nft data=epsv",
    "scenario=nat/server-side ruleset=helper-on-the-inner-port backend=nft data=pasv",
    "scenario=nat/server-side ruleset=helper-on-the-inner-port backend=legacy data=epsv",
    "scenario=nat/client-side ruleset=snat backend=nft data=port",
    "scenario=policies/client ruleset=rejecting backend=nft data=epsv",
    "scenario=regressions/srv-drop-before-related backend=nft data=pasv",
    "scenario=regressions/masq-no-helper backend=nft data=port",
    "scenario=protection/implicit backend=nft data=pasv",
    "scenario=native/verdicts ruleset=goto-reject data=epsv",
    "scenario=operations/every-operation backend=nft data=pasv",
];

/// Runs the cells with these peers, in that way.
fn ran(
    folder: &Path,
    name: &str,
    servers: &str,
    clients: &str,
    more: &[&str],
) -> BTreeMap<String, Value> {
    let file = folder.join(name);
    let mut command = fwlab();
    command
        .args(["run", "scenarios", "--server", servers, "--client", clients])
        .args(CELLS.iter().flat_map(|words| ["--filter", words]))
        .args(["--keep-going", "--report"])
        .arg(format!("json={}", file.display()))
        .args(more);
    let ended = Running::start(&mut command).end(DEADLINE);
    assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
    report(&file)
}

/// Symptoms, and kinds of causes, that are in these cells.
fn variety(cells: &BTreeMap<String, Value>) -> BTreeSet<&str> {
    let words = cells
        .values()
        .flat_map(|line| [&line["symptom"], &line["cause"]["kind"]]);
    words.filter_map(Value::as_str).collect()
}

#[test]
fn warm_and_cold_containers_and_the_host_agree() {
    let Some(_containers) = containers() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let container = ["--where", "container", "--require", "containers"];
    let warm = ran(folder.path(), "warm", "vsftpd", "curl,lftp", &container);
    let seen = variety(&warm);
    for word in [
        "transferred",
        "data-timeout",
        "data-rejected",
        "control-timeout",
        "refused",
        "rule",
        "policy",
        "host",
        "loss",
        "reply",
    ] {
        assert!(seen.contains(word), "{word} is not among {seen:?}");
    }
    let told = count(&warm, "met") + count(&warm, "skipped");
    assert_eq!(told, warm.len());

    let cold = ran(folder.path(), "cold", "vsftpd", "curl,lftp", &["--cold"]);
    assert_same(("warm", &warm), ("cold", &cold));

    if !["vsftpd", "curl", "lftp"].into_iter().all(has_program) {
        skipped(
            Need::Programs,
            "without vsftpd, curl and lftp on the host, it is not compared",
        );
        return;
    }
    let host = ran(
        folder.path(),
        "host",
        "vsftpd",
        "curl,lftp",
        &["--where", "host"],
    );
    assert_same(("in a container", &warm), ("on the host", &host));
}

/// A cell's name without its peers.
fn without_peers(line: &Value) -> String {
    let axes = [
        "scenario",
        "ruleset",
        "backend",
        "data",
        "protection",
        "family",
        "operation",
    ];
    axes.map(|axis| line[axis].as_str().expect("a word"))
        .join("::")
}

fn by_cell(cells: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let ran = cells
        .into_values()
        .filter(|line| line["result"] != "skipped");
    ran.map(|line| (without_peers(&line), line)).collect()
}

/// Where peers come to something else than the embedded pair, whose they are, and why.
const DEVIATE: [(&str, &[&str], &str); 2] = [
    (
        "regressions/masq-no-helper",
        &["vsftpd", "proftpd", "pure-ftpd"],
        "real servers refuse a PORT for another host, and libunftp connects there",
    ),
    (
        "nat/server-side::helper-on-the-inner-port::nft::pasv",
        &["tnftp"],
        "tnftp gives up where a 227 names another address, and the others connect there",
    ),
];

#[test]
fn embedded_peers_and_those_in_containers_agree_wherever_both_can() {
    let Some(_containers) = containers() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let container = ["--where", "container", "--require", "containers"];
    let mut embedded = by_cell(ran(folder.path(), "embedded", "libunftp", "suppaftp", &[]));
    for (server, client) in [
        ("vsftpd", "curl"),
        ("proftpd", "tnftp"),
        ("pure-ftpd", "lftp"),
    ] {
        let mut contained = by_cell(ran(folder.path(), server, server, client, &container));
        contained.retain(|name, _| embedded.contains_key(name));
        let mut both = embedded.clone();
        both.retain(|name, _| contained.contains_key(name));
        for (scenario, whose, why) in DEVIATE {
            if !whose.contains(&server) && !whose.contains(&client) {
                continue;
            }
            let of = |name: &String| name.starts_with(scenario);
            let (one, other) = (&both, &contained);
            let differ = one
                .iter()
                .filter(|(name, line)| of(name) && essence(line) != essence(&other[*name]));
            assert!(
                differ.count() > 0,
                "{server} and {client} agree with the embedded pair on {scenario}, where {why}"
            );
            both.retain(|name, _| !of(name));
            contained.retain(|name, _| !of(name));
        }
        assert!(both.len() > 10, "{server}: {}", both.len());
        assert_same(("embedded", &both), (server, &contained));
    }
    embedded.retain(|_, line| line["result"] == "met");
    assert!(embedded.len() > 15, "{}", embedded.len());
}
