//! Finding scenario files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::input::{self, InputError};
use crate::{Outline, Scenario, ScenarioError};

/// Why scenarios could not be collected.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CollectError {
    /// A path is not there or cannot be read.
    #[error("cannot read {}", path.display())]
    #[diagnostic(help("name a scenario file or a folder of them"))]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: InputError,
    },
    /// A folder holds a link out of it.
    #[error("{} leads out of {}", path.display(), folder.display())]
    #[diagnostic(help(
        "fwlab reads only what is inside a folder; name a scenario elsewhere by itself"
    ))]
    Outside {
        /// The link.
        path: PathBuf,
        /// The folder that was given.
        folder: PathBuf,
    },
    /// A file is no scenario.
    #[error("{} is not a scenario file: those end in .toml", path.display())]
    #[diagnostic(help("for the truth table of a ruleset, write `fwlab check {} --at server`", path.display()))]
    NoScenario {
        /// The path.
        path: PathBuf,
    },
    /// A folder holds no scenario.
    #[error("{} holds no scenario", path.display())]
    #[diagnostic(help(
        "a scenario is a file that ends in .toml; `fwlab schema` describes its contents"
    ))]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A scenario has mistakes.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] ScenarioError),
}

/// Reads the scenario files that paths name: files, and folders with all below them; and the files that the
/// scenarios name, so that they can be run. A scenario's name is its path below the folder that was given; where
/// two would have the same, it is the whole path.
///
/// # Errors
/// All mistakes of all files at once.
pub fn scenarios(paths: &[PathBuf]) -> Result<Vec<Arc<Scenario>>, Vec<CollectError>> {
    each(paths, |name, path, text| {
        Scenario::prepare(name, path, text).map(Arc::new)
    })
}

/// Reads the scenario files that paths name, as [`scenarios`] does, and no other file; but where the language of
/// rules in a file decides which cells there are, that scenario's files too.
///
/// # Errors
/// All mistakes of all files at once.
pub fn outlines(paths: &[PathBuf]) -> Result<Vec<Outline>, Vec<CollectError>> {
    each(paths, |name, path, text| {
        let outline = Scenario::parse(name, path, text)?;
        if outline.has_cells() {
            return Ok(outline);
        }
        Scenario::prepare(name, path, text).map(Outline::from)
    })
}

fn each<T>(
    paths: &[PathBuf],
    read: impl Fn(&str, &Path, &str) -> Result<T, ScenarioError>,
) -> Result<Vec<T>, Vec<CollectError>> {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        if path.is_file() && path.extension().is_none_or(|extension| extension != "toml") {
            errors.push(CollectError::NoScenario { path: path.clone() });
            continue;
        }
        let before = files.len();
        let is_folder = path.is_dir();
        let root = if is_folder {
            path.as_path()
        } else {
            path.parent().unwrap_or(Path::new(""))
        };
        match find(path, root, &mut files) {
            Err(source) => errors.push(CollectError::Unreadable {
                path: path.clone(),
                source: source.into(),
            }),
            Ok(()) if files.len() == before => {
                errors.push(CollectError::Empty { path: path.clone() })
            }
            Ok(()) => {}
        }
        if is_folder {
            let found = files.split_off(before);
            for (name, file) in found {
                if !file.exists() || input::is_within(&file, path) {
                    files.push((name, file));
                } else {
                    let folder = path.clone();
                    errors.push(CollectError::Outside { path: file, folder });
                }
            }
        }
    }
    files.sort();
    files.dedup();
    // A name stands for one scenario in a run: those that would share one are named by their paths.
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (name, _) in &files {
        *names.entry(name.clone()).or_default() += 1;
    }
    for (name, path) in &mut files {
        if names.get(name).is_some_and(|count| *count > 1) {
            *name = path.with_extension("").to_string_lossy().into_owned();
        }
    }
    let mut scenarios = Vec::new();
    for (name, path) in files {
        match input::read_file(&path) {
            Err(source) => errors.push(CollectError::Unreadable { path, source }),
            Ok(bytes) => match read(&name, &path, &String::from_utf8_lossy(&bytes)) {
                Ok(scenario) => scenarios.push(scenario),
                Err(error) => errors.push(error.into()),
            },
        }
    }
    if errors.is_empty() {
        Ok(scenarios)
    } else {
        Err(errors)
    }
}

/// The scenario files at a path. A folder that is found again below itself, by a link, is read once.
fn find(path: &Path, root: &Path, files: &mut Vec<(String, PathBuf)>) -> std::io::Result<()> {
    find_below(path, root, &mut Vec::new(), files)
}

fn find_below(
    path: &Path,
    root: &Path,
    above: &mut Vec<PathBuf>,
    files: &mut Vec<(String, PathBuf)>,
) -> std::io::Result<()> {
    if !path.is_dir() {
        // What was named is read, whatever it ends in; reading it tells if it is not there.
        std::fs::metadata(path)?;
        let name = path.strip_prefix(root).unwrap_or(path).with_extension("");
        files.push((name.to_string_lossy().into_owned(), path.to_owned()));
        return Ok(());
    }
    let folder = path.canonicalize()?;
    if above.contains(&folder) {
        return Ok(());
    }
    above.push(folder);
    for entry in std::fs::read_dir(path)? {
        let entry = entry?.path();
        let is_scenario = entry
            .extension()
            .is_some_and(|extension| extension == "toml");
        if entry.is_dir() || is_scenario {
            find_below(&entry, root, above, files)?;
        }
    }
    above.pop();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_links_to_itself_is_read_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).expect("a folder");
        std::fs::write(inner.join("one.toml"), "").expect("a file");
        std::os::unix::fs::symlink(folder.path(), inner.join("again")).expect("a link");
        std::os::unix::fs::symlink(&inner, inner.join("self")).expect("a link");
        let mut files = Vec::new();
        find(folder.path(), folder.path(), &mut files).expect("it can be read");
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["inner/one"]);
    }
}
