//! The formats that others read: they are stable, or carry another version.

use std::path::Path;

use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::{Value, json};

use crate::support::{end_of, fwlab, lab, report};

/// One ruleset passes and one does not, and both should. A server that knows no EPRT skips.
const SCENARIO: &str = r#"
description = "One passes, one is missed."
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
data = ["eprt", "pasv"]
[[require]]
symptom = "transferred"
"#;

pub(crate) fn run(folder: &Path, reports: &[&str]) {
    std::fs::write(folder.join("two.toml"), SCENARIO).expect("it can be written");
    let mut command = fwlab();
    command
        .current_dir(folder)
        .args(["run", "two.toml", "--backend", "nft", "--keep-going"]);
    for report in reports {
        command.args(["--report", report]);
    }
    let ended = end_of(&mut command).with(1);
    assert!(ended.stdout.contains("1 met, 1 missed, 2 skipped"));
}

/// A line with what differs from run to run made the same.
fn redacted(line: &Value) -> String {
    let mut line = line.clone();
    assert!(line["ms"].as_f64().is_some_and(|ms| ms >= 0.0));
    line["ms"] = json!("[ms]");
    // Which kernel, and what was seen: of a cell that missed its requirement, all of it.
    let missed = line["result"] == "missed";
    assert_eq!(line["evidence"]["facts"].is_array(), missed, "{line}");
    for (key, words) in [("evidence", "[evidence]"), ("versions", "[versions]")] {
        if let Some(value) = line.get_mut(key) {
            *value = json!(words);
        }
    }
    if let Some(event) = line.get_mut("event") {
        assert!(event.as_u64().is_some_and(|event| event > 0), "{event}");
        *event = json!("[event]");
    }
    let cause = line.get_mut("cause");
    if let Some(packet) = cause.and_then(|cause| cause.get_mut("packet")) {
        for (end, address) in [("from", "10.77.0.1:"), ("to", "10.77.0.2:")] {
            let socket = packet["flow"][end].as_str().expect("an address and port");
            assert!(socket.starts_with(address), "{packet}");
        }
        assert_eq!(
            (&packet["protocol"], &packet["flags"]),
            (&json!("tcp"), &json!(0x12))
        );
        *packet = json!("[packet]");
    }
    serde_json::to_string_pretty(&line).expect("JSON")
}

/// Two cells of one data setup with two outcomes are two rows, and their causes name them.
#[test]
fn what_differs_by_protection_has_rows_of_its_own() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let text = r#"
description = "TLS blinds the helper."
[topology]
shape = "gateway"
[[ruleset]]
name = "router"
text = '''
iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp
iptables -P FORWARD DROP
iptables -A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT
iptables -A FORWARD -p tcp --dport 21 -j ACCEPT
'''
[matrix]
data = "epsv"
protections = ["plain", "explicit"]
[[require]]
symptom = "transferred"
[[require]]
protection = "explicit"
symptom = "data-timeout"
"#;
    std::fs::write(folder.path().join("blind.toml"), text).expect("it can be written");
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["run", "blind.toml"]);
    let told = end_of(&mut command).with(0).stdout;
    let (told, _) = told.split_once("\n\n").expect("the last line stands apart");
    insta::assert_snapshot!(told, @r#"
    blind  TLS blinds the helper.
                                                         epsv
      router  plain     legacy,nft  libunftp ← suppaftp  ✓ passes
      router  explicit  legacy,nft  libunftp ← suppaftp  ✓ timeout
      explicit: gateway: ipv4/filter/FORWARD, line 9 `-P FORWARD DROP` stopped SYN 10.77.1.2 → 203.0.113.10, a high port
        The data connection, which the client opens to the server, is NEW to conntrack, like any stranger's: TLS hides the announcement, so no helper can read it. It would pass if the server kept to a range of passive ports that the rules open: no helper can see into TLS.
    "#);
}

#[test]
fn a_line_of_json_a_cell() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &["json=report.json"]);
    let lines = report(&folder.path().join("report.json"));
    assert_eq!(lines.len(), 4);
    let cell = |name: &str| redacted(&lines[name]);
    insta::assert_snapshot!(cell("two::open::nft::libunftp::suppaftp::pasv::plain::ipv4::retr"), @r#"
    {
      "backend": "nft",
      "cause": {
        "kind": "none"
      },
      "client": "suppaftp",
      "client_place": "host",
      "data": "pasv",
      "family": "ipv4",
      "ms": "[ms]",
      "notes": [],
      "operation": "retr",
      "phase": "completion",
      "protection": "plain",
      "requirement": "transferred",
      "result": "met",
      "ruleset": "open",
      "scenario": "two",
      "schema": 2,
      "server": "libunftp",
      "server_place": "host",
      "symptom": "transferred",
      "versions": "[versions]"
    }
    "#);
    insta::assert_snapshot!(cell("two::shut::nft::libunftp::suppaftp::pasv::plain::ipv4::retr"), @r#"
    {
      "backend": "nft",
      "cause": {
        "backend": "nft",
        "chain": "INPUT",
        "family": "ipv4",
        "kind": "rule",
        "node": "client",
        "ordinal": 2,
        "packet": "[packet]",
        "rule_id": "ipv4/filter/INPUT/2",
        "source_line": 12,
        "statement": "-A INPUT -p tcp -j DROP",
        "table": "filter"
      },
      "client": "suppaftp",
      "client_place": "host",
      "data": "pasv",
      "event": "[event]",
      "evidence": "[evidence]",
      "family": "ipv4",
      "ms": "[ms]",
      "notes": [],
      "operation": "retr",
      "phase": "data-connect",
      "protection": "plain",
      "requirement": "transferred",
      "result": "missed",
      "ruleset": "shut",
      "scenario": "two",
      "schema": 2,
      "server": "libunftp",
      "server_place": "host",
      "symptom": "data-timeout",
      "versions": "[versions]",
      "why": "symptom data-timeout, required transferred"
    }
    "#);
    insta::assert_snapshot!(cell("two::shut::nft::libunftp::suppaftp::eprt::plain::ipv4::retr"), @r#"
    {
      "backend": "nft",
      "client": "suppaftp",
      "client_place": "host",
      "data": "eprt",
      "family": "ipv4",
      "ms": "[ms]",
      "notes": [],
      "operation": "retr",
      "protection": "plain",
      "requirement": "transferred",
      "result": "skipped",
      "ruleset": "shut",
      "scenario": "two",
      "schema": 2,
      "server": "libunftp",
      "server_place": "host",
      "versions": "[versions]",
      "why": "not supported by libunftp: libunftp answers EPRT with 500"
    }
    "#);
}

#[test]
fn junit_is_read_by_others() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    // Two reports of one run.
    run(folder.path(), &["junit=report.xml", "json=report.json"]);
    assert!(folder.path().join("report.json").exists());
    let text = std::fs::read_to_string(folder.path().join("report.xml")).expect("it was written");
    crate::schemas::assert_is_junit(&folder.path().join("report.xml"));
    let report = Report::deserialize_from_str(&text).expect("it is JUnit's");
    assert_eq!((report.tests, report.failures, report.errors), (4, 1, 0));
    assert_eq!(report.test_suites.len(), 1);
    let suite = &report.test_suites[0];
    assert_eq!((suite.tests, suite.failures, suite.errors), (4, 1, 0));
    let json = std::fs::read_to_string(folder.path().join("report.json")).expect("it was written");
    let lines = json
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<Value> = lines.collect();
    let met = lines.iter().find(|line| line["result"] == "met");
    let met = met.expect("one is met");
    for what in ["kernel", "loader", "server", "client"] {
        let mut told = suite.properties.iter();
        let told = told.find(|one| one.name.as_str() == what);
        let told = told.unwrap_or_else(|| panic!("{what}: {text}"));
        assert_eq!(met["versions"][what], told.value.as_str());
    }
    let case = |name: &str| {
        let case = suite
            .test_cases
            .iter()
            .find(|case| case.name.as_str().contains(name));
        &case.expect("the cell has a case").status
    };
    assert!(matches!(
        case("open::nft::libunftp::suppaftp::pasv"),
        TestCaseStatus::Success { .. }
    ));
    match case("shut::nft::libunftp::suppaftp::pasv") {
        TestCaseStatus::NonSuccess {
            kind: NonSuccessKind::Failure,
            message,
            description,
            ..
        } => {
            assert_eq!(
                message.as_deref(),
                Some("symptom data-timeout, required transferred")
            );
            let text = description.as_deref().expect("the evidence");
            assert!(
                text.contains("`-A INPUT -p tcp -j DROP` stopped SYN+ACK"),
                "{text}"
            );
            assert!(text.contains("client: PASV"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    match case("open::nft::libunftp::suppaftp::eprt") {
        TestCaseStatus::Skipped { message, .. } => {
            let why = "not supported by libunftp: libunftp answers EPRT with 500";
            assert_eq!(message.as_deref(), Some(why));
        }
        other => panic!("{other:?}"),
    }
}

/// The summary and the findings, as a user reads them.
#[test]
fn the_terminal_tells_the_rule_and_the_evidence() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("two.toml"), SCENARIO).expect("it can be written");
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["run", "two.toml", "--backend", "nft"]);
    let ended = end_of(&mut command).with(1);
    // Where a cell has missed the run ends, so how many come before it is chance.
    let kept = |line: &&str| !line.contains(" ms  ") && !line.contains(" cells in ");
    let text: Vec<&str> = ended.stdout.lines().filter(kept).collect();
    let text = text.join("\n");
    for part in [
        "two  One passes, one is missed.",
        "shut  nft  libunftp ← suppaftp",
        "✗ timeout",
        "client: ipv4/filter/INPUT/2, line 12 `-A INPUT -p tcp -j DROP` stopped SYN+ACK 10.77.0.1 → 10.77.0.2",
        "missed two::shut::nft::libunftp::suppaftp::pasv::plain::ipv4::retr\n    symptom data-timeout, required transferred",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{}", ended.stdout);
    }
    assert!(
        ended.stdout.lines().any(|line| line.starts_with("    ▶")),
        "{}",
        ended.stdout
    );
}
