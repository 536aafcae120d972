use std::path::PathBuf;

use clap::Args;
use fwlab_runner::plan::{Overrides, cells};

use super::catalogue::by_symptom;
use super::choice::choice;
use super::exit::{Exit, print};

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Scenario files, or folders of them
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// Name every cell, as filters see it
    #[arg(long)]
    cells: bool,
    /// Print a page of Markdown that lists the scenarios by what a user sees
    #[arg(long, conflicts_with = "cells")]
    by_symptom: bool,
    /// Only these cells, as `run` takes it
    #[arg(long, value_name = "WORDS")]
    filter: Vec<String>,
}

pub(super) fn list(arguments: &ListArguments) -> Exit {
    let (scenarios, filter) = match choice(&arguments.paths, &arguments.filter) {
        Ok(choice) => choice,
        Err(exit) => return exit,
    };
    if arguments.by_symptom {
        print(by_symptom(&scenarios));
        return Exit::Good;
    }
    let width = scenarios
        .iter()
        .map(|scenario| scenario.name.len())
        .max()
        .unwrap_or(0);
    let mut all = 0;
    for scenario in &scenarios {
        let cells = cells(scenario, &Overrides::default(), &filter);
        all += cells.len();
        if arguments.cells {
            cells
                .iter()
                .for_each(|cell| print(format!("{}\n", cell.axes)));
        } else if !cells.is_empty() {
            let count = cells.len();
            print(format!(
                "{:width$}  {count:4} cells  {}\n",
                scenario.name, scenario.description
            ));
        }
    }
    if !arguments.cells {
        print(format!("{all} cells in {} scenarios\n", scenarios.len()));
    }
    Exit::Good
}
