//! `mutate`: how good the requirements of scenarios are, by making one mistake after another in their rules.

mod changed;
mod report;
mod verdict;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fwlab_record::{Backend, CellRecord, Exit, Judgement};
use fwlab_runner::RunSettings;
use fwlab_scenario::Scenario;
use fwlab_scenario::collect::scenarios;
use fwlab_scenario::plan::{Cell, MAX_CELLS, Overrides};

use super::choice::choice;
use super::containers::Where;
use super::execute::{ready, runtime};
use super::exit::{complain, print, print_aside};
use super::run::{idle, plan};
use super::trial::ran;
use super::word;
use crate::builds::Builder;
use crate::report::Progress;
use changed::{Changed, Lab, Left, of_scenario};
use report::report;
use verdict::{Verdict, first_cells, verdict};

#[derive(Debug, Args)]
pub(super) struct MutateArguments {
    /// Scenario files, or folders of them
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// Only these cells, as in `fwlab run`
    #[arg(long, value_name = "WORDS")]
    filter: Vec<String>,
    /// Only this backend
    #[arg(long, value_name = "BACKEND", value_delimiter = ',', value_parser = word::backend())]
    backend: Vec<Backend>,
    /// Make at most this many mistakes, from the first on
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    mutants: u32,
    /// How many cells to run at a time; default: twelve for each processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    jobs: Option<u16>,
    #[command(flatten)]
    place: Where,
}

impl MutateArguments {
    fn settings(&self) -> RunSettings {
        let default = RunSettings::default();
        RunSettings {
            jobs: self.jobs.map_or(default.jobs, usize::from),
            placement: self.place.placement(),
            builds: Some(Builder::Run.builds()),
            keep_going: true,
            ..default
        }
    }
}

pub(super) fn mutate(arguments: &MutateArguments) -> Exit {
    mutated(arguments).unwrap_or_else(|exit| exit)
}

fn mutated(arguments: &MutateArguments) -> Result<Exit, Exit> {
    let (scenarios, filter) = choice(&arguments.paths, &arguments.filter, scenarios)?;
    idle(&scenarios)?;
    let overrides = Overrides {
        backends: arguments.backend.clone(),
        ..Overrides::default()
    };
    let planned = plan(&scenarios, &overrides, &filter)?;
    let settings = arguments.settings();
    let loader = ready()?;
    let runtime = runtime()?;
    let lab = Lab {
        runtime: &runtime,
        loader: &loader,
        cells: &planned,
    };
    let run = |cells: Vec<Cell>, names: Vec<String>| {
        let progress = Progress::new(names, false);
        let mut records = ran(&runtime, cells, &loader, &settings, Some(progress))?;
        records.sort_by_key(|(at, _)| *at);
        let records = records.into_iter().map(|(_, record)| record);
        Ok::<Vec<Arc<CellRecord>>, Exit>(records.collect())
    };
    let names = planned.iter().map(|cell| cell.axes.to_string());
    let as_it_is = run(planned.clone(), names.collect())?;
    proven(&planned, &as_it_is)?;

    let mut left = Left::default();
    let mut all: Vec<Changed> = Vec::new();
    for scenario in &scenarios {
        all.extend(of_scenario(&lab, scenario, &mut left));
    }
    left.beyond = all.len().saturating_sub(arguments.mutants as usize);
    all.truncate(arguments.mutants as usize);
    let all = lab.loadable(all, &mut left);
    if all.is_empty() {
        let mut page = crate::text::Page::default();
        report(&mut page, &[], &left, &planned);
        print_aside(page);
        complain(
            "there is no rule to change that a requirement looks at",
            Some("a scenario needs rules that somebody wrote, and [[require]]"),
        );
        return Err(Exit::Usage);
    }

    // First one cell of each kind, as most mistakes show in the first; then all, of those that did not.
    let mut verdicts: Vec<Verdict> = all.iter().map(|_| Verdict::default()).collect();
    for first in [true, false] {
        let mut cells: Vec<Cell> = Vec::new();
        let mut of: Vec<(usize, usize)> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for (at, changed) in all.iter().enumerate() {
            if verdicts[at].is_noticed() {
                continue;
            }
            let firsts = first_cells(&planned, &changed.cells);
            for &cell in &changed.cells {
                if firsts.contains(&cell) == first {
                    cells.push(changed.cell(&planned[cell]));
                    names.push(format!("{} {}", planned[cell].axes, changed.mutant.change));
                    of.push((at, cell));
                }
            }
        }
        let batches = cells.len().div_ceil(MAX_CELLS).max(1);
        let size = cells.len().div_ceil(batches).max(1);
        let mut of = of.into_iter();
        while !cells.is_empty() {
            let rest = cells.split_off(size.min(cells.len()));
            let rest_of_names = names.split_off(size.min(names.len()));
            for record in run(cells, names)? {
                let Some((at, cell)) = of.next() else { break };
                verdict(&mut verdicts[at], &as_it_is[cell], &record);
            }
            (cells, names) = (rest, rest_of_names);
        }
    }
    let verdicts: Vec<(&Changed, Verdict)> = all.iter().zip(verdicts).collect();
    let mut page = crate::text::Page::default();
    let exit = report(&mut page, &verdicts, &left, &planned);
    print(page);
    Ok(exit)
}

/// Requirements that do not hold tell nothing of mistakes.
fn proven(planned: &[Cell], records: &[Arc<CellRecord>]) -> Result<(), Exit> {
    let of = |is: fn(&Judgement) -> bool| {
        let mut records = planned.iter().zip(records);
        let found =
            records.find(|(cell, record)| cell.requirement.is_some() && is(&record.judgement));
        found.map(|(cell, _)| cell.axes.to_string())
    };
    let help = Some("`fwlab run` shows why; fwlab mutates only rules whose requirements hold");
    if let Some(cell) = of(|judgement| matches!(judgement, Judgement::Missed { .. })) {
        complain(
            format!("{cell} misses its requirement without any mistake"),
            help,
        );
        return Err(Exit::Missed);
    }
    let is_unclear = |judgement: &Judgement| {
        matches!(
            judgement,
            Judgement::Inconclusive { .. } | Judgement::NotRun(_)
        )
    };
    if let Some(cell) = of(is_unclear) {
        complain(format!("{cell} is unclear without any mistake"), help);
        return Err(Exit::Lab);
    }
    if !planned.iter().any(|cell| cell.requirement.is_some()) {
        complain(
            "no requirement names a cell",
            Some(
                "write [[require]] into the scenario; `fwlab run --write-requirements` prints what was observed",
            ),
        );
        return Err(Exit::Usage);
    }
    Ok(())
}

/// The scenario of cells.
fn is_of(cell: &Cell, scenario: &Arc<Scenario>) -> bool {
    Arc::ptr_eq(&cell.scenario, scenario)
}
