//! A host by its own files, and a gate for what its rules are to let through.
//!
//! `cargo run --example host --features hosts -- host.fwlab`

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what it is for"
)]

use fwlab::{Lab, LabError};

fn main() -> Result<(), LabError> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let table = Lab::host(files).check()?;
    for note in &table.notes {
        eprintln!("{note}");
    }
    print!("{table}");
    table.expect("passive passes")
}
