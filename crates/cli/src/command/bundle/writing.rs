use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fwlab_host::Bundle;
use fwlab_record::{CellRecord, Exit};
use fwlab_scenario::Scenario;
use fwlab_scenario::input::tidy;
use fwlab_scenario::plan::Cell;
use fwlab_text::one_line;

use super::{About, Kept, versions};
use crate::command::exit::complain;
use crate::text::Page;

/// The file of a bundle: made before the run, and taken away where nothing came of it.
#[derive(Debug)]
pub(in crate::command) struct BundleFile {
    path: PathBuf,
    file: File,
    is_whole: bool,
    bundle: Bundle,
    scenario: Arc<Scenario>,
}

impl BundleFile {
    /// Makes the file, and finds what goes into it beside the run. `Err`: why it cannot be was told.
    pub(in crate::command) fn open(path: &Path, cells: &[Cell]) -> Result<BundleFile, Exit> {
        let refused = |what: &dyn std::fmt::Display, help: &str| {
            complain(format!("--bundle: {}", one_line(what)), Some(help));
            Exit::Usage
        };
        let scenario = match cells {
            [first, ..] => Arc::clone(&first.scenario),
            [] => return Err(Exit::Usage),
        };
        if let Some(other) = cells
            .iter()
            .find(|cell| !Arc::ptr_eq(&cell.scenario, &scenario))
        {
            return Err(refused(
                &format!(
                    "a bundle has one scenario, and the chosen cells are of several: {} and {}",
                    scenario.name, other.scenario.name
                ),
                "name one scenario's file",
            ));
        }
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            return Err(refused(
                &format!("{} would be taken for a scenario", path.display()),
                "give it a name that does not end in .toml",
            ));
        }
        let bundle = collected(&scenario).map_err(|why| {
            refused(
                &why,
                "write the scenario's file names relative to the scenario, in folders whose names are plain text",
            )
        })?;
        // Rules and the key of a certificate are nobody else's, until its owner gives it away.
        let made = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let file = made.map_err(|error| {
            refused(
                &format!("cannot make {}: {error}", path.display()),
                "name a file that does not exist yet, in a folder that you may write to",
            )
        })?;
        Ok(BundleFile {
            path: path.to_owned(),
            file,
            is_whole: false,
            bundle,
            scenario,
        })
    }

    /// Writes what the run gave: what is in it then, in words. `Err`: why it is not written was told.
    pub(in crate::command) fn write(
        mut self,
        records: &[Arc<CellRecord>],
        kept: Kept,
    ) -> Result<Page, Exit> {
        let failed = |path: &Path, why: &dyn std::fmt::Display, help| {
            let path = path.display();
            complain(format!("the bundle {path} is not written: {why}"), help);
            Exit::Lab
        };
        let about = About {
            fwlab: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: self.scenario.name.clone(),
            with: versions(records.iter().map(Arc::as_ref)),
        };
        let own = |error: serde_json::Error| io::Error::from(error);
        let mut put = || {
            self.bundle.about = serde_json::to_vec_pretty(&about).map_err(own)?;
            for record in records {
                serde_json::to_writer(&mut self.bundle.records, record.as_ref()).map_err(own)?;
                self.bundle.records.push(b'\n');
            }
            for stream in kept.streams.values().flatten() {
                serde_json::to_writer(&mut self.bundle.streams, stream).map_err(own)?;
                self.bundle.streams.push(b'\n');
            }
            io::Result::Ok(())
        };
        put().map_err(|error| failed(&self.path, &error, None))?;
        let has_packets = kept.packets.count();
        let left_out = kept.packets.left_out();
        self.bundle.packets = kept.packets.into_files();
        let bytes = self
            .bundle
            .write()
            .map_err(|mistake| failed(&self.path, &mistake, Some(mistake.help())))?;
        (&self.file)
            .write_all(&bytes)
            .and_then(|()| self.file.sync_all())
            .map_err(|error| failed(&self.path, &error, None))?;
        self.is_whole = true;
        let mut page = Page::from(format!(
            "{}: {} cells, what was seen of them, packets of {has_packets}, {}",
            self.path.display(),
            records.len(),
            self.bundle.scenario
        ));
        for path in self.bundle.files.keys() {
            page.text(format_args!(", {path}"));
        }
        page.text(format_args!("; {} KiB\n", bytes.len().div_ceil(1024)));
        if let Some(left_out) = left_out {
            page.text(format_args!("{left_out}\n"));
        }
        Ok(page)
    }
}

impl Drop for BundleFile {
    fn drop(&mut self) {
        // It was made for nothing. What somebody has put there since is not ours.
        if !self.is_whole
            && let (Ok(own), Ok(there)) = (self.file.metadata(), fs::symlink_metadata(&self.path))
            && (own.dev(), own.ino()) == (there.dev(), there.ino())
        {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The scenario and its files, by their paths below the folder that has all of them.
fn collected(scenario: &Scenario) -> Result<Bundle, String> {
    let full = |path: &Path| -> Result<PathBuf, String> {
        let full =
            std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()));
        Ok(tidy(&full?))
    };
    let own = full(&scenario.path)?;
    let mut files = BTreeMap::new();
    for file in &scenario.files {
        if Path::new(&file.name).is_absolute() {
            let (path, name) = (scenario.path.display(), &file.name);
            return Err(format!(
                "{path} names the file {name} by an absolute path, which will not hold on another machine"
            ));
        }
        files.insert(full(&file.path)?, file.bytes.to_vec());
    }
    let folders = files.keys().chain([&own]).map(|path| path.parent());
    let folder = folders
        .flatten()
        .map(Path::to_owned)
        .reduce(|one, other| common(&one, &other))
        .unwrap_or_default();
    let below = |path: &Path| {
        let below = path.strip_prefix(&folder).ok().and_then(Path::to_str);
        below.map(str::to_owned).ok_or_else(|| {
            let path = path.display();
            format!("the path {path} is not text")
        })
    };
    let bundle = Bundle {
        scenario: below(&own)?,
        text: scenario.text.as_bytes().to_vec(),
        files: files
            .into_iter()
            .map(|(path, bytes)| Ok((below(&path)?, bytes)))
            .collect::<Result<_, String>>()?,
        ..Bundle::default()
    };
    // Whether it can be written, it says before anything is run.
    bundle.write().map_err(|mistake| mistake.to_string())?;
    Ok(bundle)
}

/// The folder that two are in.
fn common(one: &Path, other: &Path) -> PathBuf {
    let both = one.components().zip(other.components());
    let same = both.take_while(|(one, other)| one == other);
    same.map(|(part, _)| part).collect()
}
