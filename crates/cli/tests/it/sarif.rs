//! SARIF, as code scanning reads it: held against the published schema, and by hand against what the specification (version 2.1.0,
//! section 3) says beyond it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{end_of, fwlab, lab};

fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).expect("it was written");
    let sarif = serde_json::from_str(&text).expect("it is JSON");
    crate::schemas::assert_is_sarif(&sarif);
    assert_sound(&sarif);
    sarif
}

/// What sections 3.13 to 3.49 ask of what is there.
#[track_caller]
fn assert_sound(sarif: &Value) {
    assert_eq!(sarif["version"], "2.1.0");
    let [run] = &sarif["runs"].as_array().expect("runs")[..] else {
        panic!("{sarif}");
    };
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "fwlab");
    let rules = driver["rules"].as_array().expect("rules");
    for rule in rules {
        assert!(rule["shortDescription"]["text"].is_string(), "{rule}");
    }
    for result in run["results"].as_array().expect("results") {
        let index = result["ruleIndex"].as_u64().expect("an index");
        let rule = &rules[usize::try_from(index).expect("it is small")];
        assert_eq!(rule["id"], result["ruleId"], "{result}");
        let level = result["level"].as_str().expect("a level");
        assert!(["error", "warning", "note"].contains(&level), "{result}");
        assert!(result["message"]["text"].is_string(), "{result}");
        assert!(result["occurrenceCount"].as_u64() >= Some(1), "{result}");
        for location in result["locations"].as_array().expect("locations") {
            let region = &location["physicalLocation"]["region"];
            assert!(region.is_null() || region["startLine"].as_u64() >= Some(1));
        }
    }
}

fn results(sarif: &Value) -> &[Value] {
    sarif["runs"][0]["results"].as_array().expect("results")
}

fn uri(result: &Value) -> &Value {
    &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
}

#[test]
fn a_missed_cell_is_an_error_at_its_rule_s_line() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    crate::reports::run(folder.path(), &["sarif=report"]);
    let sarif = read(&folder.path().join("report"));
    let run = &sarif["runs"][0];
    let shown = serde_json::to_string_pretty(&run["results"]).expect("JSON");
    insta::assert_snapshot!(shown);
    let told = run["invocations"].to_string();
    assert!(told.contains("of 4 cells, 2 skipped"), "{told}");
}

/// Every cell of one ruleset that one rule stopped is one result, in the file that the rule is written in.
#[test]
fn what_one_rule_stopped_is_one_result() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let rules = "# The control connection alone.\niptables -P INPUT DROP\n\
                 iptables -A INPUT -p tcp --dport 21 -j ACCEPT\n";
    fs::create_dir(folder.path().join("my rules")).expect("a folder");
    fs::write(folder.path().join("my rules/a.v4"), rules).expect("it can be written");
    let mut command = fwlab();
    command.current_dir(folder.path()).args([
        "check",
        "my rules/a.v4",
        "--at",
        "server",
        "--data",
        "pasv,epsv",
        "--server",
        "libunftp",
        "--protection",
        "plain",
        "--report=sarif=report",
    ]);
    end_of(&mut command).with(0);
    let sarif = read(&folder.path().join("report"));
    let [result] = results(&sarif) else {
        panic!("{sarif}");
    };
    assert_eq!(
        (&result["level"], &result["ruleId"]),
        (&"note".into(), &"stateless".into())
    );
    assert_eq!(
        result["occurrenceCount"], 4,
        "two backends, two data setups"
    );
    assert_eq!(uri(result), "my%20rules/a.v4");
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region["startLine"], 2);
    assert_eq!(
        result["properties"]["data"],
        serde_json::json!(["epsv", "pasv"])
    );
}

/// The line is one of the file that the rule stands in, whichever of a ruleset's files that is.
#[test]
fn a_rule_is_found_in_its_own_file() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("it can be written");
    };
    let dump = |before: &str| {
        format!(
            "{before}*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
             -A INPUT -p tcp -j DROP\nCOMMIT\n"
        )
    };
    write("four.v4", &dump("# four\n"));
    write("six.v6", &dump("# six\n# six\n"));
    write("server.v4", &dump("# the\n# server's\n# own\n"));
    write(
        "some.toml",
        r#"description = "Rules in three files."
topology.shape = "client-firewall"
matrix = { data = "epsv", families = ["ipv4", "ipv6"] }
[[ruleset]]
name = "own"
file = "four.v4"
file6 = "six.v6"
[[ruleset]]
name = "theirs"
text = "iptables -P INPUT ACCEPT"
[[ruleset.also]]
at = "server"
file = "server.v4"
"#,
    );
    let mut command = fwlab();
    command.current_dir(folder.path());
    command.args(["run", "some.toml", "--backend=nft", "--report=sarif=report"]);
    end_of(&mut command).with(0);
    let sarif = read(&folder.path().join("report"));
    let found = results(&sarif).iter().map(|result| {
        let region = &result["locations"][0]["physicalLocation"]["region"];
        let line = region["startLine"].as_u64().expect("a line");
        let file = uri(result).as_str().expect("a file").to_owned();
        (result["properties"]["ruleset"][0].clone(), file, line)
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|(_, file, _)| file.clone());
    let expected = [
        ("own", "four.v4", 6),
        ("theirs", "server.v4", 8),
        ("own", "six.v6", 7),
    ];
    let expected = expected.map(|(ruleset, file, line)| (ruleset.into(), file.into(), line));
    assert_eq!(found, expected, "{sarif}");
}
