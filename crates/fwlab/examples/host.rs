//! A host by its own files, and a gate for what its rules are to let through.
//!
//! `cargo run --example host --features hosts -- host.fwlab`

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what it is for"
)]

use fwlab::{Host, Lab, LabError};

fn main() -> Result<(), LabError> {
    let mut files = std::env::args().skip(1);
    let first = files.next().unwrap_or_else(|| "host.fwlab".to_owned());
    let table = files.fold(Lab::host(first), Host::file).check()?;
    for note in &table.notes {
        eprintln!("{note}");
    }
    print!("{table}");
    table.expect("passive passes")
}
