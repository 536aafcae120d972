//! Several clients that do the same at one time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fwlab::PeerName;
use fwlab_record::{Became, CellRecord, Judgement, Place, Seen};
use fwlab_runner::{Patience, Placement, RunSettings};
use fwlab_scenario::plan::Overrides;
use fwlab_skipped::{Need, skipped};

use crate::support::{has_program, lab, run_cells};

/// A ruleset that stops the second of two clients, and no requirement that it could meet.
fn one_is_stopped(rules: &str) -> String {
    format!(
        r#"
description = "The second of two clients is stopped."
[topology]
shape = "client-nat"
clients = 2
[client]
active-ports = "39632"
[[ruleset]]
name = "one"
helper = true
text = '''
{rules}
iptables -t nat -A POSTROUTING -o wan -j MASQUERADE
'''
[matrix]
servers = ["libunftp"]
data = ["port", "pasv"]
[[require]]
symptom = "transferred"
"#
    )
}

fn of_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn on_host(patience: Patience) -> RunSettings {
    RunSettings {
        patience,
        keep_going: true,
        keep_evidence: true,
        placement: Placement {
            place: Some(Place::Host),
            ..Placement::ANYWHERE
        },
        ..RunSettings::default()
    }
}

fn records_of(text: &str, patience: Patience) -> Vec<CellRecord> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("one.toml");
    std::fs::write(&file, text).expect("it can be written");
    run_cells(&[file], &Overrides::default(), &[], on_host(patience))
}

/// The first client is done, though the second is stopped, and `longest` is the longest that a cell takes.
fn first_is_done(records: &[CellRecord], longest: Duration) {
    assert_eq!(records.len(), 4, "two data setups, both backends");
    for record in records {
        let Judgement::Inconclusive { why } = &record.judgement else {
            panic!("{record:#?}")
        };
        assert!(
            why.contains("it ended in two ways: transferred; and"),
            "{why}"
        );
        assert!(record.took < longest, "{:?}: {why}", record.took);
    }
}

#[test]
fn both_expectations_stand_before_either_is_used() {
    let Some(_lab) = lab() else { return };
    let file = of_repository("scenarios/outcomes/two-clients-port-20.toml");
    let servers = Overrides {
        servers: vec![PeerName::Libunftp],
        ..Overrides::default()
    };
    let records = run_cells(&[file], &servers, &["data=port"], on_host(Patience::Early));
    assert_eq!(records.len(), 2, "both backends");
    for record in records {
        let text = format!("{record:#?}");
        assert_eq!(record.judgement.word(), "met", "{text}");
        let told = record.evidence.facts.iter();
        let told: Vec<Became> = told
            .filter_map(|fact| match fact.what {
                Seen::Expectation { became, .. } => Some(became),
                _ => None,
            })
            .filter(|became| matches!(became, Became::Made | Became::Used))
            .collect();
        let (made, used) = (Became::Made, Became::Used);
        assert_eq!(told, [made, made, used, used], "{text}");
    }
}

#[test]
fn a_client_that_is_stopped_early_holds_nobody() {
    let Some(_lab) = lab() else { return };
    let text = one_is_stopped("iptables -A FORWARD -s 10.77.1.3 -p tcp --dport 21 -j DROP");
    first_is_done(&records_of(&text, Patience::Early), Duration::from_secs(8));
}

/// At full patience its SYN is waited for for 8 s. The other goes on before, and a note says so.
#[test]
fn a_client_that_is_never_told_holds_the_others_for_a_while() {
    let Some(_lab) = lab() else { return };
    let text = one_is_stopped("iptables -A FORWARD -s 10.77.1.3 -p tcp --dport 21 -j DROP");
    let records = records_of(&text, Patience::Full);
    first_is_done(&records, Duration::from_secs(20));
    for record in records {
        let said = |note: &String| note.starts_with("the clients were not in step: one had not");
        assert!(record.notes.iter().any(said), "{:?}", record.notes);
    }
}

#[test]
fn clients_that_cannot_be_made_to_wait_are_said_to_be_out_of_step() {
    let Some(_lab) = lab() else { return };
    if !has_program("curl") {
        skipped(Need::Programs, "no curl here");
        return;
    }
    let file = of_repository("scenarios/nat/two-clients.toml");
    let overrides = Overrides {
        servers: vec![PeerName::Libunftp],
        clients: vec![PeerName::Curl],
        ..Overrides::default()
    };
    let records = run_cells(
        &[file],
        &overrides,
        &["data=pasv"],
        on_host(Patience::Early),
    );
    assert_eq!(records.len(), 2, "both backends");
    let note = "the 2 clients are not in step: curl cannot be made to wait for others";
    for record in records {
        assert!(record.notes.iter().any(|said| said == note), "{record:#?}");
    }
}
