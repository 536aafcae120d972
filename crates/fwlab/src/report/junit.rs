use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fwlab_runner::{CellRecord, Judgement};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// Gathers cells for a JUnit report: a suite a scenario, a case a cell. A missed
/// cell is a failure, one that the lab could not tell of an error.
#[derive(Debug)]
pub struct JunitReport {
    file: PathBuf,
    records: Vec<Arc<CellRecord>>,
}

impl JunitReport {
    /// A report that will go to a file.
    ///
    /// # Errors
    /// When the file cannot be made: better now than after the run.
    pub fn create(file: &Path) -> io::Result<JunitReport> {
        File::create(file)?;
        Ok(JunitReport {
            file: file.to_owned(),
            records: Vec::new(),
        })
    }

    /// Adds a cell.
    pub fn add(&mut self, record: &Arc<CellRecord>) {
        self.records.push(Arc::clone(record));
    }

    /// Writes the report.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> io::Result<()> {
        let mut suites: BTreeMap<String, TestSuite> = BTreeMap::new();
        for record in &self.records {
            let scenario = record.axes.scenario.clone();
            let suite = suites
                .entry(scenario.clone())
                .or_insert_with(|| TestSuite::new(scenario));
            suite.add_test_case(case(record));
        }
        let mut report = Report::new("fwlab");
        report.add_test_suites(suites.into_values());
        report
            .serialize(File::create(&self.file)?)
            .map_err(io::Error::other)
    }
}

fn case(record: &CellRecord) -> TestCase {
    let status = match &record.judgement {
        Judgement::Met(_) | Judgement::Deviated { .. } | Judgement::Reported(_) => {
            TestCaseStatus::success()
        }
        Judgement::Skipped { why } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.clone());
            status
        }
        Judgement::Missed {
            outcome,
            differences,
        } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(differences.join("; "))
                .set_type("missed");
            status.set_description(format!("{outcome}\n\n{}", record.evidence));
            status
        }
        Judgement::Inconclusive { why } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(why.clone()).set_type("inconclusive");
            status.set_description(record.evidence.to_string());
            status
        }
    };
    let mut case = TestCase::new(record.axes.to_string(), status);
    case.set_classname(record.axes.scenario.clone())
        .set_time(record.took);
    case
}
