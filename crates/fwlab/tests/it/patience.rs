//! What ends a cell early is what the peers' own timers would have come to.

use fwlab::{Cause, DataSetup, Symptom};
use fwlab_runner::{EvidenceSource, Judgement, RunSettings};

use crate::support::{assert_same, count, end_of, fwlab, lab, report, run_cells};

/// All of the seed. Of the regressions, those over EPSV through one backend, as at full
/// patience a server that cannot reach its client over PORT or EPRT keeps the client
/// waiting for 44 s, and the seed has those cells already.
const FILTERS: [&str; 2] = ["tag=seed", "tag=regression data=epsv backend=nft"];

#[test]
fn early_and_full_patience_agree() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let [early, full] = [("early", "16"), ("full", "64")].map(|(patience, jobs)| {
        let file = folder.path().join(patience);
        let mut command = fwlab();
        command
            .args(["run", "scenarios/seed", "scenarios/regressions"])
            .args(["--server", "libunftp,vsftpd", "--client", "suppaftp"])
            .args(FILTERS.map(|filter| ["--filter", filter]).as_flattened())
            .args(["--patience", patience, "--jobs", jobs, "--keep-going"])
            .arg("--report")
            .arg(format!("json={}", file.display()));
        end_of(&mut command).with(0);
        report(&file)
    });
    assert!(count(&full, "met") > 60, "{}", full.len());
    assert_same(("early", &early), ("full", &full));
    // Full patience did wait.
    let waited = |line: &&serde_json::Value| line["ms"].as_f64().is_some_and(|ms| ms > 5000.0);
    assert!(full.values().filter(waited).count() > 40);
    assert_eq!(early.values().filter(waited).count(), 0);
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
        let Judgement::Met(outcome) = &record.judgement else {
            panic!("{text}")
        };
        assert_eq!(
            (outcome.symptom, &outcome.cause),
            (Symptom::Transferred, &Cause::None)
        );
        let dropped = record.evidence.lines.iter().any(|line| {
            line.source == EvidenceSource::Rules
                && line.text.contains("filter/INPUT/1")
                && line.text.contains("stopped SYN ")
        });
        assert!(dropped, "the first SYN was dropped: {text}");
        let noted =
            |note: &String| note.starts_with("full patience: ") && note.contains("statistic");
        assert!(record.notes.iter().any(noted), "{text}");
    }
}
