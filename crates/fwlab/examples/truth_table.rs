//! Prints which data setups a client's ruleset lets through, and what stops the others:
//! `cargo run --example truth_table -- rules.v4`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use fwlab::{DataSetup, Lab, LabError};

fn main() -> anyhow::Result<()> {
    let usage = "give the ruleset's file: cargo run --example truth_table -- rules.v4";
    let rules = std::env::args().nth(1).ok_or(anyhow::anyhow!(usage))?;
    let lab = Lab::client_firewall().rules_file(rules)?;
    for data in DataSetup::ALL {
        match lab.transfer(*data) {
            Ok(observed) => println!("{}: {}", data.command(), observed.outcome),
            Err(LabError::NotSupported(why)) => println!("{}: {why}", data.command()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
