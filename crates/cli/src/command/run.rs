use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fwlab_containers::Builds;
use fwlab_record::{Backend, CellRecord, Exit, Judgement, PeerName};
use fwlab_runner::{Patience, RunSettings};
use fwlab_scenario::Scenario;
use fwlab_scenario::collect::scenarios;
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Cell, MAX_CELLS, Overrides, Size, cells, idle_requirements};
use miette::Diagnostic;

use super::choice::choice;
use super::containers::Where;
use super::execute::{Beside, Executed, execute_beside, ready};
use super::exit::{complain, of_run, print, print_aside, tell};
use super::requirements::written;
use super::rerun::Earlier;
use super::word;
use crate::builds::Builder;
use crate::report::{EvidenceOf, Format, Labels, ReportTo, findings, matrix, summary_line};
use crate::text::Page;
use fwlab_text::{line, one_line};

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Scenario files, or folders of them
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// Only these cells: words of the cell's name, or axis=word; all words of one filter must
    /// hold, several filters are alternatives
    #[arg(long, value_name = "WORDS")]
    filter: Vec<String>,
    /// Only this backend
    #[arg(long, value_name = "BACKEND", value_delimiter = ',', value_parser = word::backend())]
    backend: Vec<Backend>,
    /// These servers in place of the scenarios' own, but for scripted ones
    #[arg(long, value_name = "PEER", value_delimiter = ',', value_parser = word::server())]
    server: Vec<PeerName>,
    /// These clients in place of the scenarios' own, but for scripted ones
    #[arg(long, value_name = "PEER", value_delimiter = ',', value_parser = word::client())]
    client: Vec<PeerName>,
    #[command(flatten)]
    how: How,
    /// Go on after a cell that missed its requirement, or that the lab could not tell of
    #[arg(long)]
    keep_going: bool,
    /// Only the cells that this JSON report has as missed, inconclusive or not run
    #[arg(long, value_name = "REPORT")]
    rerun: Option<PathBuf>,
    /// Print what was observed as [[require]] blocks for the scenario's file, in place of tables; all cells are run
    #[arg(long, conflicts_with_all = ["server", "client"])]
    write_requirements: bool,
}

/// How cells are run, whichever they are.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Cells at a time; default: twelve for each processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(super) jobs: Option<u16>,
    /// What ends a cell that does not pass: early, the kernel's evidence; full, the peers' own timers
    #[arg(long, value_name = "early|full", default_value = "early")]
    pub(super) patience: Patience,
    #[command(flatten)]
    pub(super) place: Where,
    /// Do not build images that cells need and that are missing: their cells are skipped
    #[arg(long)]
    no_build: bool,
    // The help is that of the formats' table.
    #[arg(long, value_name = "FORMAT=FILE", help = Format::help())]
    pub(super) report: Vec<ReportTo>,
    /// Which cells bring their evidence along in reports: those that missed or are unclear, or all
    #[arg(long, value_name = "missed|all", default_value = "missed")]
    pub(super) evidence: EvidenceOf,
    /// Record what each cell's judge was told, into a new or empty folder: a file a scenario, to be judged again
    #[arg(long, value_name = "DIR")]
    pub(super) record: Option<PathBuf>,
}

impl How {
    /// How images that are missing are built, if they are to be.
    pub(super) fn builds(&self) -> Option<Builds> {
        (!self.no_build).then(|| Builder::Run.builds())
    }

    pub(super) fn settings(&self) -> RunSettings {
        let default = RunSettings::default();
        RunSettings {
            jobs: self.jobs.map_or(default.jobs, usize::from),
            patience: self.patience,
            housing: self.place.housing(),
            builds: self.builds(),
            keep_evidence: self.evidence == EvidenceOf::All,
            keep_streams: self.record.is_some(),
            ..default
        }
    }
}

pub(super) fn run(arguments: RunArguments) -> Exit {
    ran(arguments).unwrap_or_else(|exit| exit)
}

fn ran(arguments: RunArguments) -> Result<Exit, Exit> {
    let (scenarios, filter) = choice(&arguments.paths, &arguments.filter, scenarios)?;
    idle(&scenarios)?;
    let overrides = Overrides {
        backends: arguments.backend,
        servers: arguments.server,
        clients: arguments.client,
    };
    let (planned, again) = match &arguments.rerun {
        None => (plan(&scenarios, &overrides, &filter)?, None),
        Some(file) => {
            let earlier = Earlier::read(file)?;
            if let Some(exit) = earlier.is_over() {
                return Ok(exit);
            }
            // Which of a report's cells are no longer there shows in all cells alone.
            let Overrides { backends, .. } = &overrides;
            let all = Overrides {
                backends: Vec::new(),
                ..overrides.clone()
            };
            let all = plan(&scenarios, &all, &Filter::default())?;
            let (planned, again) = earlier.again(all, &filter, backends);
            (planned, Some(again))
        }
    };
    if planned.is_empty() {
        complain(
            "no cell is chosen",
            Some("`fwlab list` shows the cells that there are"),
        );
        return Err(Exit::Usage);
    }
    let settings = RunSettings {
        // What is not run is not observed.
        keep_going: arguments.keep_going || arguments.write_requirements,
        ..arguments.how.settings()
    };
    let loader = ready()?;
    let beside = Beside {
        read: arguments.rerun.as_deref(),
    };
    let Executed {
        records,
        summary,
        programs,
    } = execute_beside(planned, loader, settings, &arguments.how, &beside)?;
    if arguments.write_requirements {
        print(written(&scenarios, &records));
    } else {
        show(&scenarios, &records);
    }
    let mut page = Page::from(programs);
    if let Some(again) = again {
        page.append(&again.line());
    }
    page.append(&summary_line(&summary));
    page.text('\n');
    match arguments.write_requirements {
        true => print_aside(page),
        false => print(page),
    }
    Ok(of_run(&summary))
}

/// The cells of scenarios, where they are not too many.
fn plan(
    scenarios: &[Arc<Scenario>],
    overrides: &Overrides,
    filter: &Filter,
) -> Result<Vec<Cell>, Exit> {
    let mut planned = Vec::new();
    for scenario in scenarios {
        let size = Size::of(&scenario.matrix, &scenario.rulesets, overrides);
        if size.cells() <= MAX_CELLS {
            planned.extend(cells(scenario, overrides, filter));
        }
        if size.cells() > MAX_CELLS || planned.len() > MAX_CELLS {
            complain(
                format!(
                    "with {} there would be {size}, and at most {MAX_CELLS} are run at once",
                    scenario.path.display()
                ),
                Some("name fewer scenarios, peers or backends, or choose cells by --filter"),
            );
            return Err(Exit::Usage);
        }
    }
    Ok(planned)
}

/// A requirement that is held against nothing is a mistake of its file.
fn idle(scenarios: &[Arc<Scenario>]) -> Result<(), Exit> {
    let mut found = Ok(());
    for scenario in scenarios {
        if let Some(error) = scenario.idle_requirements_error(&idle_requirements(scenario)) {
            tell([&error as &dyn Diagnostic]);
            found = Err(Exit::Usage);
        }
    }
    found
}

/// Prints each scenario's matrix and findings, in order of name.
fn show(scenarios: &[Arc<Scenario>], records: &[Arc<CellRecord>]) {
    let mut of_scenario: BTreeMap<&str, Vec<&CellRecord>> = BTreeMap::new();
    for record in records {
        of_scenario
            .entry(&record.axes.scenario)
            .or_default()
            .push(record);
    }
    let labels = Labels::default();
    let mut not_run = Vec::new();
    for scenario in scenarios {
        let Some(records) = of_scenario.get(scenario.name.as_str()) else {
            continue;
        };
        let is_not_run = |record: &&CellRecord| matches!(record.judgement, Judgement::NotRun(_));
        if records.iter().all(is_not_run) {
            not_run.push(scenario.name.as_str());
            continue;
        }
        let mut page = Page::default();
        page.styled(&console::Style::new().bold(), line(&scenario.name));
        page.text(format_args!("  {}\n", line(&scenario.description)));
        page.append(&matrix(records, &labels));
        page.append(&findings(records, &labels));
        page.text('\n');
        print(page);
    }
    if !not_run.is_empty() {
        let names = one_line(not_run.join(", "));
        print(format!("not run at all: {names}\n\n"));
    }
}
