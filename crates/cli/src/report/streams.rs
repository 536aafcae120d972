use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fwlab_judge::Stream;

/// Writes what each cell's judge was told, to be judged again: a line of JSON a session, a file a scenario.
#[derive(Debug)]
pub struct StreamFolder {
    folder: PathBuf,
    files: BTreeMap<String, File>,
}

/// A folder cannot take streams.
#[derive(Debug, thiserror::Error)]
pub enum StreamFolderError {
    /// It cannot be made or read.
    #[error("cannot record to {}: {source}", path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something is in it.
    #[error("{} is not empty, and what is recorded there would be mixed with that", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
}

impl StreamFolderError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            StreamFolderError::Unwritable { .. } => "name a folder that you may write to",
            StreamFolderError::Occupied { .. } => "name a folder that is new or empty",
        }
    }
}

impl StreamFolder {
    /// A folder that is there and empty; made where it is not.
    ///
    /// # Errors
    /// When it cannot be made, or something is in it.
    pub fn open(folder: &Path) -> Result<StreamFolder, StreamFolderError> {
        let path = || folder.to_owned();
        let unwritable = |source| StreamFolderError::Unwritable {
            path: path(),
            source,
        };
        fs::create_dir_all(folder).map_err(unwritable)?;
        let mut inside = fs::read_dir(folder).map_err(unwritable)?;
        if inside.next().is_some() {
            return Err(StreamFolderError::Occupied { path: path() });
        }
        Ok(StreamFolder {
            folder: folder.to_owned(),
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
                    let path = folder.join(file_name(scenario));
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

fn with_path(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The file of a scenario: its name's folders, and in them nothing that leads out.
fn file_name(scenario: &str) -> PathBuf {
    let safe = |character: char| {
        if character.is_ascii_alphanumeric() || "._-".contains(character) {
            character
        } else {
            '_'
        }
    };
    let parts = scenario.split('/').filter(|part| !part.is_empty());
    let mut path: PathBuf = parts
        .map(|part| match part {
            "." | ".." => "_".to_owned(),
            part => part.chars().map(safe).collect(),
        })
        .collect();
    let mut name = path.file_name().unwrap_or("_".as_ref()).to_owned();
    name.push(".jsonl");
    path.set_file_name(name);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_s_name_leads_nowhere_else() {
        for (scenario, file) in [
            ("seed/server", "seed/server.jsonl"),
            ("../../etc/passwd", "_/_/etc/passwd.jsonl"),
            ("/etc/x y", "etc/x_y.jsonl"),
            ("", "_.jsonl"),
            ("a.b", "a.b.jsonl"),
        ] {
            assert_eq!(file_name(scenario), Path::new(file));
        }
    }

    #[test]
    fn nothing_is_mixed_with_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("new");
        StreamFolder::open(&inside).expect("it is made");
        StreamFolder::open(&inside).expect("it is empty");
        fs::write(inside.join("x"), "").expect("it can be written");
        let error = StreamFolder::open(&inside).expect_err("something is in it");
        assert!(error.to_string().contains("is not empty"), "{error}");
    }
}
