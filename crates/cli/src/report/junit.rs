use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use fwlab_record::{CellRecord, Judgement};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::file::{Begun, ReportFile};
use fwlab_text::{line, lines, one_line};

/// The name of the whole report, by which an older one is known.
const NAME: &str = "fwlab";

/// Gathers cells for a JUnit report: a suite a scenario, a case a cell. A missed cell is a failure,
/// one that the lab could not tell of an error, and one that the run did not come to is skipped.
#[derive(Debug)]
pub struct JunitReport {
    file: Begun,
    records: Vec<Arc<CellRecord>>,
}

impl JunitReport {
    /// A report that will go to a file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin(file: ReportFile) -> io::Result<JunitReport> {
        Ok(JunitReport {
            file: file.begin()?,
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
                .or_insert_with(|| TestSuite::new(line(&scenario)));
            suite.add_test_case(case(record));
            if let Judgement::NotRun(why) = &record.judgement
                && let Some(by) = &why.interrupted_by
                && suite.properties.is_empty()
            {
                suite.add_property(Property::new("interrupted", by.as_str()));
            }
        }
        let mut report = Report::new(NAME);
        report.add_test_suites(suites.into_values());
        let text = report.to_string().map_err(io::Error::other)?;
        let written = (&self.file.file).write_all(text.as_bytes());
        written.map_err(|error| self.file.failed(error))
    }
}

/// Whether a file that begins so is such a report.
pub(super) fn is_report(prefix: &[u8]) -> bool {
    let text = String::from_utf8_lossy(prefix);
    let after_declaration = text
        .strip_prefix("<?xml ")
        .and_then(|rest| rest.split_once("?>"));
    after_declaration.is_some_and(|(_, rest)| {
        let suites = rest.trim_start().strip_prefix("<testsuites name=\"");
        suites.is_some_and(|rest| {
            rest.strip_prefix(NAME)
                .is_some_and(|rest| rest.starts_with('"'))
        })
    })
}

fn case(record: &CellRecord) -> TestCase {
    let status = match &record.judgement {
        Judgement::Met { .. } | Judgement::Reported(_) => TestCaseStatus::success(),
        Judgement::Skipped { why } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(line(why));
            status
        }
        // A cell that was cut short is what keeps an interrupted run from looking good.
        Judgement::NotRun(why) if why.begun => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(one_line(why)).set_type("interrupted");
            status
        }
        Judgement::NotRun(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(one_line(format_args!("not run: {why}")));
            status
        }
        Judgement::Missed { outcome, why } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(one_line(why)).set_type("missed");
            status.set_description(lines(&format!("{outcome}\n\n{}", record.evidence)));
            status
        }
        Judgement::Inconclusive { why } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(line(why)).set_type("inconclusive");
            status.set_description(lines(&record.evidence.to_string()));
            status
        }
    };
    let mut case = TestCase::new(one_line(&record.axes), status);
    case.set_classname(line(&record.axes.scenario))
        .set_time(record.took);
    case
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_known_by_its_beginning() {
        let text = Report::new(NAME).to_string().expect("XML");
        assert!(is_report(text.as_bytes()), "{text}");
        let theirs = Report::new("nextest-run").to_string().expect("XML");
        for other in ["", "<?xml version=\"1.0\"?>", "*filter\n", &theirs] {
            assert!(!is_report(other.as_bytes()), "{other}");
        }
        assert!(!is_report(b"\xff<?xml ?><testsuites name=\"fwlab\""));
    }
}
