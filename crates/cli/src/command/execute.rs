use std::io;
use std::path::Path;
use std::sync::Arc;

use fwlab_record::{CellRecord, Exit};
use fwlab_runner::{Loader, PeerRegistry, Run, RunSettings, Summary};
use fwlab_scenario::plan::Cell;
use miette::Diagnostic;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;

use super::bundle::Kept;
use super::exit::{complain, tell};
use super::interruption::Interruption;
use super::reporters::{Finished, ReportFiles, Reporters};
use super::run::How;
use super::settle::Settle;
use crate::report::About;

/// What a run gave, in the order of its cells.
pub(super) struct Executed {
    pub(super) records: Vec<Arc<CellRecord>>,
    pub(super) summary: Summary,
    /// The peers that are programs, and where they ran: a line of text, or nothing.
    pub(super) programs: String,
    /// What its reports were told.
    pub(super) about: Arc<About>,
}

/// What every run needs: the right to make a lab, open files enough, and programs that load rules.
pub(super) fn ready() -> Result<Loader, Exit> {
    if let Err(error) = fwlab_fabric::Privilege::current() {
        complain(&error, Some(&error.help));
        return Err(Exit::Lab);
    }
    if let Err(error) = fwlab_fabric::raise_open_file_limit() {
        complain(
            format!("the limit of open files could not be raised: {error}"),
            None,
        );
    }
    Loader::find().map_err(|error| {
        complain(&error, Some(error.help()));
        Exit::Lab
    })
}

/// What a run has beside its cells.
#[derive(Default)]
pub(super) struct Beside<'a> {
    /// Files that it reads: no report is written over them.
    pub(super) read: Vec<&'a Path>,
    /// The file that a bundle is written to: streams and packets are kept for it, and evidence of all cells.
    pub(super) bundle: Option<&'a Path>,
    /// What settles some records before they are written.
    pub(super) settle: Option<&'a dyn Settle>,
}

/// What asynchronous work runs in.
pub(super) fn runtime() -> Result<Runtime, Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.map_err(|error| {
        complain(format!("the runtime did not start: {error}"), None);
        Exit::Lab
    })
}

/// Runs cells with the reports that were asked for. `Err`: it ended before, and why was told.
pub(super) fn execute(
    cells: Vec<Cell>,
    loader: Loader,
    settings: RunSettings,
    how: &How,
) -> Result<Executed, Exit> {
    let ran = execute_beside(cells, loader, settings, how, &Beside::default());
    ran.map(|(executed, _)| executed)
}

/// The same, with something beside the cells; and what else a bundle has, where one is written.
pub(super) fn execute_beside(
    cells: Vec<Cell>,
    loader: Loader,
    settings: RunSettings,
    how: &How,
    beside: &Beside<'_>,
) -> Result<(Executed, Kept), Exit> {
    let keeps = beside.bundle.is_some();
    let settings = RunSettings {
        keep_evidence: settings.keep_evidence || keeps,
        keep_streams: settings.keep_streams || keeps,
        keep_packets: settings.keep_packets || keeps,
        ..settings
    };
    if settings.at_a_time() < settings.jobs {
        complain(
            format!(
                "{} cells at a time instead of {}: this machine allows too few open files or neighbours for more",
                settings.at_a_time(),
                settings.jobs
            ),
            Some(
                "to run more: ulimit -n 65536, and raise net.ipv4.neigh.default.gc_thresh3 (and that of net.ipv6)",
            ),
        );
    }
    let files = ReportFiles::open(how, &cells, beside)?;
    let about = files.about();
    let runtime = runtime()?;
    let ran = runtime.block_on(async {
        let mut interruption = Interruption::listen();
        let planned = cells.clone();
        let prepare = async {
            how.place
                .satisfied(&cells, settings.builds.as_ref())
                .await?;
            Ok(Run::prepare(cells, loader, settings).await)
        };
        let prepared = tokio::select! {
            prepared = prepare => prepared?,
            by = interruption.wait() => {
                let written = Reporters::of_none(&planned, by, files);
                return Err(interrupted(written).await);
            }
        };
        let run = match prepared {
            Ok(run) => run,
            Err(errors) => {
                tell(errors.iter().map(|error| error as &dyn Diagnostic));
                let lab = errors.iter().any(|error| error.is_lab_fault());
                return Err(if lab { Exit::Lab } else { Exit::Usage });
            }
        };
        let begun = Reporters::begin(&planned, files, beside.settle);
        let mut reporters = match begun {
            Ok(reporters) => reporters,
            Err(error) => {
                drop(run);
                settled().await;
                return Err(unwritten(error));
            }
        };
        let (sender, mut events) = unbounded_channel();
        let all = run.all_until(sender, interruption.wait());
        let read = async {
            let mut written = Ok(());
            while let Some(event) = events.recv().await {
                // What can be written is, wherever else it fails.
                written = written.and(reporters.read(event));
            }
            written
        };
        let (summary, written) = tokio::join!(all, read);
        let programs = programs(run.peers());
        drop(run);
        if summary.interrupted.is_some() {
            let finished = reporters.finish().written;
            return Err(interrupted(written.and(finished)).await);
        }
        settled().await;
        Ok((reporters, summary, programs, written))
    });
    let (mut reporters, summary, programs, written) = ran?;
    let settled = reporters.settle();
    let Finished {
        records,
        kept,
        written: finished,
    } = reporters.finish();
    written.and(finished).map_err(unwritten)?;
    settled?;
    let executed = Executed {
        // What was settled may have been a sample of few.
        summary: summary.recounted(records.iter().map(|record| &record.judgement)),
        records,
        programs,
        about,
    };
    Ok((executed, kept))
}

fn programs(peers: &PeerRegistry) -> String {
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

/// Says that a report is not what it should be.
fn unwritten(error: io::Error) -> Exit {
    complain(format!("a report could not be written: {error}"), None);
    Exit::Lab
}

/// Ends what was interrupted: waits until nothing is left, and says so.
pub(super) async fn interrupted(written: io::Result<()>) -> Exit {
    let settled = Run::settle().await;
    match settled {
        Ok(()) => complain("interrupted; nothing is left running", None),
        Err(unanswered) => complain(format!("interrupted; {unanswered}"), None),
    }
    if let Err(error) = written {
        unwritten(error);
    }
    Exit::Lab
}

/// Waits until nothing is left, or says what may be.
async fn settled() {
    if let Err(unanswered) = Run::settle().await {
        complain(unanswered, None);
    }
}
