//! `explain`: one transfer as a timeline, and why.

use crate::bad_input::folder;
use crate::support::{end_of, fwlab, lab, shared};

const RULES: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
-A INPUT -j REJECT
COMMIT
";

#[test]
fn a_transfer_is_told_from_its_rules_and_from_its_record() {
    let Some(_lab) = lab() else { return };
    let folder = folder(&[("rules.v4", RULES.as_bytes())]);
    let run = |arguments: &[&str]| {
        let mut command = fwlab();
        command.current_dir(folder.path()).args(arguments);
        end_of(&mut command)
    };
    let of = [
        "--at",
        "server",
        "--server",
        "libunftp",
        "--backend",
        "nft",
        "--data",
        "pasv,port",
    ];
    let told = [
        "› PASV",
        "▶",
        "✗ server: rule ipv4/filter/INPUT/3 (line 5)",
        "  ▶     5 │ -A INPUT -j REJECT",
        "no helper reads the control connection, so it was not expected. (events ",
        "It would pass if the helper ftp were assigned",
        "ports that the rules open. (event ",
    ];
    let plain = ["--protection", "plain"];
    let of_rules = run(&[&["explain", "rules.v4"], &of[..], &plain].concat()).with(0);
    for told in told {
        assert!(
            of_rules.stdout.contains(told),
            "{told}: {}",
            of_rules.stdout
        );
    }
    let reported = ["--report", "json=report.json", "--evidence", "all"];
    run(&[&["check", "rules.v4"], &of[..], &reported].concat()).with(0);
    let of_record = run(&["explain", "report.json", "--cell", "plain data=pasv"]).with(0);
    for told in told {
        assert!(
            of_record.stdout.contains(told),
            "{told}: {}",
            of_record.stdout
        );
    }
    let passed = run(&["explain", "report.json", "--cell", "data=port plain"]).with(0);
    assert!(passed.stdout.contains("transferred"), "{}", passed.stdout);
    assert!(!passed.stdout.contains("would pass"), "{}", passed.stdout);
    let none = run(&["explain", "report.json", "--cell", "data=epsv"]).with(2);
    assert!(
        none.stderr.contains("there is no such transfer"),
        "{}",
        none.stderr
    );
    assert!(
        none.stderr
            .contains("there are 4 cells; none has `data=epsv`; the nearest names:"),
        "{}",
        none.stderr
    );
}

#[test]
fn a_report_that_cannot_be_read_is_told() {
    let _machine = shared();
    for (text, told) in [
        (
            "{\"schema\":2,\"scenario\":\"a\"",
            "report.json:1: this is not a cell",
        ),
        ("{\"schema\":99}\n", "report.json:1: this is not a cell"),
        ("", "it has no rules"),
    ] {
        let folder = folder(&[("report.json", text.as_bytes())]);
        let mut command = fwlab();
        command
            .current_dir(folder.path())
            .args(["explain", "report.json"]);
        let ended = end_of(&mut command).with(2);
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
}

/// Each reason for which a packet meets a rule, as it is said, through either backend of iptables.
#[test]
fn the_reason_that_is_said_is_the_one_that_the_rules_were_written_for() {
    let Some(_lab) = lab() else { return };
    let begin = "iptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 21 -j ACCEPT\n";
    let established = "iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    let helper = "iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp\n";
    let untracked = "iptables -t raw -A PREROUTING -p tcp -j NOTRACK\niptables -t raw -A OUTPUT -p tcp -j NOTRACK\n";
    let plain = ["--protection", "plain", "--data", "pasv"];
    let active = ["--protection", "plain", "--data", "port"];
    let secured = ["--protection", "explicit", "--data", "pasv"];
    for (rules, of, said, passes) in [
        (
            "iptables -P INPUT DROP\n".to_owned(),
            plain,
            "The control connection was not let through",
            "accepted TCP to the control port",
        ),
        (
            [begin, established].concat(),
            plain,
            "no helper reads the control connection",
            "if the helper ftp were assigned",
        ),
        (
            [begin, established, helper].concat(),
            plain,
            "was expected by conntrack's helper, which makes it RELATED",
            "accepted what the helper ftp makes RELATED",
        ),
        (
            [begin, established, helper].concat(),
            secured,
            "TLS hides the announcement",
            "no helper can see into TLS",
        ),
        (
            begin.to_owned(),
            active,
            "its connection is not tracked there",
            "if its connection were tracked and what is ESTABLISHED accepted",
        ),
        (
            [begin, helper].concat(),
            active,
            "belongs to a connection that was let through",
            "accepted what is ESTABLISHED",
        ),
        (
            [untracked, begin, established].concat(),
            active,
            "track",
            "tracked",
        ),
    ] {
        for backend in ["nft", "legacy"] {
            let folder = folder(&[("rules.sh", rules.as_bytes())]);
            let mut command = fwlab();
            command
                .current_dir(folder.path())
                .args([
                    "check", "rules.sh", "--at", "server", "--server", "libunftp",
                ])
                .args(["--backend", backend])
                .args(of);
            let ended = end_of(&mut command).with(0);
            for told in [said, passes] {
                let told = told.to_lowercase();
                let stdout = ended.stdout.to_lowercase();
                assert!(stdout.contains(&told), "{backend}: {told}: {rules}{stdout}");
            }
        }
    }
}

/// A helper that is assigned too early, and a control connection of which conntrack sees the answers alone.
#[test]
fn why_no_helper_reads_along_is_told() {
    let Some(_lab) = lab() else { return };
    let script = "table inet t {
    ct helper f {
        type \"ftp\" protocol tcp
    }
    chain h {
        type filter hook prerouting priority -300;
        tcp dport 21 ct helper set \"f\"
    }
    chain i {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        tcp dport 21 accept
    }
}
";
    let dump = "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --notrack\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n\
                -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n-A INPUT -p tcp --dport 21 -j ACCEPT\nCOMMIT\n";
    for (name, rules, told) in [
        (
            "rules.nft",
            script,
            "line 7 `tcp dport 21 ct helper set \"f\"` would assign one, but its first packet did not meet it in time.",
        ),
        (
            "rules.v4",
            dump,
            "a rule or the order of chains keeps the control connection untracked, so no helper reads it",
        ),
    ] {
        let folder = folder(&[(name, rules.as_bytes())]);
        let mut command = fwlab();
        command.current_dir(folder.path()).args([
            "check",
            name,
            "--at",
            "server",
            "--server",
            "libunftp",
            "--data",
            "pasv",
            "--protection",
            "plain",
        ]);
        let ended = end_of(&mut command).with(0);
        assert!(ended.stdout.contains(told), "{}", ended.stdout);
    }
}
