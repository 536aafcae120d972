//! What goes wrong in the lab is never "blocked".

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use fwlab_record::PeerName;
use fwlab_runner::RunSettings;
use fwlab_scenario::plan::Overrides;
use fwlab_skipped::{Need, skipped};
use serde_json::Value;

use crate::scripted::{Manner, TOKEN, install};
use crate::support::{
    Ended, Running, as_report, count, end_of, essence, eventually, fwlab, has_program, lab, report,
    root, run_cells,
};

/// Rules that could be blamed: they drop whatever is not asked for.
const SCENARIO: &str = r#"
description = "Everything that is needed passes, and the rest is dropped."
[topology]
shape = "client-firewall"
[[ruleset]]
name = "rules"
text = '''
iptables -P INPUT DROP
iptables -P OUTPUT DROP
iptables -A INPUT -m state --state ESTABLISHED -j ACCEPT
iptables -A OUTPUT -p tcp -j ACCEPT
'''
[matrix]
servers = ["vsftpd"]
clients = ["suppaftp"]
data = ["pasv"]
[[require]]
symptom = "transferred"
"#;

/// Runs one cell of each backend against such a server.
fn against(manner: Manner) -> Option<(BTreeMap<String, Value>, Ended)> {
    let _lab = lab()?;
    let folder = tempfile::tempdir().expect("a folder");
    let peers = install(folder.path(), manner);
    fs::write(folder.path().join("scenario.toml"), SCENARIO).expect("it can be written");
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .env("FWLAB_PEERS", peers)
        .args([
            "run",
            "scenario.toml",
            "--keep-going",
            "--report",
            "json=report.json",
        ]);
    let running = Running::start(&mut command);
    // Mute costs the client's whole patience for a reply, 12 s; nothing may cost more than 60 s.
    let ended = running.end(Duration::from_secs(90));
    eventually("no server is left", Duration::from_secs(10), || {
        servers(folder.path()).is_empty()
    });
    let cells = report(&folder.path().join("report.json"));
    assert_eq!(cells.len(), 2, "{ended:?}");
    for (name, line) in &cells {
        let kind = line["cause"]["kind"].as_str();
        assert!(
            !matches!(kind, Some("rule" | "policy" | "helper" | "loss")),
            "{name}: {line}"
        );
    }
    Some((cells, ended))
}

/// The processes whose environment has the token of that folder.
fn servers(folder: &Path) -> Vec<String> {
    let token = format!("{TOKEN}={}", folder.display());
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let ours = entries.filter(|entry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == token.as_bytes())
    });
    ours.map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[track_caller]
fn assert_inconclusive(manner: Manner, part_of_why: &str) {
    let Some((cells, ended)) = against(manner) else {
        return;
    };
    for (name, line) in &cells {
        assert_eq!(line["result"], "inconclusive", "{name}: {line}");
        let why = line["why"].as_str().expect("a reason");
        assert!(why.contains(part_of_why), "{name}: {why}");
    }
    assert_eq!(ended.code, Some(3), "{ended:?}");
}

#[test]
fn a_mute_server_is_no_firewall() {
    assert_inconclusive(Manner::Mute, "no rule stopped a packet of it");
}

#[test]
fn a_server_that_dies_is_no_firewall() {
    let Some((cells, ended)) = against(Manner::Dies) else {
        return;
    };
    for (name, line) in &cells {
        // A host that resets a connection says something; it is no rule.
        let host = line["cause"]["kind"] == "host" && line["result"] == "missed";
        assert!(host || line["result"] == "inconclusive", "{name}: {line}");
    }
    assert!(matches!(ended.code, Some(1 | 3)), "{ended:?}");
}

#[test]
fn a_server_without_end_is_ended() {
    assert_inconclusive(
        Manner::Floods,
        "the server said more than 1000 lines or 64 KiB",
    );
}

#[test]
fn a_server_that_speaks_no_ftp_is_no_firewall() {
    assert_inconclusive(Manner::Garbage, "no rule stopped a packet of it");
}

#[test]
fn a_server_that_is_full_has_refused() {
    let Some((cells, ended)) = against(Manner::Full) else {
        return;
    };
    for (name, line) in &cells {
        assert_eq!(
            (&line["symptom"], &line["phase"], &line["cause"]["kind"]),
            (&"refused".into(), &"greeting".into(), &"reply".into()),
            "{name}: {line}"
        );
        assert_eq!(line["cause"]["statement"], "421 too many of you");
    }
    assert_eq!(ended.code, Some(1), "{ended:?}");
}

#[test]
fn wrong_bytes_are_no_transfer() {
    assert_inconclusive(
        Manner::WrongBytes,
        "the transfer ended well, with the wrong bytes",
    );
}

#[test]
fn a_server_that_does_not_start_is_told_with_its_words() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        skipped(Need::Programs, "no vsftpd here");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let text = SCENARIO.replace(
        "[[ruleset]]",
        "[server.options]\nno_such_option = \"YES\"\n[[ruleset]]",
    );
    fs::write(folder.path().join("scenario.toml"), text).expect("it can be written");
    let mut command = fwlab();
    command.current_dir(folder.path()).args([
        "run",
        "scenario.toml",
        "--keep-going",
        "--report",
        "json=report.json",
    ]);
    let ended = end_of(&mut command).with(3);
    let words = "a peer failed: vsftpd: it ended at once: exit status: 2; \
                 500 OOPS: unrecognised variable in config file: no_such_option";
    assert!(ended.stdout.contains(words), "{}", ended.stdout);
    for line in report(&folder.path().join("report.json")).values() {
        assert_eq!(line["result"], "inconclusive");
        assert!(
            line["why"].as_str().is_some_and(|why| why.contains(words)),
            "{line}"
        );
    }
}

/// A loader that says that all is well, and loads nothing.
#[test]
fn rules_that_are_not_there_are_not_judged() {
    use std::os::unix::fs::PermissionsExt;
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let liar = folder.path().join("iptables-nft-restore");
    fs::write(&liar, "#!/bin/sh\nexec cat >/dev/null\n").expect("it can be written");
    fs::set_permissions(&liar, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::write(
        folder.path().join("rules.v4"),
        "iptables -A INPUT -p tcp -j DROP\n",
    )
    .expect("it can be written");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .args(["check", "rules.v4", "--at", "client", "--backend", "nft"]);
    let ended = end_of(&mut command);
    assert!(matches!(ended.code, Some(2 | 3)), "{ended:?}");
    assert_eq!(ended.stdout, "", "nothing is told of what was not run");
    assert!(
        ended
            .stderr
            .contains("`-A INPUT -p tcp -j DROP` did not load, and the loader did not say why"),
        "{}",
        ended.stderr
    );
}

/// Where the kernel's evidence is incomplete, an outcome is right or there is none.
#[test]
fn an_observer_that_loses_events_never_leads_to_a_wrong_outcome() {
    let Some(_lab) = lab() else { return };
    let overrides = Overrides {
        servers: vec![PeerName::Libunftp],
        clients: vec![PeerName::Suppaftp],
        ..Overrides::default()
    };
    let run = |receive_buffer, jobs| {
        let settings = RunSettings {
            receive_buffer,
            jobs,
            keep_evidence: true,
            ..RunSettings::default()
        };
        run_cells(&[root().join("scenarios/seed")], &overrides, &[], settings)
    };
    let right = as_report(&run(None, 16));
    assert_eq!(count(&right, "met") + count(&right, "skipped"), right.len());
    // The smallest buffer that the kernel gives (SOCK_MIN_RCVBUF), and many cells at once.
    let records = run(Some(1), 48);
    let lossy = as_report(&records);
    assert_eq!(lossy.len(), right.len());
    for (name, line) in &lossy {
        if right[name]["symptom"] == "transferred" || line["result"] != "inconclusive" {
            assert_eq!(essence(line), essence(&right[name]), "{name}: {line}");
        } else {
            let why = line["why"].as_str().expect("a reason");
            assert!(why.contains("events were lost"), "{name}: {why}");
        }
    }
    let lost = records
        .iter()
        .filter(|record| record.notes.iter().any(|note| note.contains("lost events")));
    assert!(
        lost.count() > 0,
        "nothing was lost: this test has proven nothing"
    );
}

#[test]
fn a_ruleset_that_shuts_everything_is_told_and_the_run_ends() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("shut.v4"),
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\nCOMMIT\n",
    )
    .expect("it can be written");
    for (at, node, chain) in [
        ("client", "client", "ipv4/filter/OUTPUT/policy"),
        ("server", "server", "ipv4/filter/INPUT/policy"),
        ("gateway", "gateway", "ipv4/filter/FORWARD/policy"),
    ] {
        let mut command = fwlab();
        command.current_dir(folder.path()).args([
            "check",
            "shut.v4",
            "--at",
            at,
            "--report",
            "json=report.json",
        ]);
        end_of(&mut command).with(0);
        let mut ran = 0;
        for (name, line) in report(&folder.path().join("report.json")) {
            if line["result"] == "skipped" {
                continue;
            }
            ran += 1;
            assert_eq!(line["symptom"], "control-timeout", "{name}: {line}");
            assert_eq!(line["phase"], "control-connect", "{name}: {line}");
            assert_eq!(line["cause"]["node"], node, "{name}: {line}");
            assert_eq!(line["cause"]["rule_id"], chain, "{name}: {line}");
        }
        assert!(ran >= 6, "both backends, three data setups at least");
    }
}
