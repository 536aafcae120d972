use std::collections::{BTreeMap, BTreeSet};
use std::io;

use fwlab_record::{CellRecord, Judgement};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::About;
use super::format::Format;
use super::gathered::Gathered;
use super::versions::named;
use fwlab_text::{line, lines, one_line};

pub(super) const FORMAT: Format = Format {
    word: "junit",
    what: "JUnit XML, for CI systems",
    is_report,
    begin: |file, about| Gathered::report(file, about, written),
};

/// The name of the whole report, by which an older one is known.
const NAME: &str = "fwlab";

/// A suite a scenario, a case a cell. A missed cell is a failure, one that the lab could not tell of an error, and one that
/// the run did not come to is skipped.
fn written(records: &[&CellRecord], _about: &About) -> io::Result<String> {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    let mut versions: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for record in records {
        let scenario = &record.axes.scenario;
        let suite = suites
            .entry(scenario)
            .or_insert_with(|| TestSuite::new(line(scenario)));
        suite.add_test_case(case(record));
        let of_suite = versions.entry(scenario).or_default();
        of_suite.extend(named(&record.versions));
        if let Judgement::NotRun(why) = &record.judgement
            && let Some(by) = &why.interrupted_by
            && suite.properties.is_empty()
        {
            suite.add_property(Property::new("interrupted", by.as_str()));
        }
    }
    for (scenario, of_suite) in versions {
        let Some(suite) = suites.get_mut(scenario) else {
            continue;
        };
        for (what, version) in of_suite {
            suite.add_property(Property::new(what, line(version).to_string()));
        }
    }
    let mut report = Report::new(NAME);
    report.add_test_suites(suites.into_values());
    let text = report.to_string().map_err(io::Error::other)?;
    Ok(without_all_skipped(&text))
}

/// The report without the number of skipped cases of all suites, which the schema of Jenkins does not know. Each suite
/// has its own.
fn without_all_skipped(text: &str) -> String {
    let without = || {
        let suites = text.find("<testsuites ")?;
        let end = suites + text[suites..].find('>')?;
        let from = suites + text[suites..end].find(" skipped=\"")?;
        let value = from + " skipped=\"".len();
        let to = value + text[value..end].find('"')? + 1;
        Some(format!("{}{}", &text[..from], &text[to..]))
    };
    without().unwrap_or_else(|| text.to_owned())
}

/// Whether a file that begins so is such a report.
fn is_report(prefix: &[u8]) -> bool {
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
