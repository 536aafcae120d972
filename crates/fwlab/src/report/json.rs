use std::io::{self, Write};

use fwlab_runner::CellRecord;

use super::file::{Begun, ReportFile};

/// Writes one JSON object a line and cell, as the cells finish.
#[derive(Debug)]
pub struct JsonReport(Begun);

impl JsonReport {
    /// Begins a report in a file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin(file: ReportFile) -> io::Result<JsonReport> {
        Ok(JsonReport(file.begin()?))
    }

    /// Adds a cell. Its line is whole in the file when this returns, whatever ends the run then.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, record: &CellRecord) -> io::Result<()> {
        let mut line = serde_json::to_vec(&record.json_line())?;
        line.push(b'\n');
        let written = (&self.0.file).write_all(&line);
        written.map_err(|error| self.0.failed(error))
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
