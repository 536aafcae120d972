use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use fwlab_containers::{Builds, Unsettled};
use fwlab_fabric::Fabric;
use fwlab_ftp::DEVIATIONS;
use fwlab_ftp::deviation::Deviation;
use fwlab_judge::Stream;
use fwlab_observe::{Newer, ObserverSettings};
use fwlab_record::{Backend, CellRecord, Judgement, NotRun, PeerName};
use fwlab_scenario::plan::Cell;
use fwlab_scenario::{Action, Scenario};
use tokio::sync::mpsc::UnboundedSender;

use crate::cell::{CellRunner, Packets, Recorded, record_of};
use crate::images;
use crate::patience::Patience;
use crate::peers::PeerRegistry;
use crate::placement::Placement;
use crate::rules::{CellRules, Loader, PrepareError, PreparedRuleset};
use crate::sysctls;
use crate::waits::Waits;

/// How a run goes about its cells.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// How many cells are run at a time.
    pub jobs: usize,
    /// What ends a cell.
    pub patience: Patience,
    /// Whether the run goes on after a cell that missed its requirement.
    pub keep_going: bool,
    /// Whether passing cells keep their evidence too.
    pub keep_evidence: bool,
    /// Whether what each cell's judge was told is kept, to be judged again.
    pub keep_streams: bool,
    /// Whether each cell's packets are kept.
    pub keep_packets: bool,
    /// Where peers run.
    pub placement: Placement,
    /// What is known of peers to be otherwise than with the rest.
    pub deviations: &'static [Deviation],
    /// Peers that run elsewhere than the others.
    pub housed_apart: BTreeMap<PeerName, Placement>,
    /// Who is told when images of fwlab that are missing are built; `None`: they are not built, and
    /// their cells are skipped.
    pub builds: Option<Builds>,
    /// Act as if the kernel had not these features.
    pub pretend_without: Vec<Newer>,
    /// The size of the receive buffers for the kernel's evidence, in bytes; `None`: large.
    pub receive_buffer: Option<usize>,
}

impl Default for RunSettings {
    fn default() -> Self {
        RunSettings {
            jobs: default_jobs(),
            patience: Patience::Early,
            keep_going: true,
            keep_evidence: false,
            keep_streams: false,
            keep_packets: false,
            placement: Placement::default(),
            deviations: DEVIATIONS,
            housed_apart: BTreeMap::new(),
            builds: None,
            pretend_without: Vec::new(),
            receive_buffer: None,
        }
    }
}

impl RunSettings {
    /// How many cells are really run at a time: not more than this process may open files for.
    pub fn at_a_time(&self) -> usize {
        fwlab_fabric::cells_at_a_time(self.jobs)
    }
}

/// A cell waits for the kernel (RCU grace periods) longer than it works: more of
/// them at a time than there are processors.
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(12, |cores| cores.get() * 12)
}

/// What happens in a run, in order; every reporter reads these.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// So many cells are to be run.
    Planned {
        /// How many.
        cells: usize,
    },
    /// A cell was begun.
    Started {
        /// Its place in the list of cells.
        index: usize,
    },
    /// A cell that was begun waits for something that takes long, where that is known.
    Waits {
        /// Its place in the list of cells.
        index: usize,
        /// For what, in words, or what only time tells.
        why: String,
    },
    /// A cell is finished.
    Finished {
        /// Its place in the list of cells.
        index: usize,
        /// What became of it.
        record: Arc<CellRecord>,
        /// What its judge was told, a stream a client, where that is kept.
        streams: Vec<Stream>,
        /// Its packets, where they are kept.
        packets: Option<Packets>,
    },
    /// The run has ended, and this cell was not begun, or did not come to its end.
    NotRun {
        /// Its place in the list of cells.
        index: usize,
        /// Why not.
        record: Arc<CellRecord>,
    },
}

/// A run's numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Cells that met their requirement.
    pub met: usize,
    /// Cells that missed it.
    pub missed: usize,
    /// Cells of which nothing was required.
    pub reported: usize,
    /// Cells that the lab could not tell of.
    pub inconclusive: usize,
    /// Cells that cannot be run here, with a reason.
    pub skipped: usize,
    /// Cells that were not begun or did not come to their end, because the run ended before.
    pub not_run: usize,
    /// By what the run was interrupted, where that kept it from a cell: a signal's name.
    pub interrupted: Option<&'static str>,
    /// How long it all took.
    pub took: Duration,
}

impl Summary {
    /// The same run's numbers, of its cells as they were judged in the end.
    #[must_use]
    pub fn recounted<'j>(self, judgements: impl IntoIterator<Item = &'j Judgement>) -> Summary {
        let mut summary = Summary {
            interrupted: self.interrupted,
            took: self.took,
            ..Summary::default()
        };
        judgements
            .into_iter()
            .for_each(|judgement| summary.count(judgement));
        summary
    }

    fn count(&mut self, judgement: &Judgement) {
        *match judgement {
            Judgement::Met { .. } => &mut self.met,
            Judgement::Missed { .. } => &mut self.missed,
            Judgement::Reported(_) => &mut self.reported,
            Judgement::Inconclusive { .. } => &mut self.inconclusive,
            Judgement::Skipped { .. } => &mut self.skipped,
            Judgement::NotRun(_) => &mut self.not_run,
        } += 1;
    }
}

/// Rulesets to be prepared, each once: a scenario's, through a backend. By the scenario itself, as
/// two of them may have one name.
#[derive(Default)]
struct Wanted(Vec<(Arc<Scenario>, usize, Backend)>);

impl Wanted {
    /// The place of a ruleset that a cell loads.
    fn place(&mut self, cell: &Cell, ruleset: usize) -> usize {
        let wanted = &mut self.0;
        let same = |(scenario, index, backend): &(Arc<Scenario>, usize, Backend)| {
            Arc::ptr_eq(scenario, &cell.scenario)
                && (*index, *backend) == (ruleset, cell.axes.backend)
        };
        // The cells of one ruleset stand together.
        wanted.iter().rposition(same).unwrap_or_else(|| {
            let scenario = Arc::clone(&cell.scenario);
            wanted.push((scenario, ruleset, cell.axes.backend));
            wanted.len() - 1
        })
    }
}

/// The settings of the cells' scenarios that this kernel does not take.
async fn refused_sysctls(cells: &[Cell]) -> Vec<PrepareError> {
    let mut scenarios: Vec<Arc<Scenario>> = Vec::new();
    for cell in cells {
        let known = |known: &Arc<Scenario>| Arc::ptr_eq(known, &cell.scenario);
        if !cell.scenario.sysctls.is_empty() && !scenarios.iter().rev().any(known) {
            scenarios.push(Arc::clone(&cell.scenario));
        }
    }
    let tried = tokio::task::spawn_blocking(move || {
        let errors = scenarios
            .iter()
            .filter_map(|scenario| sysctls::refused(scenario));
        errors
            .map(|error| PrepareError::Scenario(Box::new(error)))
            .collect()
    });
    tried
        .await
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// The record of a cell that the run did not come to, or not to the end of.
pub fn not_run(cell: &Cell, why: NotRun) -> CellRecord {
    record_of(cell, Judgement::NotRun(why))
}

/// Cells with the rules that they load, ready to run.
#[derive(Debug)]
pub struct Run {
    cells: Vec<(Cell, CellRules)>,
    cell_runner: CellRunner,
    settings: RunSettings,
}

impl Run {
    /// Loads every ruleset of the cells once into a throwaway node, reads it back and
    /// compares: what does not load is told before the first cell, all of it at once.
    pub async fn prepare(
        cells: Vec<Cell>,
        loader: Loader,
        settings: RunSettings,
    ) -> Result<Run, Vec<PrepareError>> {
        let errors = refused_sysctls(&cells).await;
        if !errors.is_empty() {
            return Err(errors);
        }
        images::firewalls(&cells, settings.builds.as_ref()).await;
        let mut wanted = Wanted::default();
        let places: Vec<(usize, BTreeMap<usize, usize>)> = cells
            .iter()
            .map(|cell| {
                let later = cell
                    .scenario
                    .steps
                    .iter()
                    .filter_map(|step| match step.action {
                        Action::Load(index) => Some((index, wanted.place(cell, index))),
                        Action::FlushConntrack(_) | Action::AwaitExpiry(_) => None,
                    });
                let later = later.collect();
                (wanted.place(cell, cell.ruleset), later)
            })
            .collect();
        let preparing = wanted.0.into_iter().map(|(scenario, ruleset, backend)| {
            let loader = loader.clone();
            async move { loader.prepare(&scenario, ruleset, backend).await }
        });
        let prepared = futures::stream::iter(preparing)
            .buffered(settings.at_a_time())
            .collect::<Vec<_>>()
            .await;
        let (rulesets, errors): (Vec<_>, Vec<_>) = prepared.into_iter().partition(Result::is_ok);
        if !errors.is_empty() {
            let errors = errors.into_iter().filter_map(Result::err).flatten();
            return Err(PrepareError::distinct(errors));
        }
        let rulesets: Vec<Arc<PreparedRuleset>> =
            rulesets.into_iter().flatten().map(Arc::new).collect();
        let apart = &settings.housed_apart;
        let placement = |peer| apart.get(&peer).copied().unwrap_or(settings.placement);
        let peers = PeerRegistry::of_cells(&cells, placement, settings.builds.as_ref()).await;
        let cells = cells
            .into_iter()
            .zip(places)
            .map(|(cell, (first, later))| {
                let rules = |place: usize| Arc::clone(&rulesets[place]);
                let rules = CellRules {
                    first: rules(first),
                    later: later
                        .into_iter()
                        .map(|(index, place)| (index, rules(place)))
                        .collect(),
                };
                (cell, rules)
            })
            .collect();
        let default = ObserverSettings::default();
        let cell_runner = CellRunner {
            peers,
            loader,
            deviations: settings.deviations,
            patience: settings.patience,
            keep_evidence: settings.keep_evidence,
            keep_streams: settings.keep_streams,
            keep_packets: settings.keep_packets,
            kernel: fwlab_fabric::kernel_release(),
            observation: ObserverSettings {
                pretend_without: settings.pretend_without.clone(),
                receive_buffer: settings.receive_buffer.unwrap_or(default.receive_buffer),
                ..default
            },
        };
        Ok(Run {
            cells,
            cell_runner,
            settings,
        })
    }

    /// Why a cell would be skipped, as far as is known without running it.
    pub fn skip_reason(cell: &Cell, peers: &PeerRegistry) -> Option<String> {
        crate::cell::skip_reason(cell, peers, DEVIATIONS)
    }

    /// The peers of the cells, and where they run.
    pub fn peers(&self) -> &PeerRegistry {
        &self.cell_runner.peers
    }

    /// The cells, in the order in which they are begun.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = &Cell> {
        self.cells.iter().map(|(cell, _)| cell)
    }

    /// Runs one of the cells.
    pub async fn cell(&self, index: usize) -> CellRecord {
        self.recorded(index, &Waits::for_nobody()).await.record
    }

    async fn recorded(&self, index: usize, waits: &Waits) -> Recorded {
        let (cell, ruleset) = &self.cells[index];
        self.cell_runner.run(cell, ruleset, waits).await
    }

    /// Runs all cells. When this returns, every node has ended; dropping it ends what runs.
    pub async fn all(&self, events: UnboundedSender<RunEvent>) -> Summary {
        self.all_until(events, std::future::pending()).await
    }

    /// Runs all cells, unless it is interrupted: by what, that future says. Then what runs is
    /// ended. Cells that the run does not come to are told of when it has ended.
    pub async fn all_until(
        &self,
        events: UnboundedSender<RunEvent>,
        interrupted: impl Future<Output = &'static str>,
    ) -> Summary {
        let started = Instant::now();
        let tell = |event| {
            // A run goes on when nobody listens.
            let _ = events.send(event);
        };
        tell(RunEvent::Planned {
            cells: self.cells.len(),
        });
        let mut summary = Summary::default();
        let begun: Vec<AtomicBool> = self.cells.iter().map(|_| AtomicBool::new(false)).collect();
        let mut finished = vec![false; self.cells.len()];
        let by = {
            let running = futures::stream::iter(0..self.cells.len()).map(async |index| {
                begun[index].store(true, Ordering::Relaxed);
                tell(RunEvent::Started { index });
                let events = events.clone();
                let waits = Waits::new(move |why| {
                    let why = why.to_owned();
                    let _ = events.send(RunEvent::Waits { index, why });
                });
                (index, self.recorded(index, &waits).await)
            });
            let mut running = pin!(running.buffer_unordered(self.settings.at_a_time()));
            let mut interrupted = pin!(interrupted);
            loop {
                let next = tokio::select! {
                    biased;
                    by = &mut interrupted => break Some(by),
                    next = running.next() => next,
                };
                let Some((
                    index,
                    Recorded {
                        record,
                        streams,
                        packets,
                    },
                )) = next
                else {
                    break None;
                };
                finished[index] = true;
                summary.count(&record.judgement);
                let stop = !self.settings.keep_going
                    && matches!(
                        record.judgement,
                        Judgement::Missed { .. } | Judgement::Inconclusive { .. }
                    );
                tell(RunEvent::Finished {
                    index,
                    record: Arc::new(record),
                    streams,
                    packets,
                });
                if stop {
                    break None;
                }
            }
        };
        for index in (0..self.cells.len()).filter(|index| !finished[*index]) {
            let begun = begun[index].load(Ordering::Relaxed);
            let why = by.map_or_else(NotRun::stopped, |by| NotRun::interrupted(by, begun));
            let record = not_run(&self.cells[index].0, why);
            summary.count(&record.judgement);
            tell(RunEvent::NotRun {
                index,
                record: Arc::new(record),
            });
        }
        summary.interrupted = by.filter(|_| summary.not_run > 0);
        summary.took = started.elapsed();
        summary
    }

    /// Waits until every container is removed that cells had for themselves: those that they share
    /// end with this process, and what is still being removed then is left.
    pub async fn cleared() {
        fwlab_containers::cleared().await;
    }

    /// Waits until every node of this process has ended, and every container is removed.
    ///
    /// # Errors
    /// When the container engine does not do its part.
    pub async fn settle() -> Result<(), Unsettled> {
        Fabric::all_ended().await;
        fwlab_containers::settle().await
    }
}
