//! Readers of a run's events: the terminal, JSON lines, JUnit.

mod file;
mod json;
mod junit;
mod labels;
mod matrix;
mod streams;
mod terminal;
mod ways;

use std::path::PathBuf;
use std::str::FromStr;

pub use file::{ReportFile, ReportFileError, Taken};
pub use json::{EvidenceOf, JsonReport};
pub use junit::JunitReport;
pub use labels::Labels;
pub use matrix::{Shown, matrix};
pub use streams::{StreamFolder, StreamFolderError};
pub use terminal::{Progress, cause_in_short, explained, findings, summary_line};
pub(crate) use ways::{Way, Ways, way};

pub use crate::text::Page;

/// A report that goes to a file: `json=FILE` or `junit=FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTo {
    /// Its format.
    pub format: Format,
    /// Its file.
    pub file: PathBuf,
}

/// The format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line and cell.
    Json,
    /// JUnit's XML, as CI systems read it.
    Junit,
}

impl FromStr for ReportTo {
    type Err = String;
    fn from_str(text: &str) -> Result<ReportTo, String> {
        let (format, file) = text
            .split_once('=')
            .ok_or("write json=FILE or junit=FILE")?;
        let format = match format {
            "json" => Format::Json,
            "junit" => Format::Junit,
            other => {
                return Err(format!(
                    "`{other}` is no format: write json=FILE or junit=FILE"
                ));
            }
        };
        if file.is_empty() {
            return Err("the file has no name".into());
        }
        Ok(ReportTo {
            format,
            file: file.into(),
        })
    }
}
