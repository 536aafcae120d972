//! Reports of runs that never were, and their pages: the kept lines of the record, on other axes. They need no lab.

use std::path::PathBuf;

use fwlab_record::CellRecord;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::hostile_markup::HOSTILE;
use crate::support::{end_of, fwlab, shared};

/// A line of each result.
const KEPT: &str = include_str!("../../../record/tests/it/version-2.jsonl");

fn lines() -> impl Iterator<Item = Value> {
    KEPT.lines()
        .map(|line| serde_json::from_str(line).expect(line))
}

/// The kept line of a result.
#[track_caller]
fn kept(result: &str) -> Value {
    let found = lines().find(|line| line["result"] == result);
    found.unwrap_or_else(|| panic!("no line is {result}"))
}

/// A cell that passed.
pub(crate) fn passed() -> Value {
    let mut line = lines()
        .find(|line| line["symptom"] == "transferred")
        .expect("one passed");
    line["result"] = "met".into();
    line["requirement"] = "transferred".into();
    line.as_object_mut().expect("a line").remove("why");
    line
}

/// A cell that a rule stopped, and that should have passed. The fourth fact of its evidence decided it.
pub(crate) fn stopped() -> Value {
    let is_stopped = |line: &Value| line["cause"]["kind"] == "rule" && line["result"] == "reported";
    let mut line = lines().find(is_stopped).expect("a rule stopped one");
    line["result"] = "missed".into();
    line["requirement"] = "transferred".into();
    line["why"] = "symptom data-timeout, required transferred".into();
    line
}

/// A line on these axes.
pub(crate) fn on(mut line: Value, scenario: &str, ruleset: &str, data: &str) -> Value {
    for (axis, word) in [
        ("scenario", scenario),
        ("ruleset", ruleset),
        ("server", "vsftpd"),
        ("data", data),
    ] {
        line[axis] = word.into();
    }
    line
}

/// A run of every result: two scenarios, of which one is all right.
pub(crate) fn of_every_result() -> Vec<Value> {
    vec![
        on(passed(), "fine", "open", "pasv"),
        on(passed(), "fine", "open", "epsv"),
        on(stopped(), "mixed", "shut", "pasv"),
        on(stopped(), "mixed", "shut", "epsv"),
        on(passed(), "mixed", "shut", "port"),
        on(kept("inconclusive"), "mixed", "shut", "eprt"),
        on(kept("skipped"), "mixed", "open", "eprt"),
        on(kept("not-run"), "mixed", "open", "port"),
    ]
}

/// Two cells, with hostile text wherever others' words stand.
pub(crate) fn hostile() -> Vec<Value> {
    let mut cells = vec![
        on(stopped(), "one", "rules", "pasv"),
        on(passed(), "one", "rules", "port"),
    ];
    cells.iter_mut().for_each(with_theirs);
    cells
}

/// Puts it wherever others' words stand.
fn with_theirs(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text)
                        if ["statement", "why", "ruleset", "scenario"].contains(&key.as_str()) =>
                    {
                        text.push_str(HOSTILE);
                    }
                    Value::Array(notes) if key == "notes" => notes.push(HOSTILE.into()),
                    _ => with_theirs(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(with_theirs),
        _ => {}
    }
}

/// So many cells, in scenarios of 400, of which each has some that missed.
pub(crate) fn many(cells: usize) -> Vec<Value> {
    let (mut met, missed) = (passed(), stopped());
    // The page would leave it out.
    met.as_object_mut().expect("a line").remove("evidence");
    let setups = ["port", "pasv", "eprt", "epsv"];
    let line = |at: usize| {
        let line = if at % 50 == 7 { &missed } else { &met };
        let (scenario, ruleset) = (at / 400, at / 4 % 100);
        on(
            line.clone(),
            &format!("scenario-{scenario}"),
            &format!("ruleset-{ruleset}"),
            setups[at % 4],
        )
    };
    (0..cells).map(line).collect()
}

/// A folder with the reports of a run that is held against an earlier one: each with the name of its format.
#[track_caller]
pub(crate) fn reports_against(before: &[Value], now: &[Value], formats: &[&str]) -> TempDir {
    let _started = shared();
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, lines: &[Value]| {
        // As the command writes them, in the record's order.
        let lines = lines.iter().map(|line| {
            let record = CellRecord::deserialize(line).expect("a record");
            serde_json::to_string(&record).expect("JSON") + "\n"
        });
        let text: String = lines.collect();
        std::fs::write(folder.path().join(name), text).expect("it can be written");
    };
    write("old.json", before);
    write("new.json", now);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["diff", "old.json", "new.json"]);
    for format in formats {
        command.arg(format!("--report={format}={format}.report"));
    }
    end_of(&mut command).with(if before == now { 0 } else { 1 });
    folder
}

/// A folder with the page of a run that is held against an earlier one.
#[track_caller]
pub(crate) fn page_against(before: &[Value], now: &[Value]) -> (TempDir, PathBuf) {
    let folder = reports_against(before, now, &["html"]);
    // A browser goes by the name.
    let page = folder.path().join("page.html");
    std::fs::rename(folder.path().join("html.report"), &page).expect("it was written");
    (folder, page)
}

/// A folder with the page of a run.
#[track_caller]
pub(crate) fn page_of(lines: &[Value]) -> (TempDir, PathBuf) {
    page_against(lines, lines)
}

/// A folder with a page by hand.
pub(crate) fn page_by_hand(html: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.html");
    std::fs::write(&page, html).expect("it can be written");
    (folder, page)
}
