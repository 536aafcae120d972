use std::path::{Path, PathBuf};

use fwlab_check::{HostFiles, Subject, Terms, read_files};
use fwlab_record::Exit;

use crate::command::exit::{complain, telling};

/// The most files of one host.
const MOST_FILES: usize = 50;

/// Reads both, to be tried alike.
pub(super) fn read(old: &Path, new: &Path, terms: &Terms) -> Result<[Subject; 2], Exit> {
    let read = |path: &Path| -> Result<HostFiles, Exit> {
        let files = files(path)?;
        telling(|said| read_files(&files, terms, said))
    };
    let (old, new) = (read(old)?, read(new)?);
    telling(|said| {
        let at = terms.at(&[&old, &new], said)?;
        let mut old = Subject::of(old, at, terms, said)?;
        let mut new = Subject::of(new, at, terms, said)?;
        old.serving.tell(None, said);
        new.serving.tell(Some(&old.serving), said);
        Subject::alike(&mut old, &mut new, said)?;
        Ok([old, new])
    })
}

/// The files that a path stands for: itself, or those of a folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, Exit> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let shown = path.display();
    let cannot = |error: std::io::Error| {
        complain(format!("cannot read {shown}: {error}"), None);
        Exit::Usage
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && entry.path().is_file() {
            files.push(entry.path());
        }
        if files.len() > MOST_FILES {
            complain(
                format!(
                    "{shown} has more than {MOST_FILES} files, which is too many for one host's rules"
                ),
                Some("give the folder of one host's files, or one file"),
            );
            return Err(Exit::Usage);
        }
    }
    if files.is_empty() {
        complain(
            format!("{shown} is a folder without files"),
            Some("give rules, a captured host, or a folder of one host's files"),
        );
        return Err(Exit::Usage);
    }
    files.sort();
    Ok(files)
}
