//! What an outcome rests on beside the rules, as a table tells it.

use crate::native::lab_with_nft;
use crate::other_hosts::{PASV, check, dump};
use crate::support::{lab, report};

#[test]
fn a_range_that_nobody_keeps_to_is_told_before_the_table_and_marked() {
    let Some(_lab) = lab() else { return };
    // The range is in the middle of what libunftp picks from.
    let rules = dump("nf_tables", "50000:60000");
    let ended = check(&[("rules.v4", &rules)], &PASV).with(0);
    for part in [
        "the rules open 50000:60000, but nothing says that the server's passive ports are these",
        "give `--passive-ports 50000-60000`",
    ] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    assert!(ended.stdout.contains("suppaftp  ~ "), "{}", ended.stdout);
    assert!(
        ended
            .stdout
            .contains("  ~ depends on the port that the server happened to pick"),
        "{}",
        ended.stdout
    );
    let given = [&PASV[..], &["--passive-ports", "50000-60000"]].concat();
    let ended = check(&[("rules.v4", &rules)], &given).with(0);
    assert!(!ended.stdout.contains('~'), "{}", ended.stdout);
    assert!(!ended.stderr.contains("open 50000"), "{}", ended.stderr);
}

/// Whatever the port, the transfer comes to the same.
#[test]
fn a_range_that_changes_nothing_is_no_chance() {
    let Some(_lab) = lab() else { return };
    let accepting = dump("nf_tables", "50000:60000").replace("INPUT DROP", "INPUT ACCEPT");
    let behind = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p tcp --dport 50000:60000 -j DROP\nCOMMIT\n";
    let of_others = dump(
        "nf_tables",
        "50000:60000 -s 192.0.2.1 -j DROP\n-A INPUT -p tcp",
    );
    for rules in [&*accepting, behind, &of_others] {
        let more = [&PASV[..], &["--from", "10.77.0.2"]].concat();
        let ended = check(&[("rules.v4", rules)], &more).with(0);
        assert!(
            ended.stdout.contains("suppaftp  passes"),
            "{rules}: {}",
            ended.stdout
        );
        assert!(!ended.stdout.contains('~'), "{rules}: {}", ended.stdout);
        assert!(
            !ended.stderr.contains("chance"),
            "{rules}: {}",
            ended.stderr
        );
    }
}

/// The records of a `check`.
fn records(rules: &str, more: &[&str]) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.json");
    let into = format!("json={}", file.display());
    let more = [&PASV[..], &["--report", &into], more].concat();
    check(&[("rules.v4", rules)], &more).with(0);
    report(&file).into_values().collect()
}

/// A report says what the table does: a record that ports of every kind leave as it is rests on none, and has the ports.
#[test]
fn a_report_says_of_which_ports_the_table_knows() {
    let Some(_lab) = lab() else { return };
    let stopping = dump("nf_tables", "50000:60000");
    let accepting = stopping.replace("INPUT DROP", "INPUT ACCEPT");
    let settled = "the data connection's port was chance, and with a port of each kind that the rules tell apart it came to the same: \
                   tried in 59993 to 60000, 65528 to 65535";
    for (rules, chance, is_settled) in [
        (stopping, serde_json::json!(["data-port"]), false),
        (accepting, serde_json::Value::Null, true),
    ] {
        let records = records(&rules, &["--backend", "nft"]);
        assert_eq!(records.len(), 1);
        let record = &records[0];
        assert_eq!(record["chance"], chance, "{record}");
        let notes = record["notes"].as_array().expect("notes");
        let says = |part: &str| {
            notes
                .iter()
                .any(|note| note.as_str().is_some_and(|note| note.contains(part)))
        };
        assert_eq!(says(settled), is_settled, "{record}");
        assert_eq!(
            says("`--passive-ports 50000-60000`"),
            !is_settled,
            "{record}"
        );
    }
}

/// No other port has to be tried for that.
#[test]
fn a_rule_that_the_connection_never_came_to_is_no_chance_in_the_record() {
    let Some(_lab) = lab() else { return };
    let behind = |target: &str| {
        format!(
            "*filter\n:INPUT DROP [0:0]\n-A INPUT -p {target} -j ACCEPT\n-A INPUT -p tcp --dport 50000:60000 -j DROP\n\
             -A INPUT -p tcp -j ACCEPT\nCOMMIT\n"
        )
    };
    for (rules, is_chance) in [(behind("tcp"), false), (behind("udp"), true)] {
        for backend in ["legacy", "nft"] {
            let records = records(&rules, &["--backend", backend]);
            let told = records.iter().map(|record| &record["chance"]);
            let told: Vec<String> = told.map(ToString::to_string).collect();
            let expected = if is_chance { "[\"data-port\"]" } else { "null" };
            assert_eq!(told, [expected], "{backend}: {rules}");
            let notes = records[0]["notes"].to_string();
            assert!(!notes.contains("a port of each kind"), "{backend}: {notes}");
        }
    }
}

/// Who connects has a port that its kernel picked, and answers to some of these are stopped.
#[test]
fn a_port_that_the_kernel_of_a_client_picks_may_be_one_that_rules_stop() {
    let Some(_lab) = lab_with_nft() else { return };
    let dump = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
        -A OUTPUT -p tcp --dport 50000:50100 -j DROP\nCOMMIT\n";
    let script = "table inet f {\n\tchain o {\n\t\ttype filter hook output priority 0;\n\
        \t\ttcp dport != 1-49999 tcp dport vmap { 50000-50100 : drop }\n\t}\n}\n";
    for (name, rules) in [("rules.v4", dump), ("host.nft", script)] {
        let ended = check(&[(name, rules)], &PASV).with(0);
        assert!(
            ended.stdout.contains("suppaftp  ~ passes"),
            "{name}: {}",
            ended.stdout
        );
        let note = "the port that the client connects from is chance: 28131 of 28232 ports come to what is shown, and others to \
                    something else: 50000 to 50100: control-timeout, server: ";
        assert!(ended.stdout.contains(note), "{name}: {}", ended.stdout);
        let more = [&PASV[..], &["--expect", "passive passes"]].concat();
        let ended = check(&[(name, rules)], &more).with(3);
        let said = "--expect 'passive passes': the rules treat some of the ports that a peer may pick differently";
        assert!(ended.stderr.contains(said), "{name}: {}", ended.stderr);
    }
    // Whatever the port, its answers are let through.
    let before = dump.replace("-A OUTPUT", "-A OUTPUT -j ACCEPT\n-A OUTPUT");
    let either = dump.replace("DROP\nCOMMIT", "ACCEPT\nCOMMIT");
    for rules in [before, either] {
        let ended = check(&[("rules.v4", &rules)], &PASV).with(0);
        assert!(!ended.stdout.contains('~'), "{}", ended.stdout);
        assert!(!ended.stdout.contains("note:"), "{}", ended.stdout);
    }
}

/// A server that keeps to a range picks from it, and rules may stop some of that.
#[test]
fn a_hole_in_a_range_that_the_server_keeps_to_is_told() {
    let Some(_lab) = lab() else { return };
    let hole = |ports: &str, verdict: &str| {
        dump("nf_tables", "50000:50100").replace(
            "-A INPUT -p tcp --dport 50000",
            &format!("-A INPUT -p tcp --dport {ports} -j {verdict}\n-A INPUT -p tcp --dport 50000"),
        )
    };
    let kept = [&PASV[..], &["--passive-ports", "50000-50100"]].concat();
    for (ports, told) in [("50050", "50050"), ("50050:50053", "50050 to 50053")] {
        let ended = check(&[("rules.v4", &hole(ports, "DROP"))], &kept).with(0);
        assert!(
            ended.stdout.contains("suppaftp  ~ passes"),
            "{}",
            ended.stdout
        );
        let note = format!("others to something else: {told}: data-timeout, server: ");
        assert!(ended.stdout.contains(&note), "{}", ended.stdout);
        let ended = check(&[("rules.v4", &hole(ports, "ACCEPT"))], &kept).with(0);
        assert!(!ended.stdout.contains('~'), "{}", ended.stdout);
    }
    // Another service's port is not told where the server may pick any.
    let other = dump("nf_tables", "8080").replace("INPUT DROP", "INPUT ACCEPT");
    let ended = check(&[("rules.v4", &other)], &PASV).with(0);
    assert!(!ended.stdout.contains('~'), "{}", ended.stdout);
}

/// A range that rules stop is not one to give to the server.
#[test]
fn a_range_of_the_most_ports_that_rules_stop_is_not_advised() {
    let Some(_lab) = lab() else { return };
    let stops = dump("nf_tables", "50000:51000").replace("INPUT DROP", "INPUT ACCEPT");
    let stops = stops.replace("50000:51000 -j ACCEPT", "50000:51000 -j REJECT");
    let ended = check(&[("rules.v4", &stops)], &PASV).with(0);
    assert!(
        ended.stdout.contains("suppaftp  ~ passes"),
        "{}",
        ended.stdout
    );
    assert!(
        ended
            .stdout
            .contains("50000 to 51000: data-rejected, server: "),
        "{}",
        ended.stdout
    );
    assert!(
        !ended.stderr.contains("--passive-ports"),
        "{}",
        ended.stderr
    );
}

/// What is shown is how the most ports end, whatever the run happened to pick, and if no two of them by the same rule.
#[test]
fn a_table_does_not_depend_on_what_a_run_picked() {
    let Some(_lab) = lab() else { return };
    let stopped: String = (0..8)
        .map(|at| {
            let first = 50020 + 10 * at;
            format!("-A INPUT -p tcp --dport {first}:{} -j DROP\n", first + 9)
        })
        .collect();
    let rules = dump("nf_tables", "50000:50099").replace(
        "-A INPUT -p tcp --dport 50000",
        &format!("{stopped}-A INPUT -p tcp --dport 50000"),
    );
    let kept = ["--at", "server", "--passive-ports", "50000-50099"];
    let more = [
        &kept[..],
        &[
            "--data",
            "pasv,epsv",
            "--family",
            "ipv4",
            "--backend",
            "legacy,nft",
        ],
    ]
    .concat();
    let more = [&more[..], &["--expect", "passive blocked"]].concat();
    for _ in 0..3 {
        // A fifth of what was picked passed.
        let ended = check(&[("rules.v4", &rules)], &more).with(3);
        assert!(!ended.stdout.contains("passes"), "{}", ended.stdout);
        assert!(ended.stdout.contains("~ timeout"), "{}", ended.stdout);
        assert!(ended.stdout.contains("4 cells in"), "{}", ended.stdout);
        assert!(ended.stdout.contains(": 4 met\n"), "{}", ended.stdout);
        let note = "80 of 100 ports come to what is shown, and others to something else: 50000 to 50019: transferred";
        assert!(ended.stdout.contains(note), "{}", ended.stdout);
    }
}

/// What a server sends comes from the port that it picked: rules that look at that alone tell its range, too.
#[test]
fn a_range_of_source_ports_is_one_of_passive_ports() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n\
        -A OUTPUT -p tcp --sport 21 -j ACCEPT\n-A OUTPUT -p tcp --sport 50000:60000 -j ACCEPT\nCOMMIT\n";
    let ended = check(&[("rules.v4", rules)], &PASV).with(0);
    assert!(
        ended.stdout.contains("suppaftp  ~ by port"),
        "{}",
        ended.stdout
    );
    let given = "give `--passive-ports 50000-60000`";
    assert!(ended.stderr.contains(given), "{}", ended.stderr);
    let more = [&PASV[..], &["--passive-ports", "50000-60000"]].concat();
    let ended = check(&[("rules.v4", rules)], &more).with(0);
    assert!(
        ended.stdout.contains("suppaftp  passes"),
        "{}",
        ended.stdout
    );
}

/// The ports stand in a set of their own.
#[test]
fn ports_in_a_named_set_of_nft_are_told_apart() {
    let Some(_lab) = lab_with_nft() else { return };
    let script = "table inet f {\n\tset passive {\n\t\ttype inet_service; flags interval; elements = { 50000-60000 }\n\t}\n\
        \tchain i {\n\t\ttype filter hook input priority 0; policy drop;\n\t\tct state established accept\n\
        \t\ttcp dport { 21, 22 } accept\n\t\ttcp dport @passive accept\n\t}\n}\n";
    let ended = check(&[("host.nft", script)], &PASV).with(0);
    assert!(ended.stdout.contains("suppaftp  ~ "), "{}", ended.stdout);
    let given = "give `--passive-ports 50000-60000`";
    assert!(ended.stderr.contains(given), "{}", ended.stderr);
}

#[test]
fn a_rule_that_decides_by_chance_is_told_and_expected_of_nobody() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter\n:INPUT ACCEPT [0:0]\n\
        -A INPUT -p tcp -m statistic --mode random --probability 0.00000000047 -j DROP\nCOMMIT\n";
    let ended = check(&[("rules.v4", rules)], &PASV).with(0);
    assert!(
        ended.stdout.contains("suppaftp  ~ by chance"),
        "{}",
        ended.stdout
    );
    let legend = "  ~ depends on a rule that decides by chance: another run may end differently";
    assert!(ended.stdout.contains(legend), "{}", ended.stdout);
    let more = [&PASV[..], &["--expect", "passive passes"]].concat();
    let ended = check(&[("rules.v4", rules)], &more).with(3);
    let said = "--expect 'passive passes': rules decide by chance: another run may end differently";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    // Nobody comes to it.
    let rules = rules.replace("-A INPUT -p tcp", "-A INPUT -p udp");
    let ended = check(&[("rules.v4", &rules)], &PASV).with(0);
    assert!(!ended.stdout.contains('~'), "{}", ended.stdout);
}
