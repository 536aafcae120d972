use clap::Args;
use fwlab_scenario::{describe, json_schema};

use super::exit::print;
use fwlab_record::Exit;

#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// As a JSON Schema, for editors
    #[arg(long)]
    json: bool,
    /// The JSON Schema of a line of the JSON report, instead of the scenario file's
    #[arg(long, conflicts_with = "json")]
    record: bool,
}

pub(super) fn schema(arguments: &SchemaArguments) -> Exit {
    if arguments.record {
        print(format!("{:#}\n", fwlab_record::record_schema().as_value()));
    } else if arguments.json {
        print(format!("{:#}\n", json_schema()));
    } else {
        print(describe());
    }
    Exit::Good
}
