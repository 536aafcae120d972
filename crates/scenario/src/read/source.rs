//! The texts that a scenario file brings: in place, or in files beside it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use fwlab_model::ruleset::Source;

use crate::format::section::Kind;
use crate::format::table::Placed;
use crate::format::value::{Found, Value};
use crate::input;
use crate::problem::Problems;
use crate::scenario::NamedFile;

/// Whether the files that a scenario names are read with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files<'a> {
    Read,
    Unread,
    /// They are these, and no others are there.
    Given(&'a BTreeMap<PathBuf, Vec<u8>>),
}

/// The scenario file that rulesets and scripts stand in, or beside.
pub(crate) struct ScenarioFile<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
    files: Files<'a>,
    /// Those that were read.
    read: RefCell<Vec<NamedFile>>,
    /// Whether it names files that were not read.
    has_unread: Cell<bool>,
    /// The bytes that end its lines.
    ends: Vec<usize>,
}

impl<'a> ScenarioFile<'a> {
    pub(crate) fn new(path: &'a Path, text: &'a str, files: Files<'a>) -> ScenarioFile<'a> {
        ScenarioFile {
            path,
            text,
            files,
            read: RefCell::default(),
            has_unread: Cell::new(false),
            ends: text.match_indices('\n').map(|(at, _)| at).collect(),
        }
    }

    /// Whether it has named files by now that were not read.
    pub(crate) fn has_unread(&self) -> bool {
        self.has_unread.get()
    }

    /// The files that it named by now and that were read, each once.
    pub(crate) fn into_read(self) -> Vec<NamedFile> {
        self.read.into_inner()
    }

    /// The line that a byte stands in, 1 for the first.
    pub(crate) fn line_of(&self, at: usize) -> u32 {
        let before = self.ends.partition_point(|end| *end < at);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }

    /// The byte of the file that a value's text begins at, where it stands there
    /// letter by letter.
    pub(crate) fn place_of(&self, text: &str, value: &Range<usize>) -> Option<usize> {
        let written = self.text.get(value.clone())?;
        let at = written.find(text).filter(|_| !text.is_empty())?;
        Some(value.start + at)
    }
}

/// Rules in place.
pub(crate) struct RulesText;

impl Value for RulesText {
    type Read = Source;
    const KIND: Kind = Kind::Text("text");

    fn read(mut found: Found<'_>) -> Option<Source> {
        let Placed { value, span } = found.text()?;
        Some(in_place(&value, span, found.file))
    }
}

/// Rules, or sets, in a file beside the scenario.
pub(crate) fn source(
    name: &Placed<String>,
    file: &ScenarioFile<'_>,
    problems: &mut Problems,
) -> Option<Source> {
    let Beside {
        path,
        bytes,
        is_within,
    } = beside(name, file, problems)?;
    let source = Source::new(path.display().to_string(), bytes);
    Some(match is_within {
        true => source,
        false => source.unquoted(),
    })
}

/// A file that the scenario names.
pub(crate) struct Beside {
    /// Its path, as it is told.
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    /// Whether it is in the scenario's folder or below it.
    is_within: bool,
}

/// Reads a file that the scenario names; nothing where files are not read, or where that one cannot be.
pub(crate) fn beside(
    name: &Placed<String>,
    file: &ScenarioFile<'_>,
    problems: &mut Problems,
) -> Option<Beside> {
    if file.files == Files::Unread {
        file.has_unread.set(true);
        return None;
    }
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let path = folder.join(&name.value);
    let own = input::tidy(&path);
    let read = match file.files {
        // What came with the scenario can be shown with it.
        Files::Given(given) => given
            .get(&own)
            .map(|bytes| (bytes.clone(), true))
            .ok_or_else(|| {
                let why = "it did not come with the scenario";
                io::Error::new(io::ErrorKind::NotFound, why).into()
            }),
        Files::Read | Files::Unread => input::read_beside(&path, folder),
    };
    let path = own;
    match read {
        Ok((bytes, is_within)) => {
            let mut known = file.read.borrow_mut();
            if !known.iter().any(|known| known.path == path) {
                known.push(NamedFile {
                    name: name.value.clone(),
                    path: path.clone(),
                    bytes: bytes.as_slice().into(),
                });
            }
            Some(Beside {
                path,
                bytes,
                is_within,
            })
        }
        Err(error) => {
            file.has_unread.set(true);
            problems.add_with_help(
                name.span.clone(),
                format!("cannot read {}: {error}", path.display()),
                "the path is relative to the scenario file",
            );
            None
        }
    }
}

/// Rules in place are told by the lines of the scenario file, where the text stands in the file letter by letter.
fn in_place(text: &str, span: Range<usize>, file: &ScenarioFile<'_>) -> Source {
    let name = file.path.display().to_string();
    match file.place_of(text, &span) {
        Some(at) => {
            let before = &file.text[..at];
            let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1);
            let line = file.line_of(at);
            Source::new(name, text.as_bytes()).beginning_at(line, column)
        }
        None => Source::new(name, text.as_bytes().to_vec()),
    }
}
