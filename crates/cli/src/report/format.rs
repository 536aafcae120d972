//! The formats of reports that go to files: a table, and the trait that is behind each line of it.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use fwlab_record::CellRecord;

use super::file::{Begun, ReportFile};
use super::{About, html, json, junit, markdown, sarif};

/// Every format, in the order of the help. A new one is a file of its own, and a line here.
static FORMATS: [Format; 5] = [
    json::FORMAT,
    junit::FORMAT,
    sarif::FORMAT,
    markdown::FORMAT,
    html::FORMAT,
];

/// A report that is being written.
pub(super) trait Report: Debug {
    /// Reads what became of the cell with this place in the plan: it was finished, or not run.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn add(&mut self, index: usize, record: &Arc<CellRecord>) -> io::Result<()>;

    /// Ends the report: every cell was added, in whatever order.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A format of reports: a line of the table.
#[derive(Debug)]
pub struct Format {
    /// What it is called on the command line.
    pub word: &'static str,
    /// What it is, in a few words, for the help.
    pub what: &'static str,
    /// Whether a file that begins so is such a report, which may be written over.
    pub(super) is_report: fn(&[u8]) -> bool,
    /// Begins a report in an empty file.
    pub(super) begin: fn(Begun, &Arc<About>) -> Box<dyn Report>,
}

impl Format {
    /// All of them.
    pub fn all() -> &'static [Format] {
        &FORMATS
    }

    /// All of them, in words: `json=FILE or junit=FILE`.
    fn alternatives() -> String {
        let words: Vec<String> = FORMATS
            .iter()
            .map(|format| format!("{}=FILE", format.word))
            .collect();
        match words.split_last() {
            Some((last, before)) if !before.is_empty() => {
                format!("{} or {last}", before.join(", "))
            }
            _ => words.concat(),
        }
    }

    /// The help of `--report`.
    pub fn help() -> String {
        let formats = FORMATS
            .iter()
            .map(|Format { word, what, .. }| format!("{word}=FILE, {what}"));
        format!("Write a report: {}", formats.collect::<Vec<_>>().join("; "))
    }
}

/// Whether a file that begins so is a report of any format.
pub(super) fn is_report(prefix: &[u8]) -> bool {
    FORMATS.iter().any(|format| (format.is_report)(prefix))
}

/// A report that goes to a file, as the command line asks for it: `json=FILE`.
#[derive(Debug, Clone)]
pub struct ReportTo {
    /// Its format.
    pub format: &'static Format,
    /// Its file.
    pub file: PathBuf,
}

impl FromStr for ReportTo {
    type Err = String;
    fn from_str(text: &str) -> Result<ReportTo, String> {
        let write = || format!("write {}", Format::alternatives());
        let (word, file) = text.split_once('=').ok_or_else(write)?;
        let format = FORMATS.iter().find(|format| format.word == word);
        let format = format.ok_or_else(|| format!("`{word}` is not a format: {}", write()))?;
        if file.is_empty() {
            return Err("the file has no name".into());
        }
        if file == "-" {
            return Err("standard output has the table: name a file, such as `report.json`; a file that really has this name is `./-`".into());
        }
        Ok(ReportTo {
            format,
            file: file.into(),
        })
    }
}

/// All reports of a run that go to files.
#[derive(Debug)]
pub struct Reports(Vec<Box<dyn Report>>);

impl Reports {
    /// Begins a report in each file: what was in it is gone.
    ///
    /// # Errors
    /// When a file cannot be written any more.
    pub fn begin(
        files: impl IntoIterator<Item = (&'static Format, ReportFile)>,
        about: &Arc<About>,
    ) -> io::Result<Reports> {
        let begun = files
            .into_iter()
            .map(|(format, file)| Ok((format.begin)(file.begin()?, about)));
        begun.collect::<io::Result<_>>().map(Reports)
    }

    /// Adds a cell to each of them, wherever else it fails.
    ///
    /// # Errors
    /// The first, when files cannot be written.
    pub fn add(&mut self, index: usize, record: &Arc<CellRecord>) -> io::Result<()> {
        let added = self.0.iter_mut().map(|report| report.add(index, record));
        added.fold(Ok(()), io::Result::and)
    }

    /// Ends each of them, wherever else it fails.
    ///
    /// # Errors
    /// The first, when files cannot be written.
    pub fn finish(self) -> io::Result<()> {
        let finished = self.0.into_iter().map(|report| report.finish());
        finished.fold(Ok(()), io::Result::and)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_formats_are_told_apart() {
        for format in &FORMATS {
            let to: ReportTo = format!("{}=a=b", format.word).parse().expect("it is one");
            assert_eq!((to.format.word, to.file), (format.word, "a=b".into()));
            assert!(Format::help().contains(format.what));
        }
        for (text, told) in [
            ("json", "write json=FILE"),
            ("yaml=x", "`yaml` is not a format: write json=FILE"),
            ("json=", "the file has no name"),
            ("json=-", "standard output has the table"),
        ] {
            let error = text.parse::<ReportTo>().expect_err(text);
            assert!(error.starts_with(told), "{error}");
        }
    }
}
