use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fwlab_host::{Bundle, BundleMistake, MAX_BUNDLE};
use fwlab_judge::Stream;
use fwlab_record::{Axes, CellRecord, Exit};
use fwlab_scenario::Scenario;
use fwlab_scenario::filter::Filter;
use fwlab_scenario::input::{self, InputError};
use fwlab_scenario::plan::{Cell, MAX_CELLS, Overrides, Size, cells};
use fwlab_text::one_line;
use miette::Diagnostic;

use super::About;
use crate::command::exit::{complain, tell};
use crate::report::read_records;

/// Whether a path is that of a bundle, of whichever format.
pub(in crate::command) fn is_bundle(path: &Path) -> bool {
    input::begins_with(path, Bundle::BEGIN)
}

/// A bundle that was read: all of it is as it was written.
#[derive(Debug)]
pub(in crate::command) struct Bundled {
    /// Its file.
    pub(super) file: PathBuf,
    pub(super) about: About,
    /// The record of each cell.
    pub(in crate::command) records: Vec<Arc<CellRecord>>,
    bundle: Bundle,
}

impl Bundled {
    /// Reads one. `Err`: what is wrong with it was told.
    pub(in crate::command) fn read(file: &Path) -> Result<Bundled, Exit> {
        let bytes = input::read_file_up_to(file, MAX_BUNDLE).map_err(|error| match error {
            InputError::TooLarge(_) => mistaken(file, &BundleMistake::TooLarge),
            error => wrong(
                file,
                error,
                "name a file that `fwlab run FILE --bundle OUT` wrote",
            ),
        })?;
        let bundle = Bundle::read(&bytes).map_err(|mistake| mistaken(file, &mistake))?;
        drop(bytes);
        let other = "another version of fwlab wrote it, or it was made by hand: write it again";
        let about: About = serde_json::from_slice(&bundle.about)
            .map_err(|error| wrong(file, format!("what it says of itself: {error}"), other))?;
        let name = format!("{}, records", file.display());
        let records = read_records(&name, &bundle.records).map_err(|error| {
            complain(one_line(&error), Some(other));
            Exit::Usage
        })?;
        if let Some((place, _)) = bundle.packets.last_key_value()
            && *place >= records.len()
        {
            let why = format!(
                "it has packets of the cell {} but no record of that cell",
                place + 1
            );
            return Err(wrong(file, why, other));
        }
        // They are no part of a run, and a bundle is whole or it is none.
        let streams = bundle.streams.split(|byte| *byte == b'\n');
        for line in streams.filter(|line| !line.is_empty()) {
            serde_json::from_slice::<Stream>(line)
                .map_err(|error| wrong(file, format!("what it recorded: {error}"), other))?;
        }
        Ok(Bundled {
            file: file.to_owned(),
            about,
            records,
            bundle,
        })
    }

    /// The packets of cells, as pcapng, each with its cell's record.
    pub(in crate::command) fn packets(&self) -> impl Iterator<Item = (&CellRecord, &[u8])> {
        let packets = self.bundle.packets.iter();
        packets.filter_map(|(place, file)| Some((&**self.records.get(*place)?, file.as_slice())))
    }

    /// The scenario, with the files that came with it and no others.
    pub(in crate::command) fn scenario(&self) -> Result<Arc<Scenario>, Exit> {
        let files: BTreeMap<PathBuf, Vec<u8>> = self
            .bundle
            .files
            .iter()
            .map(|(path, bytes)| (PathBuf::from(path), bytes.clone()))
            .collect();
        let text = String::from_utf8_lossy(&self.bundle.text);
        let path = Path::new(&self.bundle.scenario);
        let scenario = Scenario::prepare_from(self.about.scenario.as_str(), path, &text, &files);
        scenario.map(Arc::new).map_err(|error| {
            tell([&error as &dyn Diagnostic]);
            Exit::Usage
        })
    }

    /// The cells that it has records of, all that there are.
    pub(in crate::command) fn cells(&self, scenario: &Arc<Scenario>) -> Result<Vec<Cell>, Exit> {
        let wanted: BTreeSet<&Axes> = self.records.iter().map(|record| &record.axes).collect();
        let mut overrides = Overrides::default();
        for axes in &wanted {
            let Axes { server, client, .. } = **axes;
            if !overrides.servers.contains(&server) {
                overrides.servers.push(server);
            }
            if !overrides.clients.contains(&client) {
                overrides.clients.push(client);
            }
        }
        let size = Size::of(&scenario.matrix, &scenario.rulesets, &overrides).cells();
        let mut all = match size <= MAX_CELLS {
            true => cells(scenario, &overrides, &Filter::default()),
            false => Vec::new(),
        };
        all.retain(|cell| wanted.contains(&cell.axes));
        let there: BTreeSet<&Axes> = all.iter().map(|cell| &cell.axes).collect();
        if let Some(axes) = wanted.iter().find(|axes| !there.contains(**axes)) {
            let why =
                format!("it has a record of the cell {axes}, which its scenario does not have");
            let help = "another version of fwlab wrote it, or it was made by hand: write it again";
            return Err(wrong(&self.file, why, help));
        }
        Ok(all)
    }
}

fn mistaken(file: &Path, mistake: &BundleMistake) -> Exit {
    wrong(file, mistake, mistake.help())
}

fn wrong(file: &Path, what: impl std::fmt::Display, help: &str) -> Exit {
    complain(
        format!("{}: {}", file.display(), one_line(what)),
        Some(help),
    );
    Exit::Usage
}
