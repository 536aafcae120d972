//! A run held against an earlier one, whose JSON report is read back.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fwlab_record::{Axes, Cause, CellRecord, Judgement};
use fwlab_text::{line, one_line};

use super::causes::cause_in_short;
use super::earlier::{EarlierError, read_report};
use super::matrix::Shown;
use crate::text::Page;

/// As many cells are named that are otherwise.
const NAMED: usize = 30;

/// The cells of an earlier run.
#[derive(Debug, Default)]
pub struct Before {
    name: String,
    cells: BTreeMap<Axes, Arc<CellRecord>>,
}

/// What became of a cell since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// It ends as it did.
    Same,
    /// It ends otherwise.
    Otherwise,
    /// It was not there, or one of the two was not run.
    Unknown,
}

impl Before {
    /// Those of the report in a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no report of this version.
    pub fn read(file: &Path) -> Result<Before, EarlierError> {
        let records = read_report(file)?.into_iter();
        Ok(Before::of(file.display().to_string(), records))
    }

    /// The records of an earlier run, which is called by this name.
    pub fn of(name: String, records: impl Iterator<Item = Arc<CellRecord>>) -> Before {
        Before {
            name,
            cells: records
                .map(|record| (record.axes.clone(), record))
                .collect(),
        }
    }

    /// What became of a cell since, and how it ended then.
    pub(super) fn since(&self, now: &CellRecord) -> (Since, Option<&CellRecord>) {
        let Some(then) = self.cells.get(&now.axes) else {
            return (Since::Unknown, None);
        };
        let then = then.as_ref();
        if !is_run(then) || !is_run(now) {
            return (Since::Unknown, Some(then));
        }
        match ended(then) == ended(now) {
            true => (Since::Same, Some(then)),
            false => (Since::Otherwise, Some(then)),
        }
    }

    /// Whether a cell ends otherwise.
    pub fn is_otherwise(&self, record: &CellRecord) -> bool {
        self.since(record).0 == Since::Otherwise
    }

    /// The cells that end otherwise, and how many do not, were not there or are gone.
    pub fn page(&self, records: &[&CellRecord]) -> Page {
        let (mut others, mut same, mut new, mut known) = (Vec::new(), 0, 0, 0);
        for &now in records {
            let since = self.since(now);
            known += usize::from(since.1.is_some());
            match since {
                (Since::Same, _) => same += 1,
                (Since::Otherwise, Some(then)) => others.push((then, now)),
                _ => new += 1,
            }
        }
        let gone = self.cells.len().saturating_sub(known);
        let mut page = Page::default();
        page.text(format_args!(
            "against {}: {} otherwise, {same} as before",
            one_line(&self.name),
            match others.len() {
                1 => "1 cell".to_owned(),
                count => format!("{count} cells"),
            }
        ));
        if new > 0 {
            page.text(format_args!(", {new} not known in both"));
        }
        if gone > 0 {
            page.text(format_args!(", {gone} that are not here"));
        }
        page.text('\n');
        for (then, now) in others.iter().take(NAMED) {
            page.text(format_args!(
                "  {}\n    before: {}\n    now:    {}\n",
                one_line(&now.axes),
                line(&in_words(then)),
                line(&in_words(now))
            ));
        }
        if let Some(more @ 1..) = others.len().checked_sub(NAMED) {
            page.text(format_args!("  and {more} more\n"));
        }
        page
    }
}

fn is_run(record: &CellRecord) -> bool {
    !matches!(record.judgement, Judgement::NotRun(_))
}

/// How a cell ended, in what its user sees and what caused it.
fn ended(record: &CellRecord) -> (&'static str, String) {
    let outcome = record.judgement.outcome();
    let cause = outcome.filter(|outcome| outcome.cause != Cause::None);
    let cause = cause.map(|outcome| cause_in_short(&outcome.cause));
    (
        Shown::of(&record.judgement).words(),
        cause.unwrap_or_default(),
    )
}

/// The same in words.
pub(super) fn in_words(record: &CellRecord) -> String {
    match ended(record) {
        (words, cause) if cause.is_empty() => words.to_owned(),
        (words, cause) => format!("{words}: {cause}"),
    }
}
