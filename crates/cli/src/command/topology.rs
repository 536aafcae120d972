use clap::Args;
use fwlab_record::{Exit, Family};
use fwlab_scenario::{Layout, Shape};

use super::exit::print;
use super::word;

#[derive(Debug, Args)]
pub(super) struct TopologyArguments {
    /// The shape
    #[arg(value_parser = word::shape())]
    shape: Shape,
    /// How many clients to put side by side
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=9))]
    clients: u8,
    /// Add the host `third` to the server's network
    #[arg(long)]
    third: bool,
    /// Only the addresses of this family
    #[arg(long, value_name = "FAMILY", value_delimiter = ',', value_parser = word::family())]
    family: Vec<Family>,
}

/// Prints what a shape stands for, to be pasted into a scenario and changed.
pub(super) fn topology(arguments: &TopologyArguments) -> Exit {
    if arguments.clients == 1 && !arguments.third && arguments.family.is_empty() {
        print(arguments.shape.file());
        return Exit::Good;
    }
    let mut layout = Layout::new(arguments.shape);
    layout.clients = arguments.clients;
    layout.third = arguments.third;
    layout.families = if arguments.family.is_empty() {
        Family::ALL.to_vec()
    } else {
        arguments.family.clone()
    };
    // The control port is the server's business, and is no part of the long form.
    print(layout.deployment(21).long_form());
    Exit::Good
}
