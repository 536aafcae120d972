use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use fwlab_runner::CellRecord;

/// Writes one JSON object a line and cell, as the cells finish.
#[derive(Debug)]
pub struct JsonReport(BufWriter<File>);

impl JsonReport {
    /// Begins a report in a file.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(file: &Path) -> io::Result<JsonReport> {
        Ok(JsonReport(BufWriter::new(File::create(file)?)))
    }

    /// Adds a cell.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, record: &CellRecord) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, &record.json_line())?;
        self.0.write_all(b"\n")
    }

    /// Ends the report.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}
