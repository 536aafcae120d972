use std::io::{self, Write};

use fwlab_record::{CellRecord, Evidence, Judgement};

use super::file::{Begun, ReportFile};

/// Writes one JSON object a line and cell, as the cells finish.
#[derive(Debug)]
pub struct JsonReport {
    file: Begun,
    evidence: EvidenceOf,
}

/// Which cells bring their evidence along in a JSON report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EvidenceOf {
    /// Those that missed their requirement, and those that the lab could not tell of.
    Missed,
    /// All.
    All,
}

impl JsonReport {
    /// Begins a report in a file, with the evidence of these cells.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin(file: ReportFile, evidence: EvidenceOf) -> io::Result<JsonReport> {
        let file = file.begin()?;
        Ok(JsonReport { file, evidence })
    }

    /// Adds a cell. Its line is whole in the file when this returns, whatever ends the run then.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, record: &CellRecord) -> io::Result<()> {
        let is_told = self.evidence == EvidenceOf::All
            || matches!(
                record.judgement,
                Judgement::Missed { .. } | Judgement::Inconclusive { .. }
            );
        let mut line = if is_told {
            serde_json::to_vec(record)?
        } else {
            serde_json::to_vec(&CellRecord {
                evidence: Evidence::default(),
                ..record.clone()
            })?
        };
        line.push(b'\n');
        let written = (&self.file.file).write_all(&line);
        written.map_err(|error| self.file.failed(error))
    }
}

/// Whether a file that begins so is such a report: with a line of a cell, of any version.
pub(super) fn is_report(prefix: &[u8]) -> bool {
    let version = prefix.strip_prefix(br#"{"schema":"#);
    version.is_some_and(|rest| {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        digits > 0 && rest[digits..].starts_with(br#","scenario":""#)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_of_a_cell_is_a_report() {
        for report in [
            &br#"{"schema":1,"scenario":"a","ruleset":"#[..],
            br#"{"schema":23,"scenario":""#,
        ] {
            assert!(is_report(report));
        }
        for other in [
            &b""[..],
            b"{}",
            b"*filter\n",
            br#"{"schema":"#,
            br#"{"schema":,"scenario":""#,
            br#"{"schema":"1","scenario":""#,
            br#" {"schema":1,"scenario":""#,
            br#"{"schema":1,"title":""#,
        ] {
            assert!(!is_report(other));
        }
    }
}
