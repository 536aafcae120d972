//! What ends a cell early is what the peers' own timers would have come to.

use std::time::Duration;

use fwlab::{Cause, DataSetup, Symptom};
use fwlab_record::{Judgement, Source};
use fwlab_runner::RunSettings;

use crate::support::{Running, assert_same, fwlab, lab, lab_alone, report, run_cells, tree};

/// At full patience a cell waits for up to a minute, and works for some milliseconds:
/// so many at a time. Not many more: all namespaces of a machine share one table of neighbours, of 1024 entries
/// where nobody has set `gc_thresh3`, and when it is full nobody is found any more.
const JOBS: &str = "160";

#[test]
fn early_and_full_patience_agree_on_the_whole_tree() {
    // Alone: cells that wait for timers are not to be kept from the processor.
    let Some(_lab) = lab_alone() else { return };
    let early = tree();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("full.json");
    let mut command = fwlab();
    command
        .args(["run", "scenarios", "--patience", "full", "--jobs", JOBS])
        .args(["--where", "host", "--keep-going", "--report"])
        .arg(format!("json={}", file.display()));
    Running::start(&mut command)
        .end(Duration::from_secs(600))
        .with(0);
    let full = report(&file);
    assert_same(("early", early), ("full", &full));
    // Full patience did wait for timers, and early patience for none of them, where rules stop the packets and decide by
    // nothing that may be another the next time. (Nothing is said of the others: how long a container takes is
    // Docker's affair, and what becomes of a packet that a rule sends elsewhere only time tells.)
    let ms = |line: &serde_json::Value| line["ms"].as_f64().expect("a duration");
    let waited: Vec<_> = full
        .iter()
        .filter(|(_, line)| ms(line) > 10_000.0)
        .filter(|(_, line)| {
            line["cause"]["rule_id"].is_string() && line["cause"]["led_to"].is_null()
        })
        .filter(|(cell, _)| !early[*cell]["notes"].to_string().contains("full patience"))
        .collect();
    assert!(waited.len() > 40, "{}", waited.len());
    for (cell, line) in waited {
        let (early, full) = (ms(&early[cell]), ms(line));
        assert!(
            early < full / 2.0,
            "{cell}: {early} ms, and {full} ms at full patience"
        );
    }
}

/// The first SYN of the data connection is dropped and the second passes: a rule that
/// counts would be a lie to who believes the first.
#[test]
fn a_ruleset_that_counts_gets_full_patience_by_itself() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("counts.toml");
    let text = r#"
description = "Every second SYN that comes in is dropped, the first of all."
[topology]
shape = "client-firewall"
[[ruleset]]
name = "counts"
text = '''
iptables -A INPUT -p tcp --syn -m statistic --mode nth --every 2 --packet 0 -j DROP
'''
[matrix]
servers = ["libunftp"]
clients = ["suppaftp"]
data = ["port"]
[[require]]
symptom = "transferred"
"#;
    std::fs::write(&file, text).expect("it can be written");
    let settings = RunSettings {
        keep_evidence: true,
        ..RunSettings::default()
    };
    let records = run_cells(&[file], &Default::default(), &[], settings);
    assert_eq!(records.len(), 2, "both backends");
    for record in records {
        let text = format!("{record:#?}");
        assert_eq!(record.axes.data, DataSetup::Port);
        let Judgement::Met {
            outcome: Some(outcome),
            deviated: false,
        } = &record.judgement
        else {
            panic!("{text}")
        };
        assert_eq!(
            (outcome.symptom, &outcome.cause),
            (Symptom::Transferred, &Cause::None)
        );
        let dropped = record.evidence.facts.iter().any(|fact| {
            fact.what.source() == Source::Rules
                && fact.what.to_string().contains("filter/INPUT/1")
                && fact.what.to_string().contains("stopped SYN ")
        });
        assert!(dropped, "the first SYN was dropped: {text}");
        let noted =
            |note: &String| note.starts_with("full patience: ") && note.contains("statistic");
        assert!(record.notes.iter().any(noted), "{text}");
    }
}
