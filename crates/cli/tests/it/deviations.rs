//! Recorded deviations: a run fails when one no longer shows.

use std::fs;

use fwlab_ftp::DEVIATIONS;
use fwlab_ftp::deviation::{Circumstances, Deviation, Effect, Sign};
use fwlab_record::{Judgement, PeerName};
use fwlab_runner::RunSettings;
use fwlab_scenario::plan::Overrides;

use crate::scripted::{Manner, install};
use crate::support::{end_of, fwlab, lab, root, run_cells, shared};

/// Cells of the embedded pair, with more known of libunftp than is so.
fn with(more: Deviation, filter: &str) -> Vec<fwlab_record::CellRecord> {
    let known: Vec<Deviation> = DEVIATIONS.iter().copied().chain([more]).collect();
    let settings = RunSettings {
        deviations: known.leak(),
        ..RunSettings::default()
    };
    let overrides = Overrides {
        servers: vec![PeerName::Libunftp],
        ..Overrides::default()
    };
    let file = root().join("scenarios/peers/servers.toml");
    run_cells(&[file], &overrides, &[filter], settings)
}

const PLANTED: Deviation = Deviation {
    peer: PeerName::Libunftp,
    word: "refuses-pasv",
    what: "answers PASV with 502",
    reason: "a test says so",
    source: "it is not so",
    when: Circumstances {
        data: &[fwlab::DataSetup::Pasv],
        ..Circumstances::ANY
    },
    sign: Sign::Answers {
        verb: "PASV",
        code: 502,
    },
    effect: Effect::Nothing,
};

/// Whether a peer is said to do it by the way or instead of what is asked.
#[test]
fn a_deviation_that_is_none_fails_the_cells_that_could_show_it() {
    let Some(_lab) = lab() else { return };
    for effect in [Effect::Nothing, Effect::RulesOut(&[])] {
        let planted = Deviation { effect, ..PLANTED };
        let records = with(planted, "family=ipv4 protection=plain operation=retr");
        assert_eq!(records.len(), 4);
        for record in records {
            let Judgement::Missed { why: told, .. } = &record.judgement else {
                assert_ne!(record.axes.data.word(), "pasv", "{record:?}");
                assert_eq!(record.judgement.word(), "met", "{record:?}");
                continue;
            };
            assert_eq!(record.axes.data.word(), "pasv", "{record:?}");
            assert!(
                told.starts_with(
                    "recorded deviation `refuses-pasv` of libunftp 0.24.0 no longer shows"
                ),
                "{told}"
            );
            assert!(told.contains("PASV was answered with `227 "), "{told}");
        }
    }
}

/// A vsftpd that has learnt what is recorded that it cannot: the command ends with 1, and says which
/// record is to go.
#[test]
fn a_peer_that_no_longer_deviates_fails_the_run() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let peers = install(folder.path(), Manner::KnowsMlsd);
    let scenario = r#"
description = "A server that has learnt MLSD."
[topology]
shape = "server-firewall"
[[ruleset]]
name = "none"
none = true
backends = "nft"
[matrix]
servers = "vsftpd"
data = "pasv"
operations = "mlsd"
deviations = true
[[require]]
symptom = "transferred"
"#;
    let file = folder.path().join("scenario.toml");
    fs::write(&file, scenario).expect("it can be written");
    let mut command = fwlab();
    let command = command.env("FWLAB_PEERS", &peers).arg("run").arg(&file);
    let ended = end_of(command).with(1);
    let told = "recorded deviation `refuses-mlsd` of vsftpd 0 (scripted) no longer shows (vsftpd answers MLSD \
                with 500): MLSD was answered with `226 there you are`; remove it from crates/ftp/src/peer/vsftpd/deviations.rs";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);

    // Without the key such a cell is left out, as nobody looks for it.
    fs::write(&file, scenario.replace("deviations = true\n", "")).expect("it can be written");
    let mut command = fwlab();
    let ended = end_of(command.env("FWLAB_PEERS", &peers).arg("run").arg(&file)).with(3);
    let skipped = "skipped 1: not supported by vsftpd: vsftpd answers MLSD with 500";
    assert!(ended.stdout.contains(skipped), "{}", ended.stdout);
}

/// What is asked of each peer and what is recorded of it, in one table; versions and places are this machine's.
#[test]
fn the_table_of_peers_has_what_they_can_do() {
    let _started = shared();
    let ended = end_of(fwlab().args(["list", "peers", "--where", "host"])).with(0);
    let row = |peer: &str| {
        let mut lines = ended.stdout.lines();
        let line = lines.find(|line| line.split_whitespace().next() == Some(peer));
        let words = line.unwrap_or_else(|| panic!("no {peer}: {}", ended.stdout));
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        row("libunftp"),
        "libunftp 0.24.0 in the lab port,pasv,epsv epsv plain,explicit 20,any 6"
    );
    assert_eq!(
        row("suppaftp")
            .split_once(" in the lab ")
            .map(|(_, rest)| rest),
        Some("all all plain,explicit,implicit,ccc – –")
    );
    assert!(ended.stdout.contains("refuses-eprt"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("proftpd is missing: "),
        "{}",
        ended.stdout
    );
}
