use miette::Diagnostic;

use crate::frame::{FORMAT, MAX_CAPTURE, MAX_SECTION};
use crate::section::SectionName;

/// The mistakes of one file that are told one by one; more are only counted.
pub(crate) const MISTAKES_TOLD: usize = 50;

/// Why a file, or a line of it, is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It does not begin as `capture.sh` begins.
    #[error("it is not what `fwlab capture` writes: its first line is not `fwlab host {FORMAT}`")]
    NotACapture,
    /// It is of a format that came later.
    #[error("it is of format {0}, and this fwlab reads format {FORMAT}: a newer fwlab made it")]
    Newer(String),
    /// There is more of it than is read.
    #[error("it is larger than {} MiB, the most that is read", MAX_CAPTURE >> 20)]
    TooLarge,
    /// Its last line is not that of a whole file.
    #[error("it is cut off: its last line does not begin with `end`")]
    CutOff,
    /// Its text is not the one that its last line is about.
    #[error("it was edited, or damaged on the way: {0}")]
    Edited(String),
    /// Its lines end as Windows has them.
    #[error("its line ends were changed: lines end with CR LF")]
    LineEnds,
    /// Something stands behind its last line.
    #[error("there is more after its last line")]
    BehindEnd,
    /// A line that is none of the format.
    #[error("`{0}` is not a line that `fwlab capture` writes here")]
    Misplaced(String),
    /// A section that the format does not have.
    #[error("there is no section `{0}`")]
    UnknownSection(String),
    /// A section that stands there already.
    #[error("the section {0} appears twice")]
    Twice(SectionName),
    /// More in a section than is read.
    #[error("a section is larger than {} MiB, the most that fwlab reads", MAX_SECTION >> 20)]
    LargeSection,
    /// More sections than are read.
    #[error("there are more sections than a host has")]
    ManySections,
    /// A table that iptables-save does not show in full, and of which there is no listing of nft's.
    #[error(
        "the table {0} has chains that iptables-save does not show, and the host's nft rules are missing"
    )]
    Hidden(String),
    /// What a command answered is not in its form.
    #[error("{section}: {what}")]
    Answer {
        /// The section.
        section: SectionName,
        /// What is wrong with it.
        what: String,
    },
}

impl Problem {
    fn help(&self) -> &'static str {
        match self {
            Problem::NotACapture => {
                "`fwlab capture --print > capture.sh` prints the script that writes such a file; on the host: sh capture.sh -o host.fwlab"
            }
            Problem::Newer(_) => {
                "use that fwlab, or capture the host again with this one's script: fwlab capture --print > capture.sh"
            }
            Problem::TooLarge | Problem::LargeSection | Problem::ManySections => {
                "capture the host again; if it really has so much, give its rules as separate files: fwlab check rules.v4 rules.v6"
            }
            Problem::CutOff | Problem::BehindEnd => "copy it again, or capture the host again",
            Problem::Edited(_) => {
                "copy it again, or capture the host again; if you edited it yourself, make it whole: fwlab capture --edited --from FILE -o NEW"
            }
            Problem::LineEnds => {
                "copy it again as it is (binary, not text), or take them out: tr -d '\\r' <host.fwlab >host2.fwlab"
            }
            Problem::Misplaced(_) | Problem::UnknownSection(_) | Problem::Twice(_) => {
                "lines of a command's answer begin with |; if you edited the file, undo that or capture the host again"
            }
            Problem::Hidden(_) => {
                "install nft on that host (the package nftables), and capture it again"
            }
            Problem::Answer { .. } => {
                "capture the host again; if that does not help, please report it with this line"
            }
        }
    }
}

/// One thing that is wrong with the file: what, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[error("{}: {problem}", place(name, *line))]
#[diagnostic(code("host"), help("{}", problem.help()))]
pub struct CaptureMistake {
    name: String,
    line: Option<u32>,
    problem: Problem,
}

impl CaptureMistake {
    pub(crate) fn new(name: &str, line: impl Into<Option<u32>>, problem: Problem) -> Self {
        CaptureMistake {
            name: name.to_owned(),
            line: line.into(),
            problem,
        }
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The line of the file, 1 for the first; nothing where it is about the whole.
    pub fn line(&self) -> Option<u32> {
        self.line
    }
}

/// A file, and the line of it where it is about one, as a compiler names them.
pub(crate) fn place(file: &str, line: Option<u32>) -> String {
    let file = fwlab_text::line(file);
    match line {
        Some(line) => format!("{file}:{line}"),
        None => file.to_string(),
    }
}

/// Everything that is wrong with the file, in order of line: never nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[error("{first}{}", untold(*more))]
#[diagnostic(forward(first))]
pub struct CaptureMistakes {
    first: Box<CaptureMistake>,
    #[related]
    others: Vec<CaptureMistake>,
    more: usize,
}

impl CaptureMistakes {
    /// Of a list that may be empty, and how many there are beside it.
    pub(crate) fn of(
        mut mistakes: Vec<CaptureMistake>,
        more: usize,
    ) -> Result<(), CaptureMistakes> {
        mistakes.sort_by_key(|mistake| mistake.line);
        let mut mistakes = mistakes.into_iter();
        match mistakes.next() {
            None => Ok(()),
            Some(first) => Err(CaptureMistakes {
                first: Box::new(first),
                others: mistakes.collect(),
                more,
            }),
        }
    }

    /// The mistakes that are told.
    pub fn told(&self) -> impl Iterator<Item = &CaptureMistake> {
        std::iter::once(&*self.first).chain(&self.others)
    }
}

impl From<CaptureMistake> for CaptureMistakes {
    fn from(first: CaptureMistake) -> CaptureMistakes {
        CaptureMistakes {
            first: Box::new(first),
            others: Vec::new(),
            more: 0,
        }
    }
}

fn untold(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(" (and {more} more mistakes)"),
    }
}

/// What is quoted of the file: safe to show, and short.
pub(crate) fn quote(text: &[u8]) -> String {
    const SHOWN: usize = 60;
    let text = String::from_utf8_lossy(text.get(..4 * SHOWN).unwrap_or(text));
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    fwlab_text::one_line(shown)
}
