//! The command `fwlab`: arguments in, reports and an exit code out. The library for tests is the crate `fwlab`.
//!
//! - [`command`] has a file for each command, and the only two that write to standard output and standard error.
//! - [`report`] reads records, and writes the terminal's tables, reports in the formats of one table, and streams.
//!
//! ```
//! use fwlab_cli::report::ReportTo;
//!
//! let report: ReportTo = "json=report.json".parse().expect("a format and a file");
//! assert_eq!(report.format.word, "json");
//! ```

mod builds;
pub mod command;
pub mod report;
mod text;
