use std::path::PathBuf;

use clap::{Args, Subcommand};
use fwlab_scenario::collect::outlines;
use fwlab_scenario::plan::{Overrides, axes};

use super::catalogue::by_symptom;
use super::choice::choice;
use super::exit::print;
use super::peers::{PeersArguments, peers};
use fwlab_record::Exit;
use fwlab_text::{line, one_line};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ListArguments {
    #[command(subcommand)]
    listed: Option<Listed>,
    /// Scenario files, or folders of them
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// Name every cell, as filters see it
    #[arg(long)]
    cells: bool,
    /// Print a Markdown page that lists the scenarios by what a user sees
    #[arg(long, conflicts_with = "cells")]
    by_symptom: bool,
    /// Only these cells, as in `fwlab run`
    #[arg(long, value_name = "WORDS")]
    filter: Vec<String>,
}

/// What is listed in place of scenarios.
#[derive(Debug, Subcommand)]
enum Listed {
    /// Servers and clients: version, place, what they can do, and how they differ from the rest
    Peers(PeersArguments),
}

pub(super) fn list(arguments: &ListArguments) -> Exit {
    if let Some(Listed::Peers(arguments)) = &arguments.listed {
        return peers(arguments);
    }
    let (scenarios, filter) = match choice(&arguments.paths, &arguments.filter, outlines) {
        Ok(choice) => choice,
        Err(exit) => return exit,
    };
    if arguments.by_symptom {
        print(by_symptom(&scenarios));
        return Exit::Good;
    }
    let width = scenarios
        .iter()
        .map(|scenario| line(&scenario.name).chars().count())
        .max()
        .unwrap_or(0);
    let mut all = 0;
    for scenario in &scenarios {
        let cells = axes(scenario, &Overrides::default(), &filter);
        all += cells.len();
        if arguments.cells {
            cells
                .iter()
                .for_each(|(_, axes)| print(format!("{}\n", one_line(axes))));
        } else if !cells.is_empty() {
            let count = cells.len();
            let (name, description) = (line(&scenario.name), line(&scenario.description));
            print(format!("{name:width$}  {count:4} cells  {description}\n"));
        }
    }
    if !arguments.cells {
        print(format!("{all} cells in {} scenarios\n", scenarios.len()));
    }
    Exit::Good
}
