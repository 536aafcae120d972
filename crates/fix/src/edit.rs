//! A remedy written into a ruleset's own text.

use fwlab_model::ruleset::{Format, Source, recognise};
use similar::TextDiff;

use crate::{Remedy, in_commands, in_dump, in_script};

/// A remedy has no place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPlace {
    /// Why not, in words.
    pub why: String,
}

impl NoPlace {
    /// Of what is no change of rules.
    pub(crate) fn of_server() -> NoPlace {
        NoPlace {
            why: "it is a setting of the server's".to_owned(),
        }
    }
}

impl std::fmt::Display for NoPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for NoPlace {}

/// Writes remedies into a text, which is edited as a person would: in its own form, a comment above each rule. Those that
/// do not change rules are left to others.
///
/// # Errors
/// When one has no place there.
pub fn apply(source: &Source, remedies: &[&Remedy]) -> Result<Source, NoPlace> {
    let mut text = Text::of(source);
    let of_rules = remedies.iter().filter(|remedy| remedy.is_of_rules());
    let insertions = of_rules.map(|remedy| match recognise(source) {
        Format::Saved => in_dump::insertion(&text, remedy),
        Format::Nft => in_script::insertion(&text, remedy),
        _ => in_commands::insertion(&text, remedy),
    });
    let mut insertions = insertions.collect::<Result<Vec<Insertion>, NoPlace>>()?;
    // From the last line to the first, and of one place from the last to the first: what is inserted moves no line that is still
    // to come.
    insertions.reverse();
    insertions.sort_by_key(|insertion| std::cmp::Reverse(insertion.place));
    for Insertion { place, lines: new } in insertions {
        text.lines.splice(place..place, new);
    }
    Ok(text.into_source(source))
}

/// What was changed, as a unified diff.
pub fn patch(before: &Source, after: &Source) -> String {
    let [old, new] =
        [before, after].map(|source| String::from_utf8_lossy(&source.text).into_owned());
    let diff = TextDiff::from_lines(&old, &new);
    let mut unified = diff.unified_diff();
    unified
        .context_radius(2)
        .header(&before.name, &after.name)
        .to_string()
}

/// The line of the text before that a line of the text after was; nothing for one that was inserted.
pub fn line_before(before: &Source, after: &Source, line: u32) -> Option<u32> {
    let begins = before.begins.0.max(1);
    let place = line.checked_sub(begins)? as usize;
    let [old, new] =
        [before, after].map(|source| String::from_utf8_lossy(&source.text).into_owned());
    let diff = TextDiff::from_lines(&old, &new);
    let mut changes = diff.iter_all_changes();
    let found = changes.find(|change| change.new_index() == Some(place))?;
    u32::try_from(found.old_index()?).ok()?.checked_add(begins)
}

/// A text that is edited, as it is before.
pub(crate) struct Text {
    pub(crate) lines: Vec<String>,
    /// The line of the file that the first one is.
    begins: u32,
    /// What stands before every line of a quotation, `> `; new lines have it, too.
    mark: String,
    /// How every line ends.
    ending: &'static str,
}

impl Text {
    pub(crate) fn of(source: &Source) -> Text {
        let text = String::from_utf8_lossy(&source.text);
        let mark = mark(&text);
        let lines = text
            .lines()
            .map(|line| line.strip_prefix(mark).unwrap_or(line));
        Text {
            lines: lines.map(str::to_owned).collect(),
            begins: source.begins.0,
            mark: mark.to_owned(),
            ending: ending(&text),
        }
    }

    /// The number of the first line in its file.
    pub(crate) fn first_line(&self) -> u32 {
        self.begins.max(1)
    }

    /// The source with these lines in place of its own, the last one ended as it was.
    pub(crate) fn into_source(self, source: &Source) -> Source {
        let quoted = self.lines.iter().map(|line| {
            let is_bare = line.is_empty() || line == self.mark.trim_end();
            let mark = if is_bare { "" } else { &self.mark };
            format!("{mark}{line}")
        });
        let lines: Vec<String> = quoted.collect();
        let mut text = lines.join(self.ending).into_bytes();
        if source.text.ends_with(b"\n") || source.text.is_empty() {
            text.extend(self.ending.bytes());
        }
        Source {
            text,
            ..source.clone()
        }
    }

    /// The place of a line of the file.
    pub(crate) fn place(&self, line: u32) -> Result<usize, NoPlace> {
        let place = line
            .checked_sub(self.first_line())
            .map(|place| place as usize);
        place
            .filter(|place| *place < self.lines.len())
            .ok_or_else(|| NoPlace {
                why: format!("line {line} is not one of the ruleset's"),
            })
    }
}

/// How the lines of a text end: as on Windows where all of them do.
fn ending(text: &str) -> &'static str {
    let mut lines = text.split_inclusive('\n').peekable();
    let is_of_windows = lines.peek().is_some_and(|first| first.ends_with("\r\n"))
        && lines.all(|line| line.ends_with("\r\n") || !line.ends_with('\n'));
    if is_of_windows { "\r\n" } else { "\n" }
}

/// What stands before every line of a text that says something, where it is the mark of a quotation.
fn mark(text: &str) -> &str {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let first = first.unwrap_or_default();
    let rest = first.trim_start_matches(['>', ' ']);
    let mark = &first[..first.len() - rest.len()];
    let is_marked =
        |line: &str| line.starts_with(mark) || line.trim().is_empty() || line == mark.trim_end();
    let is_mark = mark.starts_with('>') && mark.ends_with(' ');
    if is_mark && text.lines().all(is_marked) {
        mark
    } else {
        ""
    }
}

/// Lines that are put before a line.
pub(crate) struct Insertion {
    /// The line's place; behind the last one at the end.
    pub(crate) place: usize,
    pub(crate) lines: Vec<String>,
}

/// Why a rule was added, for those who read it later.
pub(crate) fn comment(remedy: &Remedy) -> String {
    let what = match remedy {
        Remedy::Helper { .. } => "conntrack's helper reads FTP's control connections".to_owned(),
        Remedy::Accept { what, .. } => format!("FTP: {what}"),
        other => other.to_string(),
    };
    format!("# {what}")
}
