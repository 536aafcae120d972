use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use fwlab_model::ruleset::Source;
use fwlab_record::{CellRecord, Exit, NotRun};
use fwlab_runner::{RunEvent, not_run};
use fwlab_scenario::plan::Cell;
use fwlab_scenario::{RulesOrigin, Scenario};

use super::bundle::Kept;
use super::execute::Beside;
use super::exit::complain;
use super::run::How;
use super::settle::Settle;
use crate::report::{
    About, Before, FolderError, Format, PacketFolder, Progress, ReportFile, ReportTo, Reports,
    Sources, StreamFolder, Taken, pcapng,
};

/// The files of the reports that were asked for: they can be written, and nothing is lost by that.
pub(super) struct ReportFiles {
    files: Vec<(&'static Format, ReportFile)>,
    streams: Option<StreamFolder>,
    packets: Option<PacketFolder>,
    about: Arc<About>,
    /// Whether a bundle is written.
    keeps: bool,
    /// Whether no progress is shown.
    is_quiet: bool,
}

impl ReportFiles {
    /// Opens them, where nothing that is beside the run has the same file. `Err`: what is wrong with each of them was told.
    pub(super) fn open(
        how: &How,
        cells: &[Cell],
        beside: &Beside<'_>,
    ) -> Result<ReportFiles, Exit> {
        let before = how.against.as_deref().map(Before::read).transpose();
        let before = before.map_err(|error| {
            complain(&error, Some(error.help()));
            Exit::Usage
        })?;
        ReportFiles::against(how, cells, beside, before)
    }

    /// The same, of a run that is held against an earlier one.
    pub(super) fn against(
        how: &How,
        cells: &[Cell],
        beside: &Beside<'_>,
        before: Option<Before>,
    ) -> Result<ReportFiles, Exit> {
        let mut scenarios: Vec<&Arc<Scenario>> = cells.iter().map(|cell| &cell.scenario).collect();
        scenarios.dedup_by(|one, other| Arc::ptr_eq(one, other));
        let inputs = scenarios.into_iter().flat_map(|scenario| read_by(scenario));
        let read = inputs.chain(beside.read.iter().copied());
        let mut taken = Taken::by_run(read.chain(how.against.as_deref()));
        if let Some(bundle) = beside.bundle {
            taken.and(bundle, "the bundle");
        }
        let mut files = Vec::new();
        let mut good = true;
        for &ReportTo { format, ref file } in &how.report {
            match ReportFile::open(file, &mut taken) {
                Ok(file) => files.push((format, file)),
                Err(error) => {
                    complain(&error, Some(error.help()));
                    good = false;
                }
            }
        }
        let mut folders = (None, None);
        if good {
            let opened = (
                opened(how.record.as_deref(), StreamFolder::open),
                opened(how.capture.as_deref(), PacketFolder::open),
            );
            good = opened.0.is_ok() && opened.1.is_ok();
            folders = (opened.0.unwrap_or(None), opened.1.unwrap_or(None));
        }
        let (streams, packets) = folders;
        good.then_some(ReportFiles {
            files,
            streams,
            packets,
            keeps: beside.bundle.is_some(),
            is_quiet: how.quiet,
            about: Arc::new(About {
                evidence: how.evidence,
                sources: Sources::of(cells),
                before,
            }),
        })
        .ok_or(Exit::Usage)
    }
}

impl ReportFiles {
    /// What they are told of the run.
    pub(super) fn about(&self) -> Arc<About> {
        Arc::clone(&self.about)
    }

    /// The same, of a run of these cells that is held against an earlier one.
    pub(super) fn of(self, cells: &[Cell], before: Before) -> ReportFiles {
        let about = About {
            evidence: self.about.evidence,
            sources: Sources::of(cells),
            before: Some(before),
        };
        ReportFiles {
            about: Arc::new(about),
            ..self
        }
    }

    /// Writes the reports of cells that were run elsewhere.
    pub(super) fn write(self, records: &[Arc<CellRecord>]) -> io::Result<()> {
        let mut reports = Reports::begin(self.files, &self.about)?;
        let added = records.iter().enumerate();
        let added = added.map(|(index, record)| reports.add(index, record));
        let added = added.fold(Ok(()), io::Result::and);
        added.and(reports.finish())
    }
}

/// Opens a folder, if one was named. `Err`: what is wrong with it was told.
fn opened<T>(
    folder: Option<&Path>,
    open: impl FnOnce(&Path) -> Result<T, FolderError>,
) -> Result<Option<T>, ()> {
    folder.map(open).transpose().map_err(|error| {
        complain(&error, Some(error.help()));
    })
}

/// The files that a scenario was read from: its own, and those of its rules.
fn read_by(scenario: &Scenario) -> impl Iterator<Item = &Path> {
    fn written(origin: &RulesOrigin) -> Option<&Source> {
        match origin {
            RulesOrigin::Written(source) => Some(source),
            RulesOrigin::Generated(_) | RulesOrigin::Image(_) | RulesOrigin::None => None,
        }
    }
    let rulesets = scenario.rulesets.iter().flat_map(|ruleset| {
        let also = ruleset.also.iter();
        let beside = ruleset.beside.iter().map(|(_, source)| Some(source));
        let sets = ruleset.sets.as_ref();
        [written(&ruleset.origin), ruleset.ipv6.as_ref(), sets]
            .into_iter()
            .chain(beside)
            .chain(also.flat_map(|also| [written(&also.origin), also.ipv6.as_ref()]))
            .flatten()
    });
    // Rules that stand in the scenario are named after it.
    let files = rulesets.map(|source| Path::new(&source.name));
    [scenario.path.as_path()].into_iter().chain(files)
}

/// The readers of a run's events.
pub(super) struct Reporters<'a> {
    progress: Progress,
    reports: Reports,
    streams: Option<StreamFolder>,
    packets: Option<PacketFolder>,
    records: BTreeMap<usize, Arc<CellRecord>>,
    /// Which records are not written as the cells finish.
    settle: Option<&'a dyn Settle>,
    /// Those of them that there are.
    unsettled: BTreeSet<usize>,
    /// What a bundle has beside the records, where one is written.
    kept: Option<Kept>,
}

/// What the readers of a run's events have in the end.
pub(super) struct Finished {
    /// In the order of their cells.
    pub(super) records: Vec<Arc<CellRecord>>,
    /// What a bundle has beside them.
    pub(super) kept: Kept,
    /// Whether every report was written.
    pub(super) written: io::Result<()>,
}

impl<'a> Reporters<'a> {
    /// Begins the reports of a run of these cells.
    pub(super) fn begin(
        cells: &[Cell],
        files: ReportFiles,
        settle: Option<&'a dyn Settle>,
    ) -> io::Result<Reporters<'a>> {
        Ok(Reporters {
            progress: Progress::new(
                cells.iter().map(|cell| cell.axes.to_string()).collect(),
                files.is_quiet,
            ),
            reports: Reports::begin(files.files, &files.about)?,
            streams: files.streams,
            packets: files.packets,
            records: BTreeMap::new(),
            settle,
            unsettled: BTreeSet::new(),
            kept: files.keeps.then(Kept::default),
        })
    }

    /// Reads one event.
    pub(super) fn read(&mut self, event: RunEvent) -> io::Result<()> {
        match event {
            RunEvent::Finished {
                index,
                record,
                streams,
                packets,
            } => {
                self.progress.add(index, &record);
                let mut captured = Ok(());
                if let Some(packets) = packets {
                    let file = pcapng(&record, &packets);
                    if let Some(folder) = &mut self.packets {
                        captured = folder.add(&record, &file);
                    }
                    if let Some(kept) = &mut self.kept {
                        kept.packets.add(index, file);
                    }
                }
                let scenario = &record.axes.scenario;
                let kept = self
                    .streams
                    .as_mut()
                    .map_or(Ok(()), |folder| folder.add(scenario, &streams));
                if let Some(kept) = &mut self.kept {
                    kept.streams.insert(index, streams);
                }
                self.add(index, record).and(kept).and(captured)
            }
            RunEvent::NotRun { index, record } => self.add(index, record),
            RunEvent::Started { index } => {
                self.progress.begin(index);
                Ok(())
            }
            RunEvent::Waits { index, why } => {
                self.progress.wait(index, why);
                Ok(())
            }
            RunEvent::Planned { .. } => Ok(()),
        }
    }

    fn add(&mut self, index: usize, record: Arc<CellRecord>) -> io::Result<()> {
        let waits = self.settle.is_some_and(|settle| settle.waits(&record));
        let written = match waits {
            true => {
                self.unsettled.insert(index);
                Ok(())
            }
            false => self.reports.add(index, &record),
        };
        self.records.insert(index, record);
        written
    }

    /// Settles the records that wait for it: every cell was run. `Err`: why they stay as they are was told.
    pub(super) fn settle(&mut self) -> Result<(), Exit> {
        self.progress.finish();
        let Some(settle) = self.settle else {
            return Ok(());
        };
        let waiting = self.unsettled.iter();
        let waiting = waiting.map(|index| (*index, Arc::clone(&self.records[index])));
        let settled = settle.settled(waiting.collect())?;
        self.records.extend(settled);
        Ok(())
    }

    /// Ends the reports.
    pub(super) fn finish(mut self) -> Finished {
        self.progress.finish();
        let mut written = Ok(());
        for index in &self.unsettled {
            written = written.and(self.reports.add(*index, &self.records[index]));
        }
        Finished {
            written: written.and(self.reports.finish()),
            records: self.records.into_values().collect(),
            kept: self.kept.unwrap_or_default(),
        }
    }

    /// Reports of a run that was interrupted before its first cell.
    pub(super) fn of_none(cells: &[Cell], by: &'static str, files: ReportFiles) -> io::Result<()> {
        let mut reporters = Reporters::begin(cells, files, None)?;
        let mut written = Ok(());
        for (index, cell) in cells.iter().enumerate() {
            let record = not_run(cell, NotRun::interrupted(by, false));
            written = written.and(reporters.add(index, Arc::new(record)));
        }
        written.and(reporters.finish().written)
    }
}
