//! The reports of `fix`: all cells with the remedies, held against the same cells without them.

use std::path::PathBuf;
use std::sync::Arc;

use fwlab_record::{CellRecord, Exit};
use fwlab_scenario::plan::Cell;

use crate::command::execute::Beside;
use crate::command::exit::complain;
use crate::command::reporters::ReportFiles;
use crate::command::run::How;
use crate::command::trial::{Bench, Candidate, Records};
use crate::report::Before;

/// The files of the reports that were asked for.
pub(super) struct Proof(ReportFiles);

impl Proof {
    /// Opens them, before anything is run.
    pub(super) fn open(how: &How, rules: &[PathBuf], cells: &[Cell]) -> Result<Proof, Exit> {
        let beside = Beside {
            read: rules.iter().map(PathBuf::as_path).collect(),
            ..Beside::default()
        };
        ReportFiles::open(how, cells, &beside).map(Proof)
    }

    /// Writes how all cells ended, before and with a candidate's rules.
    pub(super) fn write(
        self,
        bench: &Bench<'_>,
        candidate: &Candidate,
        (before, after): (&Records, &Records),
    ) -> Result<(), Exit> {
        let cells = bench.planned.iter().map(|cell| Cell {
            scenario: candidate.scenario(&cell.scenario),
            ..cell.clone()
        });
        let cells: Vec<Cell> = cells.collect();
        let before = Before::of("the rules as they are".to_owned(), before.values().cloned());
        let after: Vec<Arc<CellRecord>> = after.values().cloned().collect();
        self.0.of(&cells, before).write(&after).map_err(|error| {
            complain(format!("a report could not be written: {error}"), None);
            Exit::Lab
        })
    }
}
