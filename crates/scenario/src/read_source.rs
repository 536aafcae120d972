//! The texts that a scenario file brings: in place, or in files beside it.

use std::cell::Cell;
use std::ops::Range;
use std::path::{Path, PathBuf};

use fwlab_model::ruleset::Source;

use super::problem::Problems;
use super::reader::{At, Reader};
use crate::input;

/// Whether the files that a scenario names are read with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    Read,
    Unread,
}

/// What stands in a file that a scenario names.
pub(super) enum Content<T> {
    Read(T),
    /// It is not looked at, and may be anything.
    Unread,
}

impl<T> Content<T> {
    pub(super) fn read(self) -> Option<T> {
        match self {
            Content::Read(content) => Some(content),
            Content::Unread => None,
        }
    }
}

/// The scenario file that rulesets and scripts stand in, or beside.
pub(super) struct Origin<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    files: Files,
    /// Whether it names files that were not read.
    has_unread: Cell<bool>,
    /// The bytes that end its lines.
    ends: Vec<usize>,
}

impl<'a> Origin<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str, files: Files) -> Origin<'a> {
        Origin {
            path,
            text,
            files,
            has_unread: Cell::new(false),
            ends: text.match_indices('\n').map(|(at, _)| at).collect(),
        }
    }

    /// Whether it has named files by now that were not read.
    pub(super) fn has_unread(&self) -> bool {
        self.has_unread.get()
    }

    /// The line that a byte stands in, 1 for the first.
    pub(super) fn line_of(&self, at: usize) -> u32 {
        let before = self.ends.partition_point(|end| *end < at);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }

    /// The byte of the file that a value's text begins at, where it stands there
    /// letter by letter.
    pub(super) fn place_of(&self, text: &str, value: &Range<usize>) -> Option<usize> {
        let written = self.text.get(value.clone())?;
        let at = written.find(text).filter(|_| !text.is_empty())?;
        Some(value.start + at)
    }
}

/// Rules in a file beside the scenario, or in place.
pub(super) fn written(
    entry: &Reader<'_>,
    key: &'static str,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> Option<Content<Source>> {
    let At { value, span } = entry.text(key, problems)?;
    if key.starts_with("text") {
        return Some(Content::Read(in_place(&value, span, file)));
    }
    let Content::Read((path, text, is_within)) = beside(&value, span, file, problems)? else {
        return Some(Content::Unread);
    };
    let source = Source::new(tidy(&path).display().to_string(), text);
    Some(Content::Read(match is_within {
        true => source,
        false => source.unquoted(),
    }))
}

/// A file that the scenario names: its path, its bytes, and whether it is in the scenario's folder or below it.
pub(super) fn beside(
    name: &str,
    span: Range<usize>,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> Option<Content<(PathBuf, Vec<u8>, bool)>> {
    if file.files == Files::Unread {
        file.has_unread.set(true);
        return Some(Content::Unread);
    }
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let path = folder.join(name);
    match input::read_beside(&path, folder) {
        Ok((bytes, is_within)) => Some(Content::Read((path, bytes, is_within))),
        Err(error) => {
            problems.add_with_help(
                span,
                format!("cannot read {}: {error}", tidy(&path).display()),
                "the path is relative to the scenario file",
            );
            None
        }
    }
}

/// A path without `folder/..` in it, as far as that can be told without the file system.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        if component == std::path::Component::ParentDir
            && matches!(
                tidy.components().next_back(),
                Some(std::path::Component::Normal(_))
            )
        {
            tidy.pop();
        } else {
            tidy.push(component);
        }
    }
    tidy
}

/// Rules in place are told by the lines of the scenario file, where the text stands in the file letter by letter.
fn in_place(text: &str, span: Range<usize>, file: &Origin<'_>) -> Source {
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
