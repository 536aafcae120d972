//! `--rerun`: of the cells that there are, those that an earlier run did not end well for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fwlab_record::{Axes, Backend, CellRecord, Exit, Judgement};
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::Cell;
use fwlab_text::one_line;

use super::exit::{complain, print};
use crate::report::read_report;
use crate::text::Page;

/// As many cells that no longer exist are named.
const NAMED: usize = 5;

/// What a JSON report says of its cells.
pub(super) struct Earlier {
    file: PathBuf,
    /// The cells that were missed, unclear or not run.
    unmet: BTreeSet<Axes>,
    /// All others that it has.
    done: BTreeSet<Axes>,
    /// Whether anything was shown of one of them: they were not all skipped.
    shown: bool,
}

/// What became of a report's cells, in numbers.
pub(super) struct Again {
    file: PathBuf,
    /// Cells that are run again.
    run: usize,
    /// Cells that were not met and do not exist any more.
    gone: usize,
    /// Cells that are chosen, and that the report does not have.
    unknown: usize,
}

impl Earlier {
    /// Reads a report. `Err`: what is wrong with it was told.
    pub(super) fn read(file: &Path) -> Result<Earlier, Exit> {
        let records = read_report(file).map_err(|error| {
            complain(format!("--rerun: {}", one_line(&error)), Some(error.help()));
            Exit::Usage
        })?;
        Ok(Earlier::of(
            file,
            records.iter().map(|record| record.as_ref()),
        ))
    }

    fn of<'a>(file: &Path, records: impl Iterator<Item = &'a CellRecord>) -> Earlier {
        let mut earlier = Earlier {
            file: file.to_owned(),
            unmet: BTreeSet::new(),
            done: BTreeSet::new(),
            shown: false,
        };
        for CellRecord {
            axes, judgement, ..
        } in records
        {
            match judgement {
                Judgement::Missed { .. }
                | Judgement::Inconclusive { .. }
                | Judgement::NotRun(_) => earlier.unmet.insert(axes.clone()),
                Judgement::Met { .. } | Judgement::Reported(_) => {
                    earlier.shown = true;
                    earlier.done.insert(axes.clone())
                }
                Judgement::Skipped { .. } => earlier.done.insert(axes.clone()),
            };
        }
        earlier
    }

    /// Where there is nothing to run again, says so: what the run ends with.
    pub(super) fn is_over(&self) -> Option<Exit> {
        if !self.unmet.is_empty() {
            return None;
        }
        let (file, done) = (self.file.display(), self.done.len());
        print(format!(
            "nothing to run again: none of the {done} cells of {file} was missed, unclear or not run\n"
        ));
        // Cells that were all skipped prove nothing, as in a run.
        Some(if self.shown { Exit::Good } else { Exit::Lab })
    }

    /// Chooses among all cells of a command line.
    pub(super) fn again(
        self,
        all: Vec<Cell>,
        filter: &Filter,
        backends: &[Backend],
    ) -> (Vec<Cell>, Again) {
        let there: BTreeSet<&Axes> = all.iter().map(|cell| &cell.axes).collect();
        let gone: Vec<&Axes> = self
            .unmet
            .iter()
            .filter(|axes| !there.contains(axes))
            .collect();
        self.tell_gone(&gone);
        let gone = gone.len();
        let chosen = |cell: &Cell| {
            (backends.is_empty() || backends.contains(&cell.axes.backend))
                && filter.admits(&cell.axes, &cell.scenario.tags)
        };
        let (cells, others): (Vec<Cell>, Vec<Cell>) = all
            .into_iter()
            .filter(chosen)
            .partition(|cell| self.unmet.contains(&cell.axes));
        let unknown = others.iter().filter(|cell| !self.done.contains(&cell.axes));
        let again = Again {
            run: cells.len(),
            gone,
            unknown: unknown.count(),
            file: self.file,
        };
        (cells, again)
    }

    fn tell_gone(&self, gone: &[&Axes]) {
        if gone.is_empty() {
            return;
        }
        let named = gone.iter().take(NAMED).map(one_line);
        let mut named: Vec<String> = named.collect();
        if let Some(more @ 1..) = gone.len().checked_sub(NAMED) {
            named.push(format!("and {more} more"));
        }
        complain(
            format!(
                "{}: {} not met there and no longer exist here, so nothing is known about them:\n  {}",
                self.file.display(),
                counted(gone.len(), "cell was", "cells were"),
                named.join("\n  ")
            ),
            Some(
                "cells are matched by name: give the paths, --server and --client of the run that wrote the report",
            ),
        );
    }
}

impl Again {
    /// A line for the end of the run.
    pub(super) fn line(&self) -> Page {
        let mut parts = vec![format!("{} run again", counted(self.run, "cell", "cells"))];
        if self.gone > 0 {
            parts.push(format!("{} no longer there", self.gone));
        }
        if self.unknown > 0 {
            parts.push(format!("{} not in it and not run", self.unknown));
        }
        Page::from(format!(
            "of {}: {}\n",
            self.file.display(),
            parts.join(", ")
        ))
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
