//! The command `fwlab`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fwlab::command::main()
}
