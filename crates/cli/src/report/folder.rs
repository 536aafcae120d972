//! Folders that a run writes files into, one a scenario or one a cell.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A folder cannot take files.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made or read.
    #[error("cannot record to {}: {source}", path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something is in it.
    #[error("{} is not empty, so recorded files would be mixed with what is there", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
}

impl FolderError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            FolderError::Unwritable { .. } => "name a folder that you may write to",
            FolderError::Occupied { .. } => "name a folder that is new or empty",
        }
    }
}

/// A folder that is there and empty; made where it is not.
pub(super) fn empty(folder: &Path) -> Result<PathBuf, FolderError> {
    let path = || folder.to_owned();
    let unwritable = |source| FolderError::Unwritable {
        path: path(),
        source,
    };
    fs::create_dir_all(folder).map_err(unwritable)?;
    let mut inside = fs::read_dir(folder).map_err(unwritable)?;
    if inside.next().is_some() {
        return Err(FolderError::Occupied { path: path() });
    }
    Ok(path())
}

/// An error that says of which file it is.
pub(super) fn with_path(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The file of a name: the name's folders, and in them nothing that leads out.
pub(super) fn file_name(name: &str, extension: &str) -> PathBuf {
    let safe = |character: char| {
        if character.is_ascii_alphanumeric() || "._-".contains(character) {
            character
        } else {
            '_'
        }
    };
    let parts = name.split('/').filter(|part| !part.is_empty());
    let mut path: PathBuf = parts
        .map(|part| match part {
            "." | ".." => "_".to_owned(),
            part => part.chars().map(safe).collect(),
        })
        .collect();
    let mut name = path.file_name().unwrap_or("_".as_ref()).to_owned();
    name.push(".");
    name.push(extension);
    path.set_file_name(name);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for (name, file) in [
            ("seed/server", "seed/server.jsonl"),
            ("../../etc/passwd", "_/_/etc/passwd.jsonl"),
            ("/etc/x y", "etc/x_y.jsonl"),
            ("", "_.jsonl"),
            ("a.b", "a.b.jsonl"),
        ] {
            assert_eq!(file_name(name, "jsonl"), Path::new(file));
        }
    }

    #[test]
    fn nothing_is_mixed_with_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("new");
        empty(&inside).expect("it is made");
        empty(&inside).expect("it is empty");
        fs::write(inside.join("x"), "").expect("it can be written");
        let error = empty(&inside).expect_err("something is in it");
        assert!(error.to_string().contains("is not empty"), "{error}");
    }
}
