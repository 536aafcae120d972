//! Reports against the schemas that were published for their formats.
//!
//! `schemas/junit-10.xsd` is that of Jenkins' xUnit plugin, which reads JUnit's XML of most programs (MIT; a copy is in pytest's source).
//! The schema of SARIF 2.1.0 is that of OASIS, which `scripts/test-tools` fetches.

use std::fs;
use std::path::Path;

use boon::{Compiler, Schemas};
use serde_json::Value;

use crate::made_up::{hostile, of_every_result, reports_against};
use crate::support::{Ended, end_of, root, shared};
use crate::tools::{fetched, tool};

/// What xmllint says of a file, where there is one.
fn xmllint(file: &Path) -> Option<Ended> {
    let mut command = tool(&["xmllint"])?;
    command
        .arg("--noout")
        .arg("--schema")
        .arg(root().join("crates/cli/tests/it/schemas/junit-10.xsd"))
        .arg(file);
    Some(end_of(&mut command))
}

/// Fails where a report is not what the schema of JUnit's XML says, if that can be told here.
#[track_caller]
pub(crate) fn assert_is_junit(file: &Path) {
    if let Some(ended) = xmllint(file) {
        ended.with(0);
    }
}

/// Whether a report is what the schema of SARIF says. Nothing where the schema is not here.
fn validated(report: &Value) -> Option<Result<(), String>> {
    let schema = fetched("sarif-2.1.0.json")?;
    let schema: Value = serde_json::from_str(&schema).expect("a schema");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    let name = "sarif-2.1.0.json";
    compiler.add_resource(name, schema).expect("it can be read");
    let schema = compiler
        .compile(name, &mut schemas)
        .expect("it is a schema");
    Some(
        schemas
            .validate(report, schema)
            .map_err(|error| format!("{error:#}")),
    )
}

/// Fails where a report is not what the schema of SARIF says, if that can be told here.
#[track_caller]
pub(crate) fn assert_is_sarif(report: &Value) {
    if let Some(validated) = validated(report) {
        assert_eq!(validated, Ok(()));
    }
}

#[test]
fn junit_is_what_its_schema_says() {
    for cells in [of_every_result(), hostile()] {
        let folder = reports_against(&cells, &cells, &["junit"]);
        let file = folder.path().join("junit.report");
        let _started = shared();
        let Some(ended) = xmllint(&file) else { return };
        ended.with(0);
        // It would be told.
        let text = fs::read_to_string(&file).expect("it was written");
        let other = text.replace("<testsuites ", "<testsuites another=\"\" ");
        fs::write(&file, other).expect("it can be written");
        let ended = xmllint(&file).expect("it was there");
        let said = "The attribute 'another' is not allowed";
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn sarif_is_what_its_schema_says() {
    for cells in [of_every_result(), hostile()] {
        let folder = reports_against(&cells, &cells, &["sarif"]);
        let text = fs::read_to_string(folder.path().join("sarif.report")).expect("it was written");
        let mut report: Value = serde_json::from_str(&text).expect("it is JSON");
        let Some(validated_as_written) = validated(&report) else {
            return;
        };
        assert_eq!(validated_as_written, Ok(()));
        // It would be told.
        report["runs"][0]["tool"]["driver"]["name"] = 1.into();
        assert!(validated(&report).is_some_and(|validated| validated.is_err()));
    }
}
