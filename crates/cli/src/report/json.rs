use std::io;
use std::sync::Arc;

use fwlab_record::{CellRecord, Evidence};

use super::About;
use super::file::Begun;
use super::format::{Format, Report};

pub(super) const FORMAT: Format = Format {
    word: "json",
    what: "one line a cell",
    is_report,
    begin: |file, about| {
        let about = Arc::clone(about);
        Box::new(JsonReport { file, about })
    },
};

/// Writes one JSON object a line and cell, as the cells finish.
#[derive(Debug)]
struct JsonReport {
    file: Begun,
    about: Arc<About>,
}

impl Report for JsonReport {
    /// The cell's line is whole in the file when this returns, whatever ends the run then.
    fn add(&mut self, _index: usize, record: &Arc<CellRecord>) -> io::Result<()> {
        let mut line = if self.about.evidence.tells(record) {
            serde_json::to_vec(record.as_ref())?
        } else {
            serde_json::to_vec(&CellRecord {
                evidence: Evidence::default(),
                ..record.as_ref().clone()
            })?
        };
        line.push(b'\n');
        self.file.write(&line)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a file that begins so is such a report: with a line of a cell, of any version.
fn is_report(prefix: &[u8]) -> bool {
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
