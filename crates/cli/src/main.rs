//! The command `fwlab`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fwlab_cli::command::main()
}
