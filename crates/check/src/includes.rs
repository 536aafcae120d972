//! What a script of nft includes, read from one folder that its user names, and from nowhere else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fwlab_model::ruleset::Source;
use fwlab_record::Exit;
use fwlab_scenario::input;
use fwlab_text::one_line;

use crate::messages::Messages;

/// As deep may files include each other: as deep as nft allows.
const DEEPEST: usize = 16;

/// As many files are included.
const MOST_FILES: usize = 200;

/// As large may a script become.
const MOST_BYTES: usize = 10 << 20;

/// Puts what a script includes in the place of each `include`, from this folder; says which lines are whose.
pub(crate) fn included(source: Source, folder: &Path, said: &mut Messages) -> Result<Source, Exit> {
    let mut reading = Reading {
        folder,
        lines: Vec::new(),
        parts: Vec::new(),
        bytes: 0,
        said,
    };
    if !folder.is_dir() {
        return reading.refuse(
            format!(
                "--include {}: there is no such folder",
                one_line(folder.display())
            ),
            "name the folder that holds the files as on that host",
        );
    }
    let name = source.name.clone();
    reading.file(&name, &source.text, 0)?;
    let Reading { lines, parts, .. } = reading;
    if parts.is_empty() {
        return Ok(source);
    }
    let mut told = String::new();
    for (name, first, last) in &parts {
        let _ = write!(
            told,
            "{}lines {first}-{last} are {}",
            if told.is_empty() { "" } else { "; " },
            one_line(name)
        );
    }
    said.say(
        format!("{}: with what it includes, {told}", one_line(&name)),
        Some("line numbers count the lines of included files, too"),
    );
    Ok(Source {
        text: lines.join("\n").into_bytes(),
        ..source
    })
}

struct Reading<'a> {
    folder: &'a Path,
    lines: Vec<String>,
    /// Files that were included, and their first and last lines in the whole.
    parts: Vec<(String, usize, usize)>,
    bytes: usize,
    said: &'a mut Messages,
}

impl Reading<'_> {
    fn file(&mut self, name: &str, text: &[u8], depth: usize) -> Result<(), Exit> {
        let text = String::from_utf8_lossy(text);
        for (line, number) in text.lines().zip(1..) {
            let Some(pattern) = pattern(line) else {
                self.bytes += line.len() + 1;
                self.lines.push(line.to_owned());
                continue;
            };
            let place = format!("{}:{number}", one_line(name));
            if depth == DEEPEST || self.bytes > MOST_BYTES || self.parts.len() > MOST_FILES {
                return self.refuse(
                    format!("{place}: files include each other more than {DEEPEST} deep, or are more than {MOST_FILES}"),
                    "does one include itself?",
                );
            }
            let Some(found) = self.found(pattern) else {
                return self.refuse(
                    format!(
                        "{place}: `{}` is not in the folder of --include, {}",
                        one_line(pattern),
                        one_line(self.folder.display())
                    ),
                    "put the file there, under the path in the script or the end of that path",
                );
            };
            for path in found {
                let name = path
                    .strip_prefix(self.folder)
                    .unwrap_or(&path)
                    .display()
                    .to_string();
                if !input::is_within(&path, self.folder) {
                    return self.refuse(
                        format!(
                            "{place}: {} leads out of the folder of --include",
                            one_line(&name)
                        ),
                        "put a copy of the file there, not a link",
                    );
                }
                let text = match input::read_file(&path) {
                    Ok(text) => text,
                    Err(error) => {
                        return self.refuse(
                            format!("{place}: cannot read {}: {error}", one_line(&name)),
                            "make it readable, or leave it out",
                        );
                    }
                };
                let first = self.lines.len() + 1;
                let part = self.parts.len();
                self.parts.push((name.clone(), first, first));
                self.file(&name, &text, depth + 1)?;
                self.parts[part].2 = self.lines.len().max(first);
            }
        }
        Ok(())
    }

    fn refuse<T>(&mut self, what: String, help: &str) -> Result<T, Exit> {
        self.said.say(what, Some(help));
        Err(Exit::Usage)
    }

    /// The files that an `include` names: by the whole of its path below the folder, or by the longest end of it that is
    /// there. Without a wildcard, a file that is not there is a mistake; with one, as for nft, it may be none.
    fn found(&self, pattern: &str) -> Option<Vec<PathBuf>> {
        let parts: Vec<&str> = pattern
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        if parts.contains(&"..") {
            return None;
        }
        let is_wild = pattern.contains(['*', '?', '[']);
        for from in 0..parts.len() {
            let (name, folders) = parts[from..].split_last()?;
            let folder = folders
                .iter()
                .fold(self.folder.to_owned(), |path, part| path.join(part));
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            let mut found: Vec<PathBuf> = entries
                .flatten()
                .filter(|entry| {
                    let known = entry.file_name().to_string_lossy().into_owned();
                    // As for a shell, a wildcard is no name's first dot.
                    let hidden = known.starts_with('.') && !name.starts_with('.');
                    !hidden && matches(name.as_bytes(), known.as_bytes())
                })
                .map(|entry| entry.path())
                .collect();
            found.sort();
            if !found.is_empty() {
                return Some(found);
            }
        }
        is_wild.then(Vec::new)
    }
}

/// What a line includes, where it is such a line: `include "/etc/nftables.d/*.nft"`.
fn pattern(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("include")?;
    let rest = rest.trim().trim_end_matches(';').trim_end();
    let within = |quote: char| rest.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\''))
}

/// Whether a name is of a pattern with `*` and `?`.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.first(), name.first()) {
        (None, None) => true,
        (Some(b'*'), _) => {
            matches(&pattern[1..], name) || (!name.is_empty() && matches(pattern, &name[1..]))
        }
        (Some(b'?'), Some(_)) => matches(&pattern[1..], &name[1..]),
        (Some(one), Some(other)) if one == other => matches(&pattern[1..], &name[1..]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_include_are_known() {
        assert_eq!(
            pattern("  include \"/etc/nftables.d/*.nft\""),
            Some("/etc/nftables.d/*.nft")
        );
        assert_eq!(pattern("include 'a.nft';"), Some("a.nft"));
        for other in [
            "# include \"a\"",
            "included \"a",
            "table include {",
            "include a.nft",
        ] {
            assert_eq!(pattern(other), None, "{other}");
        }
        for (pattern, name, is_of) in [
            ("*.nft", "a.nft", true),
            ("*.nft", ".nft", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "x", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b", "a-b-c", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                is_of,
                "{pattern} {name}"
            );
        }
    }
}
