use std::collections::BTreeMap;
use std::sync::Arc;

use fwlab_runner::plan::Cell;
use fwlab_runner::{CellRecord, Loader, PeerShelf, Run, RunEvent, RunSettings, Summary};
use miette::Diagnostic;
use tokio::sync::mpsc::unbounded_channel;

use super::exit::{Exit, complain, tell};
use super::run::How;
use crate::report::{Format, JsonReport, JunitReport, Progress, ReportTo};

/// What a run gave, in the order of its cells.
pub(super) struct Executed {
    pub(super) records: Vec<Arc<CellRecord>>,
    pub(super) summary: Summary,
    /// The peers that are programs, and where they ran: a line of text, or nothing.
    pub(super) programs: String,
}

/// Runs cells with the reports that were asked for. `Err`: it ended before, and why was told.
pub(super) fn execute(
    cells: Vec<Cell>,
    settings: RunSettings,
    how: &How,
) -> Result<Executed, Exit> {
    if let Err(error) = fwlab_fabric::Privilege::current() {
        complain(&error, Some(&error.help));
        return Err(Exit::Lab);
    }
    if let Err(error) = fwlab_fabric::raise_open_file_limit() {
        complain(
            format!("the limit of open files stays where it is: {error}"),
            None,
        );
    }
    if settings.at_a_time() < settings.jobs {
        complain(
            format!(
                "{} cells at a time in place of {}: more files than that may not be open",
                settings.at_a_time(),
                settings.jobs
            ),
            Some("to have more: ulimit -n 65536"),
        );
    }
    let loader = match Loader::find() {
        Ok(loader) => loader,
        Err(error) => {
            complain(&error, Some(error.help()));
            return Err(Exit::Lab);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            complain(format!("the runtime did not start: {error}"), None);
            Exit::Lab
        })?;
    runtime.block_on(async {
        let mut interrupt = std::pin::pin!(interrupted());
        how.place.satisfied(&cells).await?;
        let prepared = tokio::select! {
            prepared = Run::prepare(cells, loader, settings) => prepared,
            () = &mut interrupt => return Err(say_interrupted().await),
        };
        let run = match prepared {
            Ok(run) => run,
            Err(errors) => {
                tell(errors.iter().map(|error| error as &dyn Diagnostic));
                let lab = errors.iter().any(|error| error.is_lab_fault());
                return Err(if lab { Exit::Lab } else { Exit::Usage });
            }
        };
        let mut reporters = Reporters::begin(run.cells().len(), &how.report)?;
        let (sender, mut events) = unbounded_channel();
        let all = async {
            let summary = tokio::select! {
                summary = run.all(sender) => Some(summary),
                () = &mut interrupt => None,
            };
            summary
        };
        let read = async {
            while let Some(event) = events.recv().await {
                if let RunEvent::Finished { index, record } = event {
                    reporters.add(index, &record)?;
                }
            }
            Ok::<(), std::io::Error>(())
        };
        let (summary, written) = tokio::join!(all, read);
        let programs = programs(run.peers());
        drop(run);
        Run::settle().await;
        let (records, finished) = reporters.finish();
        if let Err(error) = written.and(finished) {
            complain(format!("a report could not be written: {error}"), None);
            return Err(Exit::Lab);
        }
        match summary {
            Some(summary) => Ok(Executed {
                records,
                summary,
                programs,
            }),
            None => Err(say_interrupted().await),
        }
    })
}

fn programs(peers: &PeerShelf) -> String {
    let present = peers.inventory().into_iter().flatten();
    let programs: Vec<String> = present
        .filter(|present| !present.peer.is_embedded())
        .map(|present| present.to_string())
        .collect();
    if programs.is_empty() {
        return String::new();
    }
    format!("with {}\n", programs.join(", "))
}

/// Waits until nothing is left, and says so.
async fn say_interrupted() -> Exit {
    Run::settle().await;
    complain("interrupted; nothing is left running", None);
    Exit::Lab
}

/// Ends when the user or the system asks the command to stop.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    match (interrupt, terminate) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        }
        // Without handlers the signals end the process, and the kernel clears up.
        _ => std::future::pending().await,
    }
}

struct Reporters {
    progress: Progress,
    json: Vec<JsonReport>,
    junit: Vec<JunitReport>,
    records: BTreeMap<usize, Arc<CellRecord>>,
}

impl Reporters {
    fn begin(cells: usize, reports: &[ReportTo]) -> Result<Reporters, Exit> {
        let mut reporters = Reporters {
            progress: Progress::new(cells),
            json: Vec::new(),
            junit: Vec::new(),
            records: BTreeMap::new(),
        };
        for ReportTo { format, file } in reports {
            let made = match format {
                Format::Json => JsonReport::create(file).map(|report| reporters.json.push(report)),
                Format::Junit => {
                    JunitReport::create(file).map(|report| reporters.junit.push(report))
                }
            };
            if let Err(error) = made {
                complain(format!("cannot write {}: {error}", file.display()), None);
                return Err(Exit::Usage);
            }
        }
        Ok(reporters)
    }

    fn add(&mut self, index: usize, record: &Arc<CellRecord>) -> std::io::Result<()> {
        self.progress.add(record);
        self.records.insert(index, Arc::clone(record));
        for report in &mut self.junit {
            report.add(record);
        }
        self.json
            .iter_mut()
            .try_for_each(|report| report.add(record))
    }

    fn finish(self) -> (Vec<Arc<CellRecord>>, std::io::Result<()>) {
        self.progress.finish();
        let json = self.json.into_iter().try_for_each(JsonReport::finish);
        let junit = self.junit.into_iter().try_for_each(JunitReport::finish);
        (self.records.into_values().collect(), json.and(junit))
    }
}
