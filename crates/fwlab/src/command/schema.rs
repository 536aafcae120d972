use clap::Args;
use fwlab_runner::scenario::{describe, json_schema};

use super::exit::print;
use fwlab_record::Exit;

#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// As a JSON Schema, for editors
    #[arg(long)]
    json: bool,
}

pub(super) fn schema(arguments: &SchemaArguments) -> Exit {
    if arguments.json {
        print(format!("{:#}\n", json_schema()));
    } else {
        print(describe());
    }
    Exit::Good
}
