//! Runs a batch of subjects in every way that must agree.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fwlab_record::{CellRecord, Chance, DataSetup};
use fwlab_runner::{Loader, NoLoader, Patience, PrepareError, Run, RunEvent, RunSettings};
use fwlab_scenario::ScenarioError;
use fwlab_scenario::plan::Cell;
use tokio::sync::mpsc::unbounded_channel;

use crate::random::Draws;
use crate::rewrite::{Rewrite, without_policy, without_rule};
use crate::seen::{Fate, Statement};
use crate::subject::{Subject, Variant};

/// Why a batch came to nothing.
#[derive(Debug)]
pub enum TrialError {
    /// A scenario made here cannot be read.
    Scenario(Box<ScenarioError>),
    /// Rulesets made here do not load.
    Rulesets(Vec<PrepareError>),
    /// There is no iptables.
    Loader(NoLoader),
}

impl std::fmt::Display for TrialError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TrialError::Scenario(error) => {
                write!(f, "a scenario that the generator made cannot be read")?;
                let mut problems = error.problems.iter();
                problems.try_for_each(|problem| write!(f, "\n  {problem}"))?;
                write!(
                    f,
                    "\nmend subject.rs; its text:\n{}",
                    error.source_code.text()
                )
            }
            TrialError::Rulesets(errors) => {
                write!(f, "rulesets that the generator made do not load")?;
                errors.iter().try_for_each(|error| {
                    write!(f, "\n  {}\n  {error:?}", fwlab_runner::with_causes(error))
                })?;
                write!(f, "\nmend generate.rs, or rule.rs")
            }
            TrialError::Loader(error) => write!(f, "{error}; {}", error.help()),
        }
    }
}

impl std::error::Error for TrialError {}

/// Which run of a subject: the variant, the backend, the data setup, and whether on real timers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    pub(crate) variant: String,
    pub(crate) backend: String,
    pub(crate) setup: DataSetup,
    pub(crate) full: bool,
}

/// A subject with everything that was run of it.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) subject: Subject,
    /// The backend that one run of a variant is done with.
    pub(crate) backend: &'static str,
    pub(crate) variants: Vec<Variant>,
    pub(crate) fates: BTreeMap<Way, (Fate, Duration)>,
    /// What the records say beside the outcomes.
    pub(crate) notes: BTreeMap<Way, String>,
    /// What they rest on beside the rules.
    pub(crate) chances: BTreeMap<Way, Vec<Chance>>,
}

/// The variant that the others come from.
pub(crate) const ORIGINAL: &str = "original";

impl Trial {
    fn new(subject: Subject, mut draws: Draws) -> Trial {
        let backends = subject.backends();
        let at = draws.below(backends.len());
        let one = &backends[at..=at];
        let original = Variant {
            name: ORIGINAL.into(),
            ruleset: subject.ruleset.clone(),
            backends,
        };
        let mut variants = vec![original];
        for rewrite in Rewrite::ALL {
            let ruleset = rewrite.of(&subject.ruleset, &mut draws);
            variants.extend(ruleset.map(|ruleset| Variant {
                name: rewrite.word().into(),
                ruleset,
                backends: one,
            }));
        }
        Trial {
            subject,
            backend: one[0],
            variants,
            fates: BTreeMap::new(),
            notes: BTreeMap::new(),
            chances: BTreeMap::new(),
        }
    }

    /// The way in which a variant is run with the trial's own backend.
    pub(crate) fn way(&self, variant: &str, setup: DataSetup) -> Way {
        Way {
            variant: variant.into(),
            backend: self.backend.into(),
            setup,
            full: false,
        }
    }

    /// The name of the variant without what a cell's cause names.
    pub(crate) fn lessened(&self, setup: DataSetup) -> Option<String> {
        let (fate, _) = self.fates.get(&self.way(ORIGINAL, setup))?;
        match fate.seen()?.statement.as_ref()? {
            Statement::Rule(number) => Some(format!("without-{number}")),
            Statement::Policy(table, chain) => Some(format!("without-{table}-{chain}")),
            Statement::Unknown(_) => None,
        }
    }

    /// Adds the variants that lack what cells named as their cause; gives for each the cells that named it.
    fn lessen(&mut self) -> Vec<(Variant, Vec<DataSetup>)> {
        let mut less: BTreeMap<String, (Variant, Vec<DataSetup>)> = BTreeMap::new();
        for &setup in self.subject.setups() {
            let Some(name) = self.lessened(setup) else {
                continue;
            };
            let fate = self.fates.get(&self.way(ORIGINAL, setup));
            let statement = fate.and_then(|(fate, _)| fate.seen()?.statement.clone());
            let ruleset = match statement {
                Some(Statement::Rule(number)) => without_rule(&self.subject.ruleset, number),
                Some(Statement::Policy(table, chain)) => {
                    without_policy(&self.subject.ruleset, table, &chain)
                }
                Some(Statement::Unknown(_)) | None => continue,
            };
            let backends = self.subject.backends();
            let at = backends.iter().position(|one| *one == self.backend);
            let at = at.unwrap_or(0);
            let variant = Variant {
                name: name.clone(),
                ruleset,
                backends: &backends[at..=at],
            };
            let (_, setups) = less.entry(name).or_insert((variant, Vec::new()));
            setups.push(setup);
        }
        let less: Vec<_> = less.into_values().collect();
        let variants = less.iter().map(|(variant, _)| variant.clone());
        self.variants.extend(variants);
        less
    }

    fn take(&mut self, cell: &Cell, full: bool, record: &CellRecord) {
        let mut variants = self.variants.iter();
        let variant = variants.find(|variant| variant.name == cell.axes.ruleset);
        let Some(variant) = variant else { return };
        let way = Way {
            variant: variant.name.clone(),
            backend: cell.axes.backend.word().into(),
            setup: cell.axes.data,
            full,
        };
        let fate = Fate::of(&record.judgement, &variant.ruleset);
        self.notes.insert(way.clone(), record.notes.join("; "));
        // The ports that rules name are kept from chance: see `Subject::scenario_text`.
        let chances = record.chance.iter().copied();
        let chances = chances.filter(|chance| *chance != Chance::DataPort);
        self.chances.insert(way.clone(), chances.collect());
        self.fates.insert(way, (fate, record.took));
    }
}

/// How a batch is run.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How many cells are run at a time where evidence ends them.
    pub early: usize,
    /// How many where timers do: they wait much longer than they work.
    pub full: usize,
}

/// Runs everything there is to run of these subjects.
pub(crate) async fn run(
    subjects: impl Iterator<Item = (Subject, Draws)>,
    pace: Pace,
) -> Result<Vec<Trial>, TrialError> {
    let mut trials: Vec<Trial> = subjects
        .map(|(subject, draws)| Trial::new(subject, draws))
        .collect();
    let mut early = Vec::new();
    let mut full = Vec::new();
    for (at, trial) in trials.iter().enumerate() {
        let subject = &trial.subject;
        let cells = |variants: &[Variant]| {
            let cells = subject.cells(variants, subject.setups());
            cells.map_err(TrialError::Scenario)
        };
        early.extend(cells(&trial.variants)?.into_iter().map(|cell| (at, cell)));
        let own = cells(&trial.variants[..1])?.into_iter();
        let own = own.filter(|cell| cell.axes.backend.word() == trial.backend);
        full.extend(own.map(|cell| (at, cell)));
    }
    let (early, full) = tokio::join!(
        run_cells(early, Patience::Early, pace.early),
        run_cells(full, Patience::Full, pace.full),
    );
    for (done, is_full) in [(early?, false), (full?, true)] {
        for (at, cell, record) in done {
            trials[at].take(&cell, is_full, &record);
        }
    }
    let mut less = Vec::new();
    for (at, trial) in trials.iter_mut().enumerate() {
        for (variant, setups) in trial.lessen() {
            let cells = trial.subject.cells(&[variant], &setups);
            let cells = cells.map_err(TrialError::Scenario)?;
            less.extend(cells.into_iter().map(|cell| (at, cell)));
        }
    }
    for (at, cell, record) in run_cells(less, Patience::Early, pace.early).await? {
        trials[at].take(&cell, false, &record);
    }
    Ok(trials)
}

type Done = (usize, Cell, Arc<CellRecord>);

async fn run_cells(
    cells: Vec<(usize, Cell)>,
    patience: Patience,
    jobs: usize,
) -> Result<Vec<Done>, TrialError> {
    if cells.is_empty() {
        return Ok(Vec::new());
    }
    let settings = RunSettings {
        jobs,
        patience,
        ..RunSettings::default()
    };
    let loader = Loader::find().map_err(TrialError::Loader)?;
    let alone = cells.iter().map(|(_, cell)| cell.clone()).collect();
    let run = Run::prepare(alone, loader, settings).await;
    let run = run.map_err(TrialError::Rulesets)?;
    let (sender, mut events) = unbounded_channel();
    let read = async {
        let mut done = Vec::new();
        while let Some(event) = events.recv().await {
            if let RunEvent::Finished { index, record, .. } | RunEvent::NotRun { index, record } =
                event
            {
                let (at, cell) = &cells[index];
                done.push((*at, cell.clone(), record));
            }
        }
        done
    };
    let (_, done) = tokio::join!(run.all(sender), read);
    Ok(done)
}
