//! Nothing of a cell changes what comes after it in the same warm containers.

use std::sync::Arc;

use fwlab::Backend;
use fwlab_containers::ContainerReuse;
use fwlab_record::{CellRecord, Judgement, Place};
use fwlab_runner::{Loader, Placement, Run, RunSettings};
use fwlab_scenario::collect::scenarios;
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Cell, Overrides, cells};

use super::docker::{containers_alone, containers_of};
use crate::support::{as_report, essence};

/// One address, one passive port, one active port: whatever is left of a cell is in the way of
/// the next, or opens it a way.
const SCENARIO: &str = r#"
description = "Cells that leave something, and cells that would notice."
[topology]
shape = "client-firewall"
client = "192.168.0.211/24"
server = "192.168.0.201/24"
[server]
passive-ports = "31240"
data-source-port = "20"
[client]
active-ports = "39632"
[[ruleset]]
name = "open"
text = "iptables -P INPUT ACCEPT"
[[ruleset]]
name = "related"
text = '''
iptables -t raw -A OUTPUT -p tcp --dport 21 -j CT --helper ftp
iptables -P INPUT DROP
iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
'''
[[ruleset]]
name = "expected-and-dropped"
text = '''
iptables -t raw -A OUTPUT -p tcp --dport 21 -j CT --helper ftp
iptables -A INPUT -p tcp --dport 39632 -j DROP
iptables -A OUTPUT -p tcp --dport 31240 -j DROP
'''
[[ruleset]]
name = "cut-in-the-middle"
text = '''
iptables -A INPUT -p tcp --sport 20 -m length --length 500:65535 -j DROP
iptables -A INPUT -p tcp --sport 31240 -m length --length 500:65535 -j DROP
'''
[[ruleset]]
name = "established"
text = '''
iptables -P INPUT DROP
iptables -A INPUT -p tcp --sport 21 -j ACCEPT
iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
iptables -A OUTPUT -p tcp --dport 31240 -m state --state NEW -j DROP
'''
[matrix]
servers = ["vsftpd"]
clients = ["curl"]
data = ["port", "pasv"]
operations = ["retr"]
"#;

/// What leaves something: ruleset, data setup, operation, and what is left.
const LEAVERS: [(&str, &str, &str, &str); 4] = [
    (
        "open",
        "port",
        "retr",
        "TIME-WAIT at the server's port 20, the client's 39632",
    ),
    (
        "expected-and-dropped",
        "port",
        "retr",
        "an expectation of port 39632",
    ),
    (
        "expected-and-dropped",
        "pasv",
        "retr",
        "a listener at 31240 that nobody came to",
    ),
    (
        "cut-in-the-middle",
        "port",
        "retr",
        "a flow from 20 to 39632 that is established",
    ),
];

/// What would notice: an expectation or an established flow lets the first pass, and a port in use
/// stops the others. (A file in the way is looked for in `crates/containers/tests`: a cell writes its own
/// over it.)
const VICTIMS: [(&str, &str, &str); 3] = [
    ("established", "port", "retr"),
    ("related", "port", "retr"),
    ("open", "pasv", "retr"),
];

fn chosen(cell: &Cell, (ruleset, data, operation): (&str, &str, &str)) -> bool {
    let axes = &cell.axes;
    axes.ruleset == ruleset && axes.data.word() == data && axes.operation.to_string() == operation
}

fn outcome(record: &CellRecord) -> String {
    let line = as_report(std::slice::from_ref(record));
    essence(line.values().next().expect("one"))
}

#[test]
fn what_a_cell_leaves_does_not_change_the_next() {
    // Alone: what other tests start in containers would be among its own.
    let Some(_containers) = containers_alone() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("leaks.toml");
    std::fs::write(&file, SCENARIO).expect("it can be written");
    let scenario = scenarios(&[file]).expect("it can be read").remove(0);
    let nft = Overrides {
        backends: vec![Backend::Nft],
        ..Overrides::default()
    };
    let planned = cells(&scenario, &nft, &Filter::default());
    let settings = RunSettings {
        placement: Placement {
            place: Some(Place::Container),
            reuse: ContainerReuse::Warm,
        },
        ..RunSettings::default()
    };
    let loader = Loader::find().expect("`containers` has looked");
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    runtime.block_on(async {
        let run = Run::prepare(planned, loader, settings).await;
        let run = Arc::new(run.expect("the rulesets load"));
        let index = |words| {
            let mut found = run
                .cells()
                .enumerate()
                .filter(|(_, cell)| chosen(cell, words));
            let (index, _) = found.next().expect("it is in the matrix");
            assert!(found.next().is_none(), "{words:?}");
            index
        };
        let warm = containers_of(std::process::id());
        let mut alone = Vec::new();
        for victim in VICTIMS {
            let record = run.cell(index(victim)).await;
            let kept = matches!(record.judgement, Judgement::Reported(_));
            assert!(kept, "{victim:?}: {record:#?}");
            alone.push(outcome(&record));
        }
        assert!(alone[0].contains("data-timeout"), "{}", alone[0]);
        for outcome in &alone[1..] {
            assert!(outcome.contains("transferred"), "{outcome}");
        }
        for (ruleset, data, operation, left) in LEAVERS {
            for (victim, alone) in VICTIMS.into_iter().zip(&alone) {
                let leaver = run.cell(index((ruleset, data, operation))).await;
                assert!(
                    matches!(leaver.judgement, Judgement::Reported(_)),
                    "{left}: {leaver:#?}"
                );
                let record = run.cell(index(victim)).await;
                assert_eq!(
                    &outcome(&record),
                    alone,
                    "{victim:?} after {left}: {record:#?}"
                );
            }
        }
        let same = containers_of(std::process::id());
        assert!(!warm.is_empty() && same == warm, "{warm:?} {same:?}");
        drop(run);
        let settled = Run::settle().await;
        settled.expect("Docker removes what it is asked to");
    });
}
