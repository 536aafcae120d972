//! `--write-requirements`: what it prints, put into the scenario's file, is met, and another outcome misses it.

use std::path::Path;
use std::process::Command;

use crate::support::{Ended, count, end_of, fwlab, lab, report, root, shared};

/// A scenario of the tree without its requirements, which are the last of each of these files.
fn stripped(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path)).expect("it is there");
    let (text, requirements) = text.split_once("\n[[require]]").expect("it has some");
    let others = ["\n[[ruleset", "\n[matrix", "\n[server"];
    assert!(!others.iter().any(|table| requirements.contains(table)));
    format!("{text}\n")
}

fn run(folder: &Path) -> Command {
    let mut command = fwlab();
    command.current_dir(folder).args(["run", "sub/dir/s.toml"]);
    command
}

/// Puts a scenario into a folder as deep as the tree's, with the rulesets beside it.
fn put(folder: &Path, text: &str) {
    let place = folder.join("sub/dir");
    std::fs::create_dir_all(&place).expect("a folder");
    let lab = folder.join("lab");
    if !lab.exists() {
        std::os::unix::fs::symlink(root().join("lab"), lab).expect("a link");
    }
    std::fs::write(place.join("s.toml"), text).expect("it can be written");
}

/// The blocks that are printed for a scenario.
fn blocks(folder: &Path, text: &str) -> String {
    put(folder, text);
    let Ended { stdout, stderr, .. } = end_of(run(folder).arg("--write-requirements")).with(0);
    assert!(stderr.contains(" cells in "), "{stderr}");
    stdout
}

#[test]
fn what_is_written_is_met() {
    let Some(_lab) = lab() else { return };
    for path in [
        "scenarios/seed/active-client.toml",
        "scenarios/native/beside.toml",
        "scenarios/regressions/masq-no-helper.toml",
        "scenarios/outcomes/fallback.toml",
        "scenarios/outcomes/dnat-away.toml",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let text = stripped(path);
        let blocks = blocks(folder, &text);
        put(folder, &format!("{text}{blocks}"));
        let mut command = run(folder);
        command.args(["--keep-going", "--report", "json=r.json"]);
        let ended = end_of(&mut command).with(0);
        let cells = report(&folder.join("r.json"));
        assert!(!cells.is_empty());
        let sum = count(&cells, "met") + count(&cells, "skipped");
        assert_eq!(sum, cells.len(), "{path}: {}", ended.stdout);
    }
}

#[test]
fn few_blocks_say_it_and_another_outcome_is_missed() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let text = stripped("scenarios/regressions/srv-reject-hostprohibited.toml").replace(
        "servers = [\"libunftp\", \"vsftpd\"]",
        "servers = [\"libunftp\"]",
    );
    let blocks = blocks(folder, &text);
    let expected = r#"# sub/dir/s.toml: what was observed, by `fwlab run --write-requirements`.
# No requirement for what was skipped: not supported by libunftp: libunftp answers EPRT with 500
#   s::rules::nft::libunftp::suppaftp::eprt::plain::ipv4::retr
#   s::rules::nft::libunftp::suppaftp::eprt::explicit::ipv4::retr
#   s::rules::legacy::libunftp::suppaftp::eprt::plain::ipv4::retr
#   and 1 more

[[require]]
data = "port"
symptom = "transferred"

[[require]]
data = ["pasv", "epsv"]
symptom = "data-rejected"
phase = "data-connect"
cause = { kind = "rule", node = "server", chain = "filter/INPUT", ordinal = 4 }

"#;
    assert_eq!(blocks, expected);
    // Every cell has another outcome than was written: another rule, or another symptom.
    for (rule, changed, missed, met) in [
        (
            "iptables -A INPUT -j REJECT",
            "iptables -A INPUT -p udp -j ACCEPT\niptables -A INPUT -j REJECT",
            8,
            4,
        ),
        (
            "--reject-with icmp-host-prohibited",
            "--reject-with tcp-reset -p tcp",
            0,
            12,
        ),
        (
            "iptables -A INPUT -j REJECT",
            "# iptables -A INPUT -j REJECT",
            8,
            4,
        ),
        ("--dport 21", "--dport 2121", 12, 0),
    ] {
        assert!(text.contains(rule));
        put(folder, &format!("{}{blocks}", text.replace(rule, changed)));
        let mut command = run(folder);
        command.args(["--keep-going", "--report", "json=r.json"]);
        end_of(&mut command).with(i32::from(missed > 0));
        let cells = report(&folder.join("r.json"));
        let counted = (count(&cells, "missed"), count(&cells, "met"));
        assert_eq!(counted, (missed, met), "{changed}");
    }
}

/// What the file requires already is no part of what was observed, and no cell is left out because another missed.
#[test]
fn a_file_with_requirements_is_told_and_run_to_its_end() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let text = stripped("scenarios/seed/active-server.toml").replace(
        "servers = [\"libunftp\", \"vsftpd\"]",
        "servers = [\"libunftp\"]",
    );
    let wrong = format!("{text}[[require]]\nsymptom = \"transferred\"\n");
    put(folder, &wrong);
    let ended = end_of(run(folder).args(["--write-requirements", "--jobs", "1"])).with(1);
    let told = "# The file already has requirements: take those out before you put these in.\n";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    assert!(!ended.stdout.contains("not run"), "{}", ended.stdout);
    let block = "\n[[require]]\ndata = [\"port\", \"pasv\", \"epsv\"]\nsymptom = \"control-timeout\"\nphase = \"control-connect\"\n\
                 cause = { kind = \"policy\", node = \"server\", chain = \"filter/INPUT\" }\n";
    assert!(ended.stdout.contains(block), "{}", ended.stdout);
    assert_eq!(
        ended.stdout.matches("[[require]]").count(),
        1,
        "{}",
        ended.stdout
    );
}

/// Requirements for peers that the file does not have would be held against nothing.
#[test]
fn it_is_for_the_file_s_own_peers() {
    let _started = shared();
    let mut command = fwlab();
    command.args([
        "run",
        "--write-requirements",
        "--client",
        "curl",
        "scenarios/seed",
    ]);
    let ended = end_of(&mut command).with(2);
    assert!(
        ended.stderr.contains("cannot be used with"),
        "{}",
        ended.stderr
    );
}
