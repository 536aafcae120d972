//! Cells that are run, and their records.

use std::sync::Arc;

use fwlab_record::{CellRecord, Exit};
use fwlab_runner::{Loader, Run, RunEvent, RunSettings};
use fwlab_scenario::plan::Cell;
use miette::Diagnostic;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;

use crate::command::exit::{complain, tell};
use crate::report::Progress;

/// Runs cells, and gives the record of each with its place among them. `Err`: why not was told.
pub(in crate::command) fn ran(
    runtime: &Runtime,
    cells: Vec<Cell>,
    loader: &Loader,
    settings: &RunSettings,
    progress: Option<Progress>,
) -> Result<Vec<(usize, Arc<CellRecord>)>, Exit> {
    let never = std::future::pending::<&'static str>();
    ran_until(runtime, cells, loader, settings, progress, never)
}

/// The same, until it is interrupted: what was not run by then says so.
pub(in crate::command) fn ran_until(
    runtime: &Runtime,
    cells: Vec<Cell>,
    loader: &Loader,
    settings: &RunSettings,
    mut progress: Option<Progress>,
    interrupted: impl Future<Output = &'static str>,
) -> Result<Vec<(usize, Arc<CellRecord>)>, Exit> {
    runtime.block_on(async {
        let run = Run::prepare(cells, loader.clone(), settings.clone()).await;
        let run = run.map_err(|errors| {
            tell(errors.iter().map(|error| error as &dyn Diagnostic));
            Exit::Lab
        })?;
        let (sender, mut events) = unbounded_channel();
        let all = run.all_until(sender, interrupted);
        let read = async {
            let mut records = Vec::new();
            while let Some(event) = events.recv().await {
                if let (RunEvent::Started { index }, Some(progress)) = (&event, &mut progress) {
                    progress.begin(*index);
                }
                if let RunEvent::Finished { index, record, .. }
                | RunEvent::NotRun { index, record } = event
                {
                    if let Some(progress) = &mut progress {
                        progress.add(index, &record);
                    }
                    records.push((index, record));
                }
            }
            records
        };
        let (_, records) = tokio::join!(all, read);
        if let Some(progress) = progress {
            progress.finish();
        }
        if let Err(unanswered) = Run::settle().await {
            complain(unanswered, None);
        }
        Ok(records)
    })
}
