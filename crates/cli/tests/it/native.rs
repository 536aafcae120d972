//! Scripts of nft: what they let through, and where nft itself is old, odd or not there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use fwlab::{
    Backend, Cause, DataSetup, Lab, LabError, Symptom, assert_blocked, assert_transferred,
};
use fwlab_fabric::{Privilege, find_tool};
use fwlab_observe::Newer;
use fwlab_runner::RunSettings;
use fwlab_skipped::{Need, skipped};

use crate::bad_input::folder;
use crate::support::{as_here, as_report, count, end_of, fwlab, lab, report, root, run_cells};

/// The right to start a lab, where nft is to be had; where not, says so.
pub(crate) fn lab_with_nft() -> Option<std::sync::RwLockReadGuard<'static, ()>> {
    if find_tool("nft").is_none() {
        skipped(Need::Programs, "no nft on this machine");
        return None;
    }
    lab()
}

/// A server that assigns the helper with an object, at this hook and priority.
pub(crate) fn helper_object(hook: &str) -> String {
    format!(
        "table inet t {{
    ct helper f {{ type \"ftp\" protocol tcp; }}
    chain h {{
        type filter hook {hook}
        tcp dport 21 ct helper set \"f\"
    }}
    chain i {{
        type filter hook input priority 10; policy drop
        iif lo accept
        ct state established,related accept
        tcp dport 21 accept
    }}
}}
"
    )
}

#[test]
fn a_helper_object_works_behind_conntrack_s_hook_alone() {
    let Some(_lab) = lab_with_nft() else { return };
    for hook in [
        "prerouting priority 0",
        "prerouting priority -150",
        "input priority 0",
    ] {
        let lab = Lab::server_firewall().rules(helper_object(hook));
        assert_transferred!(lab.transfer(DataSetup::Epsv).unwrap());
        assert_transferred!(lab.transfer(DataSetup::Port).unwrap());
    }
    let lab = Lab::server_firewall().rules(helper_object("prerouting priority -300"));
    assert_transferred!(lab.transfer(DataSetup::Port).unwrap());
    let blocked = lab.transfer(DataSetup::Pasv).unwrap();
    assert_blocked!(blocked, by policy "inet/t/i");
    let Cause::Policy {
        backend,
        source_line,
        statement,
        ..
    } = &blocked.outcome.cause
    else {
        panic!("{blocked}")
    };
    assert_eq!((*backend, *source_line), (Backend::Native, Some(8)));
    assert_eq!(
        statement,
        "type filter hook input priority filter + 10; policy drop;"
    );
}

#[test]
fn the_lab_takes_the_interface_that_a_script_names() {
    let Some(_lab) = lab_with_nft() else { return };
    // `iif` does not even load where there is no such interface.
    let script = "table inet t {
 chain i { type filter hook input priority 0; policy drop
  iif enp3s0 tcp dport 21 accept
  iifname \"enp3s0\" ct state established accept
 }
}";
    let lab = Lab::server_firewall().rules(script);
    assert_transferred!(lab.transfer(DataSetup::Port).unwrap());
    assert_blocked!(lab.transfer(DataSetup::Pasv).unwrap(), by policy "t/i");
}

#[test]
fn whether_a_rule_answers_is_read_from_its_listing() {
    let Some(_lab) = lab_with_nft() else { return };
    for (verdict, symptom) in [
        ("drop", Symptom::DataTimeout),
        ("reject", Symptom::DataRejected),
        ("reject with tcp reset", Symptom::DataRejected),
    ] {
        let script = format!(
            "table ip filter {{\n chain closed {{ {verdict}; }}\n chain INPUT {{\n type filter hook input priority 0\n \
             tcp dport != 21 tcp flags & (syn | ack) == syn goto closed\n }}\n}}\n"
        );
        let lab = Lab::server_firewall().rules(script);
        let blocked = lab.transfer(DataSetup::Epsv).unwrap();
        assert_blocked!(blocked, by rule "ip/filter/closed", 1);
        assert_eq!(blocked.outcome.symptom, symptom, "{blocked}");
    }
}

/// What acts before the packet trace begins, or is not traced, is no other rule's doing.
#[test]
fn what_is_not_seen_is_never_another_rules_doing() {
    let Some(_lab) = lab_with_nft() else { return };
    let script = "table netdev n {
 chain i { type filter hook ingress device e0 priority 0; tcp dport 50000-50100 drop; }
}
table inet t {
 chain i { type filter hook input priority 0; policy drop; tcp dport 21 accept; ct state established accept; }
}";
    let lab = Lab::server_firewall()
        .rules(script)
        .passive_ports(50000..=50100);
    match lab.transfer(DataSetup::Pasv) {
        Err(LabError::Inconclusive(why)) => {
            assert!(why.contains("no rule stopped a packet of it"), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_flushed_ruleset_leaves_the_lab_s_own_table_on_older_kernels_too() {
    let Some(_lab) = lab_with_nft() else { return };
    let folder = [root().join("scenarios/native")];
    for pretend_without in [vec![], vec![Newer::OwnedTable]] {
        let settings = RunSettings {
            pretend_without,
            ..RunSettings::default()
        };
        let cells = as_report(&run_cells(&folder, &Default::default(), &[], settings));
        assert!(count(&cells, "met") > 40, "{cells:#?}");
        assert_eq!(count(&cells, "met") + count(&cells, "skipped"), cells.len());
    }
}

#[test]
fn a_script_that_limits_gets_full_patience_by_itself() {
    let Some(_lab) = lab_with_nft() else { return };
    let text =
        "description = \"The first SYN to a high port is dropped, and no other for a minute.\"
[topology]
shape = \"server-firewall\"
[[ruleset]]
name = \"limits\"
text = '''
table inet t {
 chain i {
  type filter hook input priority 0
  tcp dport 1024-65535 tcp flags & (syn | ack) == syn limit rate 1/minute burst 1 packets drop
 }
}
'''
[matrix]
data = \"pasv\"
[[require]]
symptom = \"transferred\"
";
    let folder = folder(&[("limits.toml", text.as_bytes())]);
    let settings = RunSettings {
        keep_evidence: true,
        ..RunSettings::default()
    };
    let records = run_cells(
        &[folder.path().join("limits.toml")],
        &Default::default(),
        &[],
        settings,
    );
    let [record] = &records[..] else {
        panic!("{records:#?}")
    };
    assert_eq!(record.judgement.word(), "met", "{record:#?}");
    let note = "full patience: `limit` depends on how fast packets arrive (inet/t/i/1, line 10)";
    assert!(record.notes.iter().any(|said| said == note), "{record:#?}");
    let stopped =
        |fact: &fwlab_record::Fact| fact.what.to_string().contains("inet/t/i/1 (line 10)");
    assert!(record.evidence.facts.iter().any(stopped), "{record:#?}");
}

/// A program in the place of nft, first in `PATH`.
fn with_nft(script: &str, folder: &Path) -> Command {
    let program = folder.join("nft");
    fs::write(&program, script).expect("it can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = fwlab();
    command
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder.display()));
    command
}

#[test]
fn a_script_that_is_not_there_is_not_judged() {
    let Some(_lab) = lab_with_nft() else { return };
    let real = find_tool("nft").expect("it was found before");
    let script = helper_object("input priority 0");
    let check = ["check", "rules.nft", "--at", "server", "--data", "pasv"];
    for (liar, code, said) in [
        // It says that all is well, and loads nothing.
        (
            format!(
                "#!/bin/sh\ncase \"$*\" in *-f*) exec cat >/dev/null ;; esac\nexec {} \"$@\"\n",
                real.display()
            ),
            3,
            "the chain inet/t/h did not load",
        ),
        (
            "#!/bin/sh\nexec cat >/dev/null\n".to_owned(),
            3,
            "cannot be read: it is not JSON",
        ),
        ("#!/bin/sh\nexit 1\n".to_owned(), 2, "nft refuses ruleset"),
    ] {
        let folder = folder(&[("rules.nft", script.as_bytes())]);
        let ended = end_of(with_nft(&liar, folder.path()).args(check));
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(code), ""),
            "{ended:?}"
        );
        let flat = ended
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(flat.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn without_nft_its_cells_are_skipped_and_counted() {
    let Some(_lab) = lab_with_nft() else { return };
    if find_tool("unshare").is_none() || find_tool("mount").is_none() {
        skipped(Need::Programs, "no unshare and mount here");
        return;
    }
    let folder = folder(&[("empty", b"")]);
    // A file that cannot be run in the place of each nft that there is, in a mount namespace.
    let hide = "for nft in /usr/sbin/nft /sbin/nft /usr/local/sbin/nft /usr/bin/nft; do \
                [ ! -e $nft ] || mount --bind \"$1\" $nft || exit 9; done; shift; exec \"$@\"";
    let mut command = Command::new("unshare");
    as_here(&mut command);
    if !matches!(Privilege::current(), Ok(Privilege::Root)) {
        command.arg("--map-root-user");
    }
    command
        .args(["--mount", "sh", "-c", hide, "hide"])
        .arg(folder.path().join("empty"))
        .arg(env!("CARGO_BIN_EXE_fwlab"))
        .args([
            "run",
            "scenarios/native/beside.toml",
            "scenarios/operations/one-byte.toml",
            "--server",
            "libunftp",
            "--report",
        ])
        .arg(format!(
            "json={}",
            folder.path().join("report.json").display()
        ));
    end_of(&mut command).with(0);
    let mut skipped = 0;
    for (name, line) in report(&folder.path().join("report.json")) {
        let why = line["why"].as_str().unwrap_or_default();
        if name.starts_with("beside::") {
            skipped += 1;
            assert_eq!(line["result"], "skipped", "{name}");
            assert!(why.starts_with("no nft on this machine: "), "{name}: {why}");
        } else {
            assert!(!why.starts_with("no nft"), "{name}: {why}");
        }
    }
    assert_eq!(
        skipped, 16,
        "three rulesets, one of them through two backends"
    );
}
