//! What a run keeps of its cells is enough to judge them again, and is read back as it was written.

use std::path::Path;

use fwlab_judge::{Finding, Stream, What};
use fwlab_record::{CauseKind, CellRecord, Judgement, Packet, Seen};

use crate::support::{Ended, end_of, fwlab, lab};

/// One cell passes, one is stopped by a rule, and one by a server that says no.
const SCENARIO: &str = r#"
description = "Some pass."
[topology]
shape = "client-firewall"
[[ruleset]]
name = "open"
text = "iptables -P INPUT ACCEPT"
[[ruleset]]
name = "shut"
text = '''
iptables -A INPUT -p tcp --sport 21 -j ACCEPT
iptables -A INPUT -p tcp -j DROP
'''
[matrix]
servers = ["libunftp"]
clients = ["suppaftp"]
data = ["pasv"]
operations = ["retr"]
"#;

fn recorded(folder: &Path) -> Ended {
    std::fs::write(folder.join("two.toml"), SCENARIO).expect("it can be written");
    let mut command = fwlab();
    command
        .current_dir(folder)
        .args(["run", "two.toml", "--backend", "nft", "--keep-going"])
        .args(["--record", "kept/streams", "--evidence", "all"])
        .args(["--report", "json=report.json"]);
    end_of(&mut command)
}

fn lines<T: for<'de> serde::Deserialize<'de>>(file: &Path) -> Vec<(String, T)> {
    let text = std::fs::read_to_string(file).expect("it was written");
    let lines = text.lines();
    lines
        .map(|line| {
            let read = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            (line.to_owned(), read)
        })
        .collect()
}

#[test]
fn a_stream_is_judged_again_as_the_cell_was() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    recorded(folder.path()).with(0);
    let streams: Vec<(String, Stream)> = lines(&folder.path().join("kept/streams/two.jsonl"));
    assert_eq!(streams.len(), 2);
    for (line, stream) in &streams {
        stream
            .replay()
            .unwrap_or_else(|differs| panic!("{differs}: {line}"));
        assert!(!line.contains("PASS fwlab"), "{line}");
        let told = stream.events.iter().any(|event| {
            matches!(&event.what, What::Captured { payload, .. } if payload.starts_with(b"PASS *****"))
        });
        assert!(told, "{line}");
    }
    // Into a folder that holds something, nothing is recorded.
    let again = recorded(folder.path()).with(2);
    let said = "kept/streams is not empty, so recorded files would be mixed with what is there";
    assert!(again.stderr.contains(said), "{}", again.stderr);
    assert!(again.stderr.contains("new or empty"), "{}", again.stderr);
}

#[test]
fn a_report_is_read_back_with_the_evidence_and_what_decided() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    recorded(folder.path()).with(0);
    let records: Vec<(String, CellRecord)> = lines(&folder.path().join("report.json"));
    assert_eq!(records.len(), 2);
    for (line, record) in records {
        assert_eq!(serde_json::to_string(&record).expect("JSON"), line);
        let Judgement::Reported(outcome) = &record.judgement else {
            panic!("{line}")
        };
        let facts = &record.evidence.facts;
        let is_masked = |seen: &Seen| matches!(seen, Seen::Command { line } if line == "PASS ***");
        assert!(facts.iter().any(|fact| is_masked(&fact.what)), "{line}");
        let deciding = record.evidence.deciding();
        assert_eq!(deciding.map(|fact| fact.event), outcome.event, "{line}");
        assert_eq!(
            deciding.is_some(),
            outcome.cause.kind() == CauseKind::Rule,
            "{line}"
        );
        let versions = &record.versions;
        assert!(
            versions.kernel.is_some() && versions.server.is_some(),
            "{line}"
        );
        let loader = versions.loader.as_deref().unwrap_or_default();
        assert!(loader.starts_with("iptables-nft 1."), "{line}");
    }
}

/// What led to something stands before it.
#[test]
fn a_packet_leaves_before_it_arrives() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    recorded(folder.path()).with(0);
    let records: Vec<(String, CellRecord)> = lines(&folder.path().join("report.json"));
    let mut packets = 0;
    for (line, record) in &records {
        let mut left = Vec::new();
        for fact in &record.evidence.facts {
            let Seen::Packet { way, packet } = &fact.what else {
                continue;
            };
            // Of the end of a connection the client's wire alone is shown.
            let opens =
                matches!(packet, Packet::Tcp { flags, .. } if flags.is_syn() || flags.is_syn_ack());
            match way {
                _ if !opens => {}
                fwlab_record::Way::Out => left.push(packet),
                fwlab_record::Way::In => {
                    packets += 1;
                    assert!(left.contains(&packet), "{packet}: {line}");
                }
            }
        }
    }
    assert!(packets > 6, "{packets}");
}

#[test]
fn the_record_s_schema_is_printed() {
    let mut command = fwlab();
    let ended = end_of(command.args(["schema", "--record"])).with(0);
    let schema: serde_json::Value = serde_json::from_str(&ended.stdout).expect("it is JSON");
    assert_eq!(
        schema["properties"]["schema"]["$ref"],
        "#/$defs/SchemaVersion"
    );
    assert_eq!(schema["$defs"]["SchemaVersion"]["const"], 2);
}

/// A finding is what a stream ends with, and it is one of the two that there are.
#[test]
fn a_stream_that_was_tampered_with_is_told() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    recorded(folder.path()).with(0);
    let streams: Vec<(String, Stream)> = lines(&folder.path().join("kept/streams/two.jsonl"));
    for (_, mut stream) in streams {
        stream.finding = Finding::Inconclusive("nobody knows".into());
        let differs = stream.replay().expect_err("it is another finding");
        let said = differs.to_string();
        assert!(
            said.contains("inconclusive: nobody knows; and now"),
            "{said}"
        );
    }
}
