//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>): what code scanning shows beside lines of
//! rulesets. A result is one cause in one ruleset, with all cells that it stopped.

mod fold;
mod kind;

use std::io;

use fwlab_record::{CellRecord, Judgement};
use serde_json::{Value, json};

use super::About;
use super::format::Format;
use super::gathered::Gathered;
use fold::Folded;
use fwlab_text::line;
use kind::Kind;

pub(super) const FORMAT: Format = Format {
    word: "sarif",
    what: "what did not pass, at the lines of rulesets, for code scanning",
    is_report,
    begin: |file, about| Gathered::report(file, about, written),
};

/// How a report begins, by which an older one is known.
const BEGINS: &str = r#"{"$schema":"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":{"name":"fwlab","#;

fn written(records: &[&CellRecord], about: &About) -> io::Result<String> {
    let folded = Folded::all(records, &about.sources);
    let mut kinds: Vec<Kind> = folded.iter().map(|folded| folded.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let rules = kinds.iter().map(|kind| {
        json!({
            "id": kind.id,
            "shortDescription": { "text": kind.described },
        })
    });
    let rules: Vec<Value> = rules.collect();
    let results = folded.iter().map(|folded| result(folded, &kinds));
    let results: Vec<Value> = results.collect();
    let version = json!(env!("CARGO_PKG_VERSION"));
    let rest = json!({
        "invocations": [invocation(records)],
        "columnKind": "unicodeCodePoints",
        "results": results,
    });
    let rest = rest.to_string();
    let (rules, rest) = (json!(rules), &rest[1..]);
    Ok(format!(
        "{BEGINS}\"version\":{version},\"rules\":{rules}}}}},{rest}]}}\n"
    ))
}

/// Whether a file that begins so is such a report.
fn is_report(prefix: &[u8]) -> bool {
    prefix.starts_with(BEGINS.as_bytes())
}

fn result(folded: &Folded<'_>, kinds: &[Kind]) -> Value {
    let index = kinds.iter().position(|kind| *kind == folded.kind);
    let mut result = json!({
        "ruleId": folded.kind.id,
        "ruleIndex": index,
        "level": folded.level.word(),
        "message": { "text": text(&folded.message()) },
        "occurrenceCount": folded.cells.len(),
        "properties": folded.properties(),
    });
    let mut location = serde_json::Map::new();
    if let Some(place) = &folded.place {
        let path = place.file.as_os_str().as_encoded_bytes();
        let mut physical = json!({ "artifactLocation": { "uri": uri(path) } });
        if let Some(line) = place.line {
            physical["region"] = json!({ "startLine": line });
        }
        location.insert("physicalLocation".into(), physical);
    }
    if let Some(name) = folded.rule() {
        let name = line(&name).into_owned();
        let logical = json!([{ "fullyQualifiedName": name }]);
        location.insert("logicalLocations".into(), logical);
    }
    if !location.is_empty() {
        result["locations"] = json!([location]);
    }
    result
}

/// Whether the run came to its end, and the cells that it cannot tell of.
fn invocation(records: &[&CellRecord]) -> Value {
    let mut interrupted = None;
    let (mut skipped, mut not_run) = (0, 0);
    for record in records {
        match &record.judgement {
            Judgement::Skipped { .. } => skipped += 1,
            Judgement::NotRun(why) => {
                not_run += 1;
                interrupted = interrupted.or(why.interrupted_by.as_deref());
            }
            _ => {}
        }
    }
    let mut told = Vec::new();
    for (count, what) in [(skipped, "skipped"), (not_run, "not run")] {
        if count > 0 {
            let all = records.len();
            told.push(format!("of {all} cells, {count} {what}"));
        }
    }
    if let Some(by) = interrupted {
        told.push(format!("the run was interrupted by {by}"));
    }
    let notify = |told: &String| json!({ "level": "warning", "message": { "text": text(told) } });
    json!({
        "executionSuccessful": interrupted.is_none(),
        "toolExecutionNotifications": told.iter().map(notify).collect::<Vec<_>>(),
    })
}

/// Text as a message has it: `[text](target)` would be a link there (section 3.11.6).
fn text(text: &str) -> String {
    line(text).replace("](", "] (")
}

/// A path as a URI (RFC 3986): relative to where fwlab was run, as the path is.
fn uri(path: &[u8]) -> String {
    let begin = if path.starts_with(b"/") {
        "file://"
    } else {
        ""
    };
    let path = path.strip_prefix(b"./").unwrap_or(path);
    let mut uri = begin.to_owned();
    for &byte in path {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri() {
        for (path, expected) in [
            ("lab/rulesets/a.v4", "lab/rulesets/a.v4"),
            ("./a b.v4", "a%20b.v4"),
            ("/etc/x:y?#", "file:///etc/x%3Ay%3F%23"),
            ("a:b", "a%3Ab"),
            ("ü\u{202e}", "%C3%BC%E2%80%AE"),
        ] {
            assert_eq!(uri(path.as_bytes()), expected);
        }
    }

    #[test]
    fn a_message_has_no_link() {
        assert_eq!(
            text("a [b](http://c) \u{202e}"),
            "a [b] (http://c) <U+202E>"
        );
    }
}
