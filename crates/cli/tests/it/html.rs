//! One page of HTML: what is in its data. What a browser makes of it, `browser` tries.

use std::fs;

use serde_json::Value;

use crate::support::{end_of, fwlab, lab};

/// The text of a page's data.
#[track_caller]
pub(crate) fn data_in(page: &str) -> &str {
    let begins = "<script id=\"data\" type=\"application/json\">";
    let (_, rest) = page.split_once(begins).expect("its data");
    let (data, rest) = rest.split_once("</script>").expect("an end");
    assert!(!rest.contains(begins));
    data
}

/// A cell with words in place of numbers.
fn told(data: &Value, cell: &Value) -> Value {
    let word = |place: &Value| match place.as_u64() {
        Some(place) => data["words"][usize::try_from(place).expect("it is small")].clone(),
        None => Value::Null,
    };
    let mut told = serde_json::Map::new();
    for (key, value) in cell.as_object().expect("a cell") {
        let value = match (key.as_str(), value) {
            ("evidence", Value::Array(facts)) => facts.len().into(),
            ("ms" | "left_out" | "rules" | "line" | "matched", _) => continue,
            (_, Value::Array(places)) => places.iter().map(word).collect(),
            (_, place) => word(place),
        };
        told.insert(key.clone(), value);
    }
    told.into()
}

/// Both rulesets stand in the page once, and the line of the rule that stopped a cell is that rule's.
#[track_caller]
fn assert_rules_are_there(data: &Value) {
    let texts = data["texts"].as_array().expect("texts");
    assert_eq!(texts.len(), 2, "{texts:?}");
    let mut decided = Vec::new();
    for cell in data["cells"].as_array().expect("cells") {
        let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
        let text = &texts[number(&cell["rules"]).expect("a text")];
        assert_eq!(text["name"], "two.toml");
        if let Some(line) = number(&cell["line"]) {
            let at = line - number(&text["first"]).expect("a line");
            decided.extend(text["text"].as_str().expect("a text").lines().nth(at));
        }
    }
    assert_eq!(decided, ["iptables -A INPUT -p tcp -j DROP"]);
}

#[test]
fn a_page_has_every_cell_and_the_evidence_of_what_did_not_pass() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    crate::reports::run(folder.path(), &["html=report.html"]);
    let page = fs::read_to_string(folder.path().join("report.html")).expect("it was written");
    assert!(page.starts_with("<!doctype html>\n"), "{page}");
    assert!(!page.contains("{{"), "{page}");
    let data: Value = serde_json::from_str(data_in(&page)).expect("it is JSON");
    let cells = data["cells"].as_array().expect("cells").iter();
    let mut cells: Vec<Value> = cells.map(|cell| told(&data, cell)).collect();
    assert_rules_are_there(&data);
    for cell in &mut cells {
        let facts = cell["evidence"].as_u64().expect("a number");
        let is_stopped = !cell["cause"].is_null() || cell["result"] == "missed";
        assert_eq!(facts > 0, is_stopped, "{cell}");
        cell["evidence"] = (facts > 0).into();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&cells).expect("JSON"));
}

/// Evidence is what makes a page long: it is there for the others where it was asked for.
#[test]
fn evidence_of_all_cells_is_in_the_page_where_it_was_asked_for() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let rules = "iptables -P INPUT ACCEPT\n";
    fs::write(folder.path().join("rules.v4"), rules).expect("it can be written");
    let facts = |evidence: &str| {
        let mut command = fwlab();
        command.current_dir(folder.path());
        command.args(["check", "rules.v4", "--at", "client", "--data", "pasv"]);
        command.args(["--server", "libunftp", "--protection", "plain"]);
        command.args(["--report=html=report.html", "--evidence", evidence]);
        end_of(&mut command).with(0);
        let page = fs::read_to_string(folder.path().join("report.html")).expect("it was written");
        let data: Value = serde_json::from_str(data_in(&page)).expect("it is JSON");
        let cells = data["cells"].as_array().expect("cells").iter();
        let facts = cells.map(|cell| cell["evidence"].as_array().expect("evidence").len());
        facts.collect::<Vec<_>>()
    };
    assert_eq!(facts("missed"), [0, 0]);
    assert!(facts("all").iter().all(|facts| *facts > 10));
}

/// Scenarios beside each other share rules. What lies anywhere else on the machine is nobody's to show.
#[test]
fn rules_outside_the_scenario_s_folder_are_in_the_page_where_the_run_was_started_above_them() {
    let Some(_lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    let scenario = r#"description = "shared"
topology.shape = "server-firewall"
matrix = { servers = "libunftp", data = "pasv" }
[[ruleset]]
name = "drop"
backends = "nft"
file = "../rules/drop.v4"
"#;
    let rules = "iptables -A INPUT -p tcp --dport 21 -j DROP\n";
    for (path, text) in [
        ("scenarios/a.toml", scenario),
        ("scenarios/b.toml", scenario),
        ("rules/drop.v4", rules),
    ] {
        let path = place.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        fs::write(path, text).expect("it can be written");
    }
    let texts = |folder: &str| {
        let mut command = fwlab();
        command.current_dir(place.join(folder));
        let scenarios = place.join("scenarios");
        command.arg("run").arg(scenarios);
        command.args(["--report=html=report.html"]);
        end_of(&mut command).with(0);
        let page = fs::read_to_string(place.join(folder).join("report.html"));
        let data: Value =
            serde_json::from_str(data_in(&page.expect("it was written"))).expect("JSON");
        let lines: Vec<&Value> = data["cells"].as_array().expect("cells").iter().collect();
        let is_lit = lines
            .iter()
            .all(|cell| cell["line"] == 1 && !cell["rules"].is_null());
        let is_counted = lines.iter().all(|cell| cell["matched"][0][0] == 1);
        let texts = data["texts"].as_array().expect("texts").clone();
        (texts, is_lit && is_counted)
    };
    let (shown, is_lit) = texts(".");
    let [text] = &shown[..] else {
        panic!("once: {shown:?}")
    };
    assert_eq!(text["text"], rules.trim_end());
    assert!(is_lit);
    let (hidden, _) = texts("scenarios");
    assert_eq!(hidden, Vec::<Value>::new());
}
