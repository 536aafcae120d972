//! What other programs rely on, as `docs/stability.md` tells it: a change that breaks one of these raises the version.

use fwlab_record::{CellRecord, Exit, SCHEMA_VERSION, record_schema};
use serde_json::{Map, Value};

/// Lines of version 2 as they were written once, one a result and kind of cause. They are never changed while the version is 2.
const LINES: &str = include_str!("version-2.jsonl");

fn lines() -> impl Iterator<Item = &'static str> {
    LINES.lines()
}

fn object(line: &str) -> Map<String, Value> {
    serde_json::from_str(line).expect(line)
}

fn read(object: &Map<String, Value>) -> Result<CellRecord, serde_json::Error> {
    serde_json::from_value(Value::Object(object.clone()))
}

#[test]
fn old_lines_of_this_version_are_read_and_written_as_they_were() {
    assert_eq!(SCHEMA_VERSION, 2, "keep lines of the new version, too");
    for line in lines() {
        let record: CellRecord = serde_json::from_str(line).expect(line);
        assert_eq!(serde_json::to_string(&record).expect("JSON"), line);
    }
    let results: Vec<String> = lines()
        .map(|line| object(line)["result"].as_str().expect(line).to_owned())
        .collect();
    for result in [
        "met",
        "missed",
        "reported",
        "inconclusive",
        "skipped",
        "not-run",
    ] {
        assert!(results.iter().any(|it| it == result), "{result}");
    }
}

#[test]
fn older_and_newer_versions_are_refused_by_their_number() {
    for other in [0, 1, 3, 1000] {
        let mut line = object(lines().next().expect("a line"));
        line["schema"] = other.into();
        let error = read(&line).expect_err("it is another version");
        let said = format!("a record of version {other}, and this reads version 2");
        assert!(error.to_string().contains(&said), "{error}");
    }
}

#[test]
fn a_line_without_a_version_is_refused() {
    let mut line = object(lines().next().expect("a line"));
    line.remove("schema");
    let error = read(&line).expect_err("nobody knows its version");
    assert!(
        error.to_string().contains("missing field `schema`"),
        "{error}"
    );
}

/// A key may be added within a version: a reader that does not know it leaves it out.
#[test]
fn keys_that_a_reader_does_not_know_are_left_out() {
    for line in lines() {
        let known = object(line);
        let mut more = known.clone();
        more.insert("added-later".into(), serde_json::json!({ "deep": [1] }));
        if let Some(Value::Object(cause)) = more.get_mut("cause") {
            cause.insert("added-later".into(), true.into());
        }
        if let Some(Value::Object(evidence)) = more.get_mut("evidence") {
            evidence.insert("added-later".into(), 1.into());
        }
        let [known, more] = [known, more].map(|it| read(&it).expect(line));
        assert_eq!(known, more);
    }
    let schema = record_schema();
    for key in ["additionalProperties", "unevaluatedProperties"] {
        assert_eq!(schema.get(key), None, "the schema would refuse them");
    }
}

/// Keys that came after the first line of this version was written are not needed.
#[test]
fn keys_that_older_writers_did_not_have_are_not_needed() {
    for key in [
        "versions",
        "evidence",
        "deviated",
        "interrupted_by",
        "begun",
        "chance",
    ] {
        let mut without = 0;
        for line in lines() {
            let mut line = object(line);
            without += usize::from(line.remove(key).is_some());
            read(&line).expect(key);
        }
        assert!(without > 0, "no line has {key}");
    }
}

/// The same of keys within the evidence.
#[test]
fn evidence_of_older_writers_is_read() {
    for key in ["matched", "walked"] {
        let mut without = 0;
        for line in lines() {
            let mut line = object(line);
            let Some(Value::Object(evidence)) = line.get_mut("evidence") else {
                continue;
            };
            without += usize::from(evidence.remove(key).is_some());
            read(&line).expect(key);
        }
        assert!(without > 0, "no line has {key}");
    }
}

/// A new word is a new version: a reader must not take it for one that it knows, nor leave it out.
#[test]
fn words_that_a_reader_does_not_know_are_refused() {
    let line = lines().find(|line| line.contains("\"result\":\"reported\""));
    let line = object(line.expect("one is reported"));
    for key in [
        "result",
        "symptom",
        "phase",
        "backend",
        "server",
        "data",
        "operation",
    ] {
        let mut other = line.clone();
        other.insert(key.into(), "another-word".into());
        assert!(read(&other).is_err(), "{key}");
    }
}

#[test]
fn an_outcome_names_the_event_that_the_evidence_marks() {
    let mut named = 0;
    for line in lines() {
        let record: CellRecord = serde_json::from_str(line).expect(line);
        let Some(outcome) = record.judgement.outcome() else {
            continue;
        };
        let deciding = record.evidence.deciding().map(|fact| fact.event);
        assert_eq!(deciding, outcome.event, "{line}");
        named += usize::from(deciding.is_some());
    }
    assert!(named > 0);
}

#[test]
fn exit_codes_are_numbers_that_scripts_know() {
    let codes = [Exit::Good, Exit::Missed, Exit::Usage, Exit::Lab].map(Exit::code);
    assert_eq!(codes, [0, 1, 2, 3]);
}
