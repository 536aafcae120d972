//! Reports against the schemas that were published for their formats. They are of made-up runs, and need no lab.
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
    let _started = shared();
    let mut command = tool(&["xmllint"])?;
    command
        .arg("--noout")
        .arg("--schema")
        .arg(root().join("crates/cli/tests/it/schemas/junit-10.xsd"))
        .arg(file);
    Some(end_of(&mut command))
}

#[test]
fn junit_is_what_its_schema_says() {
    for cells in [of_every_result(), hostile()] {
        let folder = reports_against(&cells, &cells, &["junit"]);
        let file = folder.path().join("junit.report");
        let Some(ended) = xmllint(&file) else { return };
        ended.with(0);
        // It would be told.
        let text = fs::read_to_string(&file).expect("it was written");
        let other = text.replace("<testsuites ", "<testsuites another=\"\" ");
        fs::write(&file, other).expect("it can be written");
        let ended = xmllint(&file).expect("it was there");
        assert!(
            ended
                .stderr
                .contains("The attribute 'another' is not allowed"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn sarif_is_what_its_schema_says() {
    let Some(schema) = fetched("sarif-2.1.0.json") else {
        return;
    };
    let schema: Value = serde_json::from_str(&schema).expect("a schema");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    let name = "sarif-2.1.0.json";
    compiler.add_resource(name, schema).expect("it can be read");
    let schema = compiler
        .compile(name, &mut schemas)
        .expect("it is a schema");
    let valid = |report: &Value| {
        schemas
            .validate(report, schema)
            .map_err(|error| format!("{error:#}"))
    };
    for cells in [of_every_result(), hostile()] {
        let folder = reports_against(&cells, &cells, &["sarif"]);
        let text = fs::read_to_string(folder.path().join("sarif.report")).expect("it was written");
        let mut report: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(valid(&report), Ok(()));
        // It would be told.
        report["runs"][0]["tool"]["driver"]["name"] = 1.into();
        assert!(valid(&report).is_err());
    }
}
