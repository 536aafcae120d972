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

use super::bundle::{BundleFile, Bundled, is_bundle};
use super::choice::{choice, filter_of};
use super::containers::Where;
use super::execute::{Beside, Executed, execute_beside, ready};
use super::exit::{complain, of_run, print, print_aside, print_prose, tell};
use super::requirements::written;
use super::rerun::Earlier;
use super::watch::{Watched, watch};
use super::word;
use crate::builds::Builder;
use crate::report::{
    EvidenceOf, Format, Labels, ReportTo, findings, is_finding, matrix, observed, summary_line,
};
use crate::text::Page;
use fwlab_text::{line, one_line};

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Scenario files or folders of them, or one bundle, whose cells are run again
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// Only these cells: words of the cell's name, or axis=word. All words of one filter must match; several
    /// filters are alternatives
    #[arg(long, value_name = "WORDS")]
    filter: Vec<String>,
    /// Only this backend
    #[arg(long, value_name = "BACKEND", value_delimiter = ',', value_parser = word::backend())]
    backend: Vec<Backend>,
    /// Use these servers instead of the scenarios' own, except for scripted ones
    #[arg(long, value_name = "PEER", value_delimiter = ',', value_parser = word::server())]
    server: Vec<PeerName>,
    /// Use these clients instead of the scenarios' own, except for scripted ones
    #[arg(long, value_name = "PEER", value_delimiter = ',', value_parser = word::client())]
    client: Vec<PeerName>,
    #[command(flatten)]
    how: How,
    /// Go on after a cell that missed its requirement or is unclear
    #[arg(long)]
    keep_going: bool,
    /// Only the cells that were missed, inconclusive or not run in this JSON report
    #[arg(long, value_name = "REPORT")]
    rerun: Option<PathBuf>,
    /// Print what was observed as [[require]] blocks for the scenario's file, instead of tables; all cells are run
    #[arg(long, conflicts_with_all = ["server", "client"])]
    write_requirements: bool,
    /// Run again when a file that was read changes: the scenarios that use it, or all
    #[arg(long, conflicts_with_all = ["bundle", "rerun", "write_requirements", "report", "record", "capture", "against"])]
    watch: bool,
    /// Write a new file with everything somebody else needs to look at the run: the scenario and its files,
    /// versions, and what was seen of each chosen cell, including its packets. `fwlab run FILE` runs it again;
    /// `fwlab explain FILE` explains it without running
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

/// How cells are run, whichever they are.
#[derive(Debug, Args)]
pub(super) struct How {
    /// How many cells to run at a time; default: twelve for each processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(super) jobs: Option<u16>,
    /// What ends a cell that does not pass: early, the kernel's evidence; full, the peers' own timers
    #[arg(long, value_name = "early|full", default_value = "early")]
    pub(super) patience: Patience,
    #[command(flatten)]
    pub(super) place: Where,
    /// Do not build missing images: cells that need them are skipped
    #[arg(long)]
    no_build: bool,
    // The help is that of the formats' table.
    #[arg(long, value_name = "FORMAT=FILE", help = Format::help())]
    pub(super) report: Vec<ReportTo>,
    /// Which cells include their evidence in reports: those that missed or are unclear, or all
    #[arg(long, value_name = "missed|all", default_value = "missed")]
    pub(super) evidence: EvidenceOf,
    /// Record what each cell's judge was told in a new or empty folder: one file for each scenario, to be judged again
    #[arg(long, value_name = "DIR")]
    pub(super) record: Option<PathBuf>,
    /// Compare the run with an earlier one: say which cells end differently from this JSON report. An HTML report shows both
    #[arg(long, value_name = "REPORT")]
    pub(super) against: Option<PathBuf>,
    /// Write the packets of each cell to a new or empty folder: one pcapng file for each cell, for Wireshark,
    /// with the TLS secrets in it. `fwlab explain BUNDLE` writes those of the bundle
    #[arg(long, value_name = "DIR")]
    pub(super) capture: Option<PathBuf>,
    /// Show no progress; of scenarios, print only those with a cell that missed or is unclear
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print more: each cell with what was observed of it; of `lint`, each line that changes nothing by itself, also where a
    /// chain has many
    #[arg(short, long)]
    pub(super) verbose: bool,
}

impl How {
    /// How images that are missing are built, if they are to be.
    pub(super) fn builds(&self) -> Option<Builds> {
        (!self.no_build).then(|| Builder::Run.builds())
    }

    /// Refuses reports and what [`How::without_recordings`] does.
    ///
    /// # Errors
    /// When one was asked for: then that is said.
    pub(super) fn without_reports(&self, command: &str) -> Result<(), Exit> {
        self.without(command, ("--report", !self.report.is_empty()))
    }

    /// Refuses what is kept of single cells beside reports, and an earlier run to compare with: a command that runs the cells of a
    /// table many times over would not write it.
    ///
    /// # Errors
    /// When one was asked for: then that is said.
    pub(super) fn without_recordings(&self, command: &str) -> Result<(), Exit> {
        self.without(command, ("--record", self.record.is_some()))
    }

    fn without(&self, command: &str, first: (&str, bool)) -> Result<(), Exit> {
        let asked = [
            first,
            ("--record", self.record.is_some()),
            ("--capture", self.capture.is_some()),
            ("--against", self.against.is_some()),
        ];
        match asked.iter().find(|(_, is_asked)| *is_asked) {
            None => Ok(()),
            Some((option, _)) => {
                complain(
                    format!(
                        "`fwlab {command}` has no {option}: it runs the cells of a table many times over"
                    ),
                    Some("`fwlab check` with the same options reports on the table itself"),
                );
                Err(Exit::Usage)
            }
        }
    }

    pub(super) fn settings(&self) -> RunSettings {
        let default = RunSettings::default();
        RunSettings {
            jobs: self.jobs.map_or(default.jobs, usize::from),
            patience: self.patience,
            placement: self.place.placement(),
            builds: self.builds(),
            keep_evidence: self.evidence == EvidenceOf::All || self.verbose,
            keep_streams: self.record.is_some(),
            keep_packets: self.capture.is_some(),
            ..default
        }
    }
}

pub(super) fn run(arguments: &RunArguments) -> Exit {
    if !arguments.watch {
        return ran(arguments, None).unwrap_or_else(|exit| exit);
    }
    watch(&arguments.paths, |watched| {
        ran(arguments, Some(watched)).unwrap_or_else(|exit| exit)
    })
}

fn ran(arguments: &RunArguments, watched: Option<&mut Watched>) -> Result<Exit, Exit> {
    let bundled = bundled(arguments)?;
    let (mut scenarios, filter) = match &bundled {
        None => choice(&arguments.paths, &arguments.filter, scenarios)?,
        Some(bundled) => (vec![bundled.scenario()?], filter_of(&arguments.filter)?),
    };
    if let Some(watched) = watched {
        scenarios = watched.choose(scenarios);
    }
    idle(&scenarios)?;
    let overrides = Overrides {
        backends: arguments.backend.clone(),
        servers: arguments.server.clone(),
        clients: arguments.client.clone(),
    };
    let cells = |overrides: &Overrides, filter: &Filter| match &bundled {
        None => plan(&scenarios, overrides, filter),
        Some(bundled) => {
            let Overrides { backends, .. } = overrides;
            let mut cells = bundled.cells(&scenarios[0])?;
            cells.retain(|Cell { axes, scenario, .. }| {
                (backends.is_empty() || backends.contains(&axes.backend))
                    && filter.admits(axes, &scenario.tags)
            });
            Ok(cells)
        }
    };
    let (planned, again) = match &arguments.rerun {
        None => (cells(&overrides, &filter)?, None),
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
            let all = cells(&all, &Filter::default())?;
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
        // What is not run is not observed, and compared with nothing.
        keep_going: arguments.keep_going || arguments.write_requirements || bundled.is_some(),
        ..arguments.how.settings()
    };
    let loader = ready()?;
    let into = arguments.bundle.as_deref();
    let into_file = into.map(|path| BundleFile::open(path, &planned));
    let into_file = into_file.transpose()?;
    let read = bundled.iter().map(|_| arguments.paths[0].as_path());
    let beside = Beside {
        read: read.chain(arguments.rerun.as_deref()).collect(),
        bundle: into,
        settle: None,
    };
    let (executed, kept) = execute_beside(planned, loader, settings, &arguments.how, &beside)?;
    let Executed {
        records,
        summary,
        programs,
        about,
    } = executed;
    if arguments.write_requirements {
        print(written(&scenarios, &records));
    } else {
        show(&scenarios, &records, &arguments.how);
    }
    let mut page = Page::from(programs);
    if let Some(bundled) = &bundled {
        page.append(&bundled.compared(&scenarios[0], &records));
    }
    if let Some(again) = again {
        page.append(&again.line());
    }
    if let Some(before) = &about.before {
        let records: Vec<&CellRecord> = records.iter().map(Arc::as_ref).collect();
        page.append(&before.page(&records));
    }
    if let Some(file) = into_file {
        page.append(&file.write(&records, kept)?);
    }
    page.append(&summary_line(&summary));
    page.text('\n');
    match arguments.write_requirements {
        true => print_aside(page),
        false => print_prose(page),
    }
    Ok(of_run(&summary))
}

/// The bundle that is to be run again, if it is one that was named.
fn bundled(arguments: &RunArguments) -> Result<Option<Bundled>, Exit> {
    let Some(file) = arguments.paths.iter().find(|path| is_bundle(path)) else {
        return Ok(None);
    };
    let refused = match arguments {
        _ if arguments.paths.len() > 1 => "is a bundle, which must be run by itself",
        _ if !arguments.server.is_empty() || !arguments.client.is_empty() => {
            "is a bundle, which itself says which servers and clients to use"
        }
        _ => return Bundled::read(file).map(Some),
    };
    complain(
        format!("{} {refused}", file.display()),
        Some("write `fwlab run BUNDLE`, with --filter and --backend to choose among its cells"),
    );
    Err(Exit::Usage)
}

/// The cells of scenarios, where they are not too many.
pub(super) fn plan(
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
                    "with {} there would be {size}, and at most {MAX_CELLS} can be run at once",
                    scenario.path.display()
                ),
                Some("name fewer scenarios, peers or backends, or choose cells with --filter"),
            );
            return Err(Exit::Usage);
        }
    }
    Ok(planned)
}

/// A requirement that is held against nothing is a mistake of its file.
pub(super) fn idle(scenarios: &[Arc<Scenario>]) -> Result<(), Exit> {
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
fn show(scenarios: &[Arc<Scenario>], records: &[Arc<CellRecord>], how: &How) {
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
        if how.quiet && records.iter().all(|record| !is_finding(record)) {
            continue;
        }
        let mut page = Page::default();
        page.styled(&console::Style::new().bold(), line(&scenario.name));
        page.text(format_args!("  {}\n", line(&scenario.description)));
        page.append(&matrix(records, &labels));
        page.append(&findings(records, &labels));
        if how.verbose {
            page.append(&observed(records));
        }
        page.text('\n');
        print_prose(page);
    }
    if !not_run.is_empty() {
        let names = one_line(not_run.join(", "));
        print(format!("not run at all: {names}\n\n"));
    }
}
