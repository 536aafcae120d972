//! Sets of ipset, which rules match on: read as the lines that `ipset restore` takes, and left to it.

use std::sync::Arc;

use super::mistake::{MistakeBuilder, MistakeKind, Mistakes, Report, quote};
use super::text::{Source, SourceLine, SourceText};

/// Sets, as the lines that make and fill them, in order.
///
/// ```
/// use fwlab_model::ruleset::{Sets, Source};
///
/// let saved = "# two\ncreate banned hash:ip family inet\nadd banned 192.0.2.99\n";
/// let sets = Sets::read(&Source::new("sets", saved));
/// assert_eq!(sets.text(), "create banned hash:ip family inet\nadd banned 192.0.2.99\n");
/// let mistakes = sets.mistakes("ipset v7.17: Error in line 2: Syntax error: cannot parse 192.0.2.99");
/// assert_eq!(mistakes.told()[0].line(), 3);
/// ```
#[derive(Debug, Clone)]
pub struct Sets {
    lines: Vec<(String, SourceLine)>,
    source: Arc<SourceText>,
}

impl Sets {
    /// Reads what `ipset save` wrote. Which lines are right is for ipset to say.
    pub fn read(source: &Source) -> Sets {
        let mut sets = Sets::of(SourceText::decode(source));
        let text = Arc::clone(&sets.source);
        let mut at = 0;
        for line in text.text().split_inclusive('\n') {
            let start = at;
            at += line.len();
            let said = line.trim();
            if !said.is_empty() && !said.starts_with('#') {
                let line = text.source_line(start, start + line.trim_end().len());
                sets.push(said.to_owned(), line);
            }
        }
        sets
    }

    /// No sets, of a text that may have some.
    pub(super) fn of(source: Arc<SourceText>) -> Sets {
        Sets {
            lines: Vec::new(),
            source,
        }
    }

    pub(super) fn push(&mut self, line: String, place: SourceLine) {
        self.lines.push((line, place));
    }

    /// Whether there is not a line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What `ipset restore` is given.
    pub fn text(&self) -> String {
        self.lines
            .iter()
            .map(|(line, _)| format!("{line}\n"))
            .collect()
    }

    /// What `ipset -exist restore` is given where the sets may be there already, filled otherwise.
    pub fn text_over_others(&self) -> String {
        let mut text = String::new();
        for (line, _) in &self.lines {
            text += &format!("{line}\n");
            let mut words = line.split_ascii_whitespace();
            if matches!(
                words.next(),
                Some("create" | "n" | "new" | "-N" | "--create")
            ) && let Some(name) = words.next()
            {
                text += &format!("flush {name}\n");
            }
        }
        text
    }

    /// What ipset refused, in its words and at its line; where it names none, at the one line that has the word that it
    /// is about, or else at all of them.
    pub fn mistakes(&self, stderr: &str) -> Mistakes {
        let said: Vec<&str> = stderr
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("Try `"))
            .collect();
        let said = said.join(" ");
        let (words, lines) = match located(&said) {
            Some((number, words)) => (words, self.lines.get(number.wrapping_sub(1)..number)),
            None => {
                let words = without_program(&said);
                (words, self.about(words))
            }
        };
        let lines = lines.unwrap_or(&self.lines);
        let span = match (lines.first(), lines.last()) {
            (Some((_, first)), Some((_, last))) => first.start..last.end,
            _ => 0..0,
        };
        let mut report = Report::new(Arc::clone(&self.source));
        let unknown = words.contains("set type not supported");
        if let (true, [(line, _)]) = (unknown, lines) {
            let kind = line.split_ascii_whitespace().nth(2).unwrap_or_default();
            report.push(|| not_here(kind, span));
            return report.finish().1.expect("one was told");
        }
        report.push(|| {
            MistakeBuilder::new(
                MistakeKind::Refused,
                span,
                format!("ipset refuses this: {words}"),
            )
            .label(match lines.len() {
                1 => "refused here",
                _ => "ipset does not say which line",
            })
        });
        report.finish().1.expect("one was told")
    }

    /// The only line with the last word of a message in it.
    fn about(&self, words: &str) -> Option<&[(String, SourceLine)]> {
        let word = words.split_ascii_whitespace().last()?;
        let has = |line: &(String, SourceLine)| line.0.split(' ').any(|one| one == word);
        let mut places = (0..self.lines.len()).filter(|at| has(&self.lines[*at]));
        let at = places.next().filter(|_| places.next().is_none())?;
        self.lines.get(at..=at)
    }
}

/// A type of sets that ipset knows, and the kernel of this machine does not.
fn not_here(kind: &str, span: std::ops::Range<usize>) -> MistakeBuilder {
    MistakeBuilder::new(
        MistakeKind::Refused,
        span,
        format!("the kernel of this machine has no sets of the type {}", quote(kind)),
    )
    .label("not made")
    .help(
        "check on a machine whose kernel has them; or remove the set here, and, with `fwlab check`, --set \
         NAME=ADDRESS,… says what is in it, and --empty-sets that it is empty",
    )
}

/// `ipset v7.17: Error in line 3: Syntax error: …`
fn located(said: &str) -> Option<(usize, &str)> {
    let (_, rest) = said.split_once("Error in line ")?;
    let (number, words) = rest.split_once(':')?;
    Some((number.parse().ok()?, words.trim()))
}

/// `ipset v7.17: words`
fn without_program(said: &str) -> &str {
    match said.split_once(": ") {
        Some((program, words)) if program.starts_with("ipset v") => words,
        _ => said,
    }
}

/// Whether a line is one that `ipset save` writes.
pub(super) fn is_saved(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    words.next() == Some("create") && words.nth(1).is_some_and(|kind| kind.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_already_is_emptied() {
        let sets = Sets::read(&Source::new("sets", "create a hash:ip\nadd a 1.2.3.4\n"));
        assert_eq!(
            sets.text_over_others(),
            "create a hash:ip\nflush a\nadd a 1.2.3.4\n"
        );
    }

    #[test]
    fn a_refusal_without_a_line_is_told_where_it_is_or_everywhere() {
        let text = "create a hash:ip\ncraete b hash:ip\nadd a 1.2.3.4\n";
        let sets = Sets::read(&Source::new("sets", text));
        let told = |said: &str| {
            let mistakes = sets.mistakes(said);
            let mistake = &mistakes.told()[0];
            (
                mistake.message().to_owned(),
                mistake.span().expect("a place"),
            )
        };
        let unknown = "ipset v7.17: No command specified: unknown argument craete\nTry `ipset help' for more information.\n";
        assert_eq!(
            told(unknown),
            (
                "ipset refuses this: No command specified: unknown argument craete".to_owned(),
                17..33
            )
        );
        assert_eq!(told("ipset v7.17: Kernel error").1, 0..text.len() - 1);
        assert_eq!(told("ipset v7.17: Error in line 3: bad").1, 34..47);
        assert_eq!(
            told("ipset v7.17: Error in line 9: bad").1,
            0..text.len() - 1
        );
    }

    #[test]
    fn a_type_that_the_kernel_lacks_is_told() {
        let sets = Sets::read(&Source::new(
            "sets",
            "create s hash:ip,mark\nadd s 10.0.0.1,5\n",
        ));
        let told = sets.mistakes(
            "ipset v7.17: Error in line 1: Kernel error received: set type not supported",
        );
        let mistake = &told.told()[0];
        assert_eq!(
            mistake.message(),
            "the kernel of this machine has no sets of the type hash:ip,mark"
        );
        assert!(mistake.help().unwrap_or_default().contains("--empty-sets"));
    }

    #[test]
    fn a_file_of_sets_is_known_by_its_first_line() {
        assert!(is_saved("create banned hash:ip family inet hashsize 1024"));
        assert!(is_saved("create ports bitmap:port range 0-65535"));
        assert!(!is_saved("create table inet t"));
        assert!(!is_saved("create rule ip t c tcp dport { 1:2 }"));
    }
}
