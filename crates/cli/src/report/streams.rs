use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fwlab_judge::Stream;

use super::folder::{FolderError, empty, file_name, with_path};

/// Writes what each cell's judge was told, to be judged again: a line of JSON a session, a file a scenario.
#[derive(Debug)]
pub struct StreamFolder {
    folder: PathBuf,
    files: BTreeMap<String, File>,
}

impl StreamFolder {
    /// A folder that is there and empty; made where it is not.
    ///
    /// # Errors
    /// When it cannot be made, or something is in it.
    pub fn open(folder: &Path) -> Result<StreamFolder, FolderError> {
        Ok(StreamFolder {
            folder: empty(folder)?,
            files: BTreeMap::new(),
        })
    }

    /// Adds the streams of a cell of a scenario.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn add(&mut self, scenario: &str, streams: &[Stream]) -> io::Result<()> {
        for stream in streams {
            let mut line = serde_json::to_vec(stream)?;
            line.push(b'\n');
            let folder = &self.folder;
            let file = match self.files.get(scenario) {
                Some(file) => file,
                None => {
                    let path = folder.join(file_name(scenario, "jsonl"));
                    let made = make(&path).map_err(|error| with_path(&path, &error))?;
                    self.files.entry(scenario.to_owned()).or_insert(made)
                }
            };
            let mut file: &File = file;
            file.write_all(&line)
                .map_err(|error| with_path(folder, &error))?;
        }
        Ok(())
    }
}

/// Two scenarios may have names that make one file's: then both are in it.
fn make(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    File::options().append(true).create(true).open(path)
}
