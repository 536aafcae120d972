//! `check --expect`: a table that is held against what its user expects.

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, lab, report, shared};

/// Passive transfers pass on the server's range alone, in the plain and with TLS; active ones always.
const RULES: &str = "iptables -P INPUT DROP\niptables -A INPUT -i lan0 -p tcp --dport 21 -j ACCEPT\n\
    iptables -A INPUT -i lan0 -p tcp --dport 40000:40100 -j ACCEPT\n\
    iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";

fn check(more: &[&str]) -> Ended {
    let folder = folder(&[("rules.sh", RULES.as_bytes())]);
    check_in(&folder, more)
}

fn check_in(folder: &tempfile::TempDir, more: &[&str]) -> Ended {
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args([
            "check", "rules.sh", "--at", "server", "--server", "libunftp",
        ])
        .args(["--data", "port,pasv", "--backend", "nft"])
        .args(more);
    end_of(&mut command)
}

const RANGE: [&str; 2] = ["--passive-ports", "40000-40100"];
const LAN: [&str; 2] = ["--on", "lan0"];

#[test]
fn what_is_expected_is_met_and_marked() {
    let Some(_lab) = lab() else { return };
    let expect = [
        "--expect",
        "all passes",
        "--expect",
        "explicit/active passes",
    ];
    let ended = check(&[&RANGE[..], &LAN[..], &expect[..]].concat()).with(0);
    assert_eq!(
        ended.stdout.matches("✓ passes").count(),
        2,
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("4 met"), "{}", ended.stdout);
    // Without the range, nobody knows where the server listens.
    let expect = ["--expect", "active passes", "--expect", "passive blocked"];
    let ended = check(&[&LAN[..], &expect[..]].concat()).with(0);
    assert!(ended.stdout.contains("✓ passes"), "{}", ended.stdout);
    assert!(ended.stdout.contains("✓ timeout"), "{}", ended.stdout);
}

/// Also where one class of peers alone misses it, and reports say so.
#[test]
fn what_is_missed_is_marked_and_ends_with_1() {
    let Some(_lab) = lab() else { return };
    let folder = folder(&[("rules.sh", RULES.as_bytes())]);
    let expect = ["--expect", "passive passes", "--protection", "plain"];
    let reports = ["--report", "json=cells.json", "--report", "junit=cells.xml"];
    let ended = check_in(&folder, &[&RANGE[..], &expect[..], &reports[..]].concat()).with(1);
    for words in [
        "on lan0",
        "✓ passes",
        "on any other interface",
        "✗ ctl timeout",
        "required transferred",
        "1 met, 1 missed, 2 reported",
    ] {
        assert!(ended.stdout.contains(words), "{words}\n{}", ended.stdout);
    }
    let cells = report(&folder.path().join("cells.json"));
    let missed = cells.values().filter(|cell| cell["result"] == "missed");
    assert_eq!(missed.count(), 1, "{cells:?}");
    let junit = std::fs::read_to_string(folder.path().join("cells.xml")).expect("it was written");
    assert_eq!(junit.matches("<failure").count(), 1, "{junit}");
    // What passes is not blocked.
    let expect = ["--expect", "all blocked", "--protection", "plain"];
    let ended = check(&[&RANGE[..], &LAN[..], &expect[..]].concat()).with(1);
    assert!(
        ended
            .stdout
            .contains("symptom transferred, required blocked"),
        "{}",
        ended.stdout
    );
    // A cell that no expectation names is reported, whatever it came to.
    let expect = ["--expect", "active passes", "--protection", "plain"];
    check(&[&LAN[..], &expect[..]].concat()).with(0);
}

#[test]
fn an_expectation_of_nothing_that_is_known_is_told() {
    let Some(_lab) = lab() else { return };
    // libunftp has no EPRT: its cells are skipped.
    let skipped = ["--data", "eprt", "--expect", "eprt passes"];
    let ended = check(&skipped).with(3);
    assert!(
        ended.stderr.contains("--expect 'eprt passes': every cell that it names was skipped, so nothing is known: not supported by libunftp"),
        "{}",
        ended.stderr
    );
    for (expect, told) in [
        (
            &["implicit/all passes"][..],
            "--expect 'implicit/all passes': it names no cell that is run",
        ),
        (
            &["epsv passes"][..],
            "--expect 'epsv passes': it names no cell that is run",
        ),
        (
            &["passive passes", "all blocked"][..],
            "--expect 'passive passes': later ones name every cell that it names, and the last one counts",
        ),
    ] {
        let options: Vec<&str> = expect.iter().flat_map(|one| ["--expect", *one]).collect();
        let ended = check(&options).with(2);
        assert!(ended.stderr.contains(told), "{told}\n{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn a_word_that_is_none_is_told_with_those_that_there_are() {
    let _shared = shared();
    for (expect, told) in [
        ("passiv passes", "did you mean `passive`?"),
        ("passive pases", "did you mean `passes`? [passes, blocked]"),
        (
            "ssl/passive passes",
            "`ssl` is not a protection: [plain, explicit, implicit, ccc, tls]",
        ),
        ("passive", "'explicit/port blocked'"),
        ("passive\u{1b}[31m passes", "is not a way to transfer"),
    ] {
        let ended = check(&["--expect", expect]).with(2);
        assert!(ended.stderr.contains(told), "{told}\n{}", ended.stderr);
        assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
    }
}

/// Each way to protect a session that is tried.
#[test]
fn tls_is_every_protection_but_plain() {
    let Some(_lab) = lab() else { return };
    let protections = ["--protection", "plain,explicit"];
    let expect = ["--expect", "tls/passive passes"];
    let ended = check(&[&RANGE[..], &LAN, &protections, &expect].concat()).with(0);
    assert!(
        ended.stdout.contains("1 met, 3 reported"),
        "{}",
        ended.stdout
    );
    let ended = check(&[&RANGE[..], &LAN, &["--protection", "plain"], &expect].concat()).with(2);
    assert!(
        ended.stderr.contains("it names no cell that is run"),
        "{}",
        ended.stderr
    );
}

/// Below the first cell that a cause stopped is the evidence, below the others a line.
#[test]
fn the_evidence_of_a_cause_is_told_once() {
    let Some(_lab) = lab() else { return };
    let expect = ["--expect", "passive passes"];
    let both = ["--protection", "plain,explicit"];
    let folder = folder(&[("rules.sh", RULES.replace("40000:40100", "50000").as_bytes())]);
    let ended = check_in(&folder, &[&RANGE[..], &LAN, &both, &expect].concat()).with(1);
    let missed: Vec<&str> = ended
        .stdout
        .lines()
        .filter(|line| line.trim_start().starts_with("missed "))
        .collect();
    assert_eq!(missed.len(), 2, "{}", ended.stdout);
    assert!(!missed[0].ends_with("likewise"), "{}", ended.stdout);
    assert!(missed[1].ends_with(", likewise"), "{}", ended.stdout);
    assert_eq!(
        ended.stdout.matches("required transferred").count(),
        1,
        "{}",
        ended.stdout
    );
}

/// Which port the server picks is chance, and the rules tell some from the rest: a gate that is met by luck is none.
#[test]
fn an_expectation_that_luck_meets_is_not_met() {
    let Some(_lab) = lab() else { return };
    let rules = RULES.replace("40000:40100", "40000:65000");
    let folder = folder(&[("rules.sh", rules.as_bytes())]);
    let expect = ["--expect", "passive passes"];
    let ended = check_in(&folder, &[&LAN[..], &expect].concat());
    assert!(matches!(ended.code, Some(1 | 3)), "{ended:?}");
    assert!(
        ended.stderr.contains("picks its passive ports by chance"),
        "{}",
        ended.stderr
    );
    check_in(&folder, &[&RANGE[..], &LAN, &expect].concat()).with(0);
}
