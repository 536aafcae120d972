//! A JSON report that an earlier run wrote, read back: the one reader of it.

use std::path::Path;
use std::sync::Arc;

use fwlab_record::CellRecord;
use fwlab_scenario::input::{self, InputError};

/// The largest report that is read.
const MOST: u64 = 256 << 20;

/// Why a report is not read.
#[derive(Debug, thiserror::Error)]
pub enum EarlierError {
    /// The file cannot be read.
    #[error("cannot read the report {name}: {source}")]
    Unreadable {
        /// The file.
        name: String,
        /// Why.
        source: InputError,
    },
    /// The file is something else.
    #[error("{name} is not a JSON report of fwlab")]
    Foreign {
        /// The file.
        name: String,
    },
    /// A line of it is not a cell, or is one of another version.
    #[error("{name}:{line}: this is not a cell of a report that this fwlab can read: {why}")]
    Line {
        /// The file.
        name: String,
        /// Its line, 1 for the first.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl EarlierError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            EarlierError::Unreadable { .. } | EarlierError::Foreign { .. } => {
                "name a file that `fwlab run … --report json=FILE` wrote"
            }
            EarlierError::Line { .. } => {
                "it was cut off, edited, or written by another version: write it again with --report json=FILE"
            }
        }
    }
}

/// Whether a file that begins so can only be meant as a JSON report, of whichever version.
pub fn is_json_report(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{\"schema\":")
}

/// The cells of the report in a file.
///
/// # Errors
/// When it cannot be read, or anything else than cells of this version's record is in it.
pub fn read_report(file: &Path) -> Result<Vec<Arc<CellRecord>>, EarlierError> {
    let name = file.display().to_string();
    match input::read_file_up_to(file, MOST) {
        Ok(bytes) => read_records(&name, &bytes),
        Err(source) => Err(EarlierError::Unreadable { name, source }),
    }
}

/// The cells of a report's text; `name` is what its mistakes are told by.
///
/// # Errors
/// When anything else than cells of this version's record is in it.
pub fn read_records(name: &str, bytes: &[u8]) -> Result<Vec<Arc<CellRecord>>, EarlierError> {
    if !is_json_report(bytes) {
        let name = name.to_owned();
        return Err(EarlierError::Foreign { name });
    }
    let lines = bytes.split(|byte| *byte == b'\n').zip(1..);
    let lines = lines.filter(|(line, _)| !line.is_empty());
    let records = lines.map(|(text, line)| {
        let read = serde_json::from_slice::<CellRecord>(text);
        read.map(Arc::new).map_err(|error| EarlierError::Line {
            name: name.to_owned(),
            line,
            why: error.to_string(),
        })
    });
    records.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_by_its_line() {
        let kept = include_bytes!("../../../record/tests/it/version-2.jsonl");
        let records = read_records("r.json", kept).expect("they are of this version");
        assert!(records.len() > 3, "{}", records.len());
        let lines = String::from_utf8_lossy(kept);
        let first = lines.lines().next().expect("there is one");
        let newer = first.replacen("{\"schema\":2", "{\"schema\":3", 1);
        let text = format!("{first}\n\n{newer}\n");
        let error = read_records("r.json", text.as_bytes()).expect_err("one is newer");
        assert_eq!(
            error.to_string().split(" at line").next(),
            Some(
                "r.json:3: this is not a cell of a report that this fwlab can read: a record of version 3, and this reads version 2"
            )
        );
        for other in ["", "[]", "<html>"] {
            let error = read_records("r.json", other.as_bytes()).expect_err(other);
            assert!(matches!(error, EarlierError::Foreign { .. }), "{error}");
        }
    }
}
