//! The file as lines: what is content, whose, and whether all of it is there. What a content says is not looked at.
//!
//! ```text
//! fwlab host 1
//! # Comments.
//! redacted no
//!
//! == NAME
//! $ COMMAND
//! |what it answered
//! exit 0
//! !what it complained of
//!
//! == NAME
//! - why there is nothing
//!
//! == NAME
//! ? why it cannot be read
//! end sections=3 bytes=123 cksum=4567
//! ```
//!
//! Each line of an answer begins with `|`, so it cannot be taken for another line of the format. Lines are joined by
//! line ends: an answer that ends with one ends with an empty line here. The last line's sum and bytes are of all
//! that is before it.

use crate::cksum::cksum;
use crate::mistake::{CaptureMistake, Problem, quote};
use crate::section::SectionName;

/// The format that is written and read. It changes when the file does.
pub const FORMAT: u32 = 1;

/// The most bytes that are read of a file.
pub const MAX_CAPTURE: usize = 64 << 20;

/// The most bytes that are read of a section, which is what is read of a ruleset.
pub const MAX_SECTION: usize = 16 << 20;

/// The most sections: some thirty are usual, and more only where a server has many files of settings.
const MAX_SECTIONS: usize = 512;

/// What becomes of a file whose sum is not that of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edits {
    /// It is a mistake.
    Refused,
    /// It is read all the same.
    Accepted,
}

/// The file, taken apart.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) is_redacted: bool,
    pub(crate) sections: Vec<Section<'a>>,
}

/// One command, and what it answered.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    pub(crate) name: SectionName,
    /// What stands behind the name: an FTP server's program.
    pub(crate) label: String,
    /// The line of its heading.
    pub(crate) line: u32,
    pub(crate) answer: Answer<'a>,
}

#[derive(Debug)]
pub(crate) enum Answer<'a> {
    /// There is none.
    Absent,
    /// There may be one, and why it is not known.
    Unread(String),
    Given {
        command: String,
        content: Content<'a>,
        exit: u32,
        /// What it said on standard error.
        aside: Content<'a>,
    },
}

/// Lines that begin with a sign, as the file has them. It is not a list, since a line may be empty and files are large.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content<'a>(&'a [u8]);

impl<'a> Content<'a> {
    /// The lines, without the sign.
    pub(crate) fn lines(self) -> impl Iterator<Item = &'a [u8]> {
        let lines = (!self.0.is_empty()).then(|| lines_of(self.0));
        lines.into_iter().flatten().map(|line| &line[1..])
    }

    /// The lines as one text.
    pub(crate) fn text(self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.0.len());
        for (at, line) in self.lines().enumerate() {
            text.extend((at > 0).then_some(b'\n'));
            text.extend_from_slice(line);
        }
        text
    }
}

impl<'a> Frame<'a> {
    pub(crate) fn read(
        name: &str,
        bytes: &'a [u8],
        edits: Edits,
    ) -> Result<Frame<'a>, CaptureMistake> {
        let whole = |problem| Err(CaptureMistake::new(name, None, problem));
        if bytes.len() > MAX_CAPTURE {
            return whole(Problem::TooLarge);
        }
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(b"");
        match version("host", first.strip_suffix(b"\r").unwrap_or(first)) {
            None => return whole(Problem::NotACapture),
            Some(version) if version != FORMAT.to_string() => {
                return whole(Problem::Newer(version));
            }
            Some(_) if first.ends_with(b"\r") => return whole(Problem::LineEnds),
            Some(_) => {}
        }
        let (body, end) = split_end(bytes).map_err(|problem| {
            let lines = lines_of(bytes).count() as u32;
            CaptureMistake::new(name, lines, problem)
        })?;
        if edits == Edits::Refused {
            end.holds(body)
                .map_err(|why| CaptureMistake::new(name, None, Problem::Edited(why)))?;
        }
        let frame = Lines::new(name, body).frame()?;
        if edits == Edits::Refused && frame.sections.len() != end.sections {
            let why = format!(
                "it has {} sections, and was written with {}",
                frame.sections.len(),
                end.sections
            );
            return whole(Problem::Edited(why));
        }
        Ok(frame)
    }
}

/// The lines of a text that ends with a line end, or is cut off.
fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n')
}

/// The number of the format, where the line is one that begins a file of that kind.
pub(crate) fn version(kind: &str, line: &[u8]) -> Option<String> {
    let begin = format!("fwlab {kind} ");
    let number = line.strip_prefix(begin.as_bytes())?;
    let is_number = (1..=9).contains(&number.len()) && number.iter().all(u8::is_ascii_digit);
    is_number.then(|| String::from_utf8_lossy(number).into_owned())
}

/// What the last line says of the others.
pub(crate) struct End {
    pub(crate) sections: usize,
    bytes: usize,
    /// Nothing where the host had no `cksum`.
    sum: Option<u32>,
}

impl End {
    fn read(line: &[u8]) -> Option<End> {
        let line = std::str::from_utf8(line).ok()?;
        let mut words = line.strip_prefix("end ")?.split(' ');
        let mut value = |key: &str| words.next()?.strip_prefix(key)?.strip_prefix('=');
        let end = End {
            sections: value("sections")?.parse().ok()?,
            bytes: value("bytes")?.parse().ok()?,
            sum: match value("cksum")? {
                "none" => None,
                sum => Some(sum.parse().ok()?),
            },
        };
        words.next().is_none().then_some(end)
    }

    /// Whether it is the end of this text; if not, why.
    pub(crate) fn holds(&self, body: &[u8]) -> Result<(), String> {
        if self.bytes != body.len() {
            let (has, had) = (body.len(), self.bytes);
            return Err(format!("it has {has} bytes, and was written with {had}"));
        }
        match self.sum {
            Some(sum) if sum != cksum(body) => Err("its checksum differs".to_owned()),
            _ => Ok(()),
        }
    }
}

/// All before the last line, and the last line.
pub(crate) fn split_end(bytes: &[u8]) -> Result<(&[u8], End), Problem> {
    // No other line begins with this word.
    let is_end = |line: &[u8]| line.starts_with(b"end ");
    let cut = if lines_of(bytes).any(is_end) && bytes.ends_with(b"\n") {
        Problem::BehindEnd
    } else {
        Problem::CutOff
    };
    let Some(whole) = bytes.strip_suffix(b"\n") else {
        return Err(cut);
    };
    let start = whole.iter().rposition(|byte| *byte == b'\n');
    let (body, last) = whole.split_at(start.map_or(0, |at| at + 1));
    match End::read(last) {
        Some(end) => Ok((body, end)),
        None if is_end(last) => Err(Problem::CutOff),
        None => Err(cut),
    }
}

/// The lines of a file, one after the other.
pub(crate) struct Lines<'n, 'a> {
    name: &'n str,
    body: &'a [u8],
    /// Where the next line begins.
    at: usize,
    /// Its number, 1 for the first.
    pub(crate) line: u32,
}

impl<'n, 'a> Lines<'n, 'a> {
    /// All lines but the first.
    pub(crate) fn new(name: &'n str, body: &'a [u8]) -> Lines<'n, 'a> {
        let mut lines = Lines {
            name,
            body,
            at: 0,
            line: 1,
        };
        lines.after("");
        lines
    }

    fn frame(&mut self) -> Result<Frame<'a>, CaptureMistake> {
        while self.after("#").is_some() {}
        let is_redacted = match self.after("redacted ") {
            Some((_, b"no")) => false,
            Some((_, b"yes")) => true,
            Some((line, word)) => return Err(self.misplaced(line, word)),
            None => return Err(self.unexpected()),
        };
        let mut sections: Vec<Section<'a>> = Vec::new();
        loop {
            while self.peek() == Some(b"") {
                self.after("");
            }
            if self.peek().is_none() {
                break;
            }
            let section = self.section()?;
            let problem = if sections.len() == MAX_SECTIONS {
                Some(Problem::ManySections)
            } else if !section.name.can_repeat()
                && sections.iter().any(|other| other.name == section.name)
            {
                Some(Problem::Twice(section.name))
            } else {
                None
            };
            if let Some(problem) = problem {
                return Err(CaptureMistake::new(self.name, section.line, problem));
            }
            sections.push(section);
        }
        Ok(Frame {
            is_redacted,
            sections,
        })
    }

    fn section(&mut self) -> Result<Section<'a>, CaptureMistake> {
        let Some((line, heading)) = self.after("== ") else {
            return Err(self.unexpected());
        };
        let heading = String::from_utf8_lossy(heading);
        let (word, label) = heading.split_once(' ').unwrap_or((&heading, ""));
        let Ok(name) = word.parse::<SectionName>() else {
            let problem = Problem::UnknownSection(quote(word.as_bytes()));
            return Err(CaptureMistake::new(self.name, line, problem));
        };
        if !label.is_empty() && !name.can_repeat() {
            return Err(self.misplaced(line, heading.as_bytes()));
        }
        let answer = if self.after("- ").is_some() {
            Answer::Absent
        } else if let Some((_, why)) = self.after("? ") {
            Answer::Unread(quote(why))
        } else {
            self.answer()?
        };
        Ok(Section {
            name,
            label: label.to_owned(),
            line,
            answer,
        })
    }

    fn answer(&mut self) -> Result<Answer<'a>, CaptureMistake> {
        let Some((_, command)) = self.after("$ ") else {
            return Err(self.unexpected());
        };
        let begins = self.line;
        let content = self.content("|");
        if content.0.len() > MAX_SECTION {
            return Err(CaptureMistake::new(
                self.name,
                begins,
                Problem::LargeSection,
            ));
        }
        let exit = match self.after("exit ") {
            Some((line, word)) => {
                let number = std::str::from_utf8(word).ok();
                let number = number.and_then(|word| word.parse().ok());
                number.ok_or_else(|| self.misplaced(line, word))?
            }
            None => return Err(self.unexpected()),
        };
        Ok(Answer::Given {
            command: String::from_utf8_lossy(command).into_owned(),
            content,
            exit,
            aside: self.content("!"),
        })
    }

    /// The next lines that begin with a sign.
    pub(crate) fn content(&mut self, sign: &str) -> Content<'a> {
        let start = self.at;
        while self.after(sign).is_some() {}
        Content(&self.body[start..self.at])
    }

    /// The next line.
    pub(crate) fn peek(&self) -> Option<&'a [u8]> {
        let rest = &self.body[self.at..];
        (!rest.is_empty()).then(|| rest.split(|byte| *byte == b'\n').next().unwrap_or(rest))
    }

    /// Takes the next line, if it begins so: its number, and what follows.
    pub(crate) fn after(&mut self, begin: &str) -> Option<(u32, &'a [u8])> {
        let line = self.peek()?;
        let rest = line.strip_prefix(begin.as_bytes())?;
        let number = self.line;
        self.at = (self.at + line.len() + 1).min(self.body.len());
        self.line += 1;
        Some((number, rest))
    }

    /// A mistake about the next line.
    fn unexpected(&self) -> CaptureMistake {
        match self.peek() {
            Some(line) => self.misplaced(self.line, line),
            None => CaptureMistake::new(self.name, None, Problem::CutOff),
        }
    }

    fn misplaced(&self, line: u32, text: &[u8]) -> CaptureMistake {
        CaptureMistake::new(self.name, line, Problem::Misplaced(quote(text)))
    }
}
