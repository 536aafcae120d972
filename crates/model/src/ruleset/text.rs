use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use serde::{Deserialize, Serialize};

use super::around::{self, Around};

/// A ruleset as it came: a name to call it by, and bytes that nobody has looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What reports call it, mostly a path.
    pub name: String,
    /// The bytes.
    pub text: Vec<u8>,
    /// Where it begins in the file that it is named after: the line, 1 for the first, and how many bytes are
    /// before it there.
    pub begins: (u32, usize),
    /// Whether messages may quote it. What a scenario of somebody else's names outside its own folder
    /// is used, and never quoted.
    pub is_quotable: bool,
}

impl Source {
    /// A source of that name.
    pub fn new(name: impl Into<String>, text: impl Into<Vec<u8>>) -> Source {
        Source {
            name: name.into(),
            text: text.into(),
            begins: (1, 0),
            is_quotable: true,
        }
    }

    /// The same, as a part of a file that begins on this line, 1 for the first, behind so many bytes.
    pub fn beginning_at(self, line: u32, column: usize) -> Source {
        Source {
            begins: (line, column),
            ..self
        }
    }

    /// The same, of which no message quotes anything.
    pub fn unquoted(self) -> Source {
        Source {
            is_quotable: false,
            ..self
        }
    }
}

/// A line of a source, and where the statement on it stands.
///
/// The offsets are bytes of [`SourceText::text`], which differs from the bytes
/// of the [`Source`] where those were not plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceLine {
    /// The line, 1 for the first.
    pub line: u32,
    /// The first byte of the statement.
    pub start: usize,
    /// The byte after the statement.
    pub end: usize,
}

impl fmt::Display for SourceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)
    }
}

/// A source as text, read line by line. Of a [`Source`] it is without a byte order mark, with U+FFFD
/// for what is not UTF-8, and with control pictures (U+2400 and up) for
/// control characters, so that no report can be made to drive a terminal.
pub struct SourceText {
    name: String,
    text: String,
    /// The text with its code fences and what else stands around it, where it has some: this is what messages quote.
    quoted: Option<String>,
    around: Vec<Around>,
    starts: Vec<usize>,
    signs: EncodingFlags,
    begins: (u32, usize),
    is_quotable: bool,
}

/// What was found in the bytes while they were decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct EncodingFlags {
    pub(super) byte_order_mark: bool,
    pub(super) crlf: bool,
    pub(super) nul: bool,
    pub(super) replaced: bool,
    pub(super) ascii: bool,
}

impl SourceText {
    pub(super) fn decode(source: &Source) -> Arc<SourceText> {
        let mut bytes = source.text.as_slice();
        let mut signs = EncodingFlags::default();
        if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
            signs.byte_order_mark = true;
            bytes = rest;
        }
        signs.ascii = bytes.is_ascii();
        let controls = |(at, byte): (usize, &u8)| match byte {
            b'\n' | b'\t' => false,
            b'\r' => {
                let ends_line = bytes.get(at + 1) == Some(&b'\n');
                signs.crlf |= ends_line;
                !ends_line
            }
            0 => {
                signs.nul = true;
                true
            }
            byte => *byte < b' ' || *byte == 0x7f,
        };
        let controls = bytes
            .iter()
            .enumerate()
            .filter(|at| *at.1 < b' ' || *at.1 == 0x7f)
            .map(controls);
        let controls = controls.fold(false, |any, control| any | control);
        let text = match std::str::from_utf8(bytes) {
            Ok(text) if !controls => text.to_owned(),
            Ok(text) => {
                signs.replaced = true;
                picture_controls(text)
            }
            Err(_) => {
                signs.replaced = true;
                picture_controls(&String::from_utf8_lossy(bytes))
            }
        };
        let around = around::around(&text);
        let (text, quoted) = match around[..] {
            [] => (text, None),
            _ => (around::blanked(&text, &around), Some(text)),
        };
        Arc::new(SourceText {
            signs,
            quoted,
            around,
            begins: source.begins,
            is_quotable: source.is_quotable,
            ..SourceText::new(&source.name, text)
        })
    }

    /// A text as it is: whoever shows it makes it safe.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> SourceText {
        let text = text.into();
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        SourceText {
            starts: std::iter::once(0)
                .chain(ends.map(|(at, _)| at + 1))
                .collect(),
            name: name.into(),
            text,
            quoted: None,
            around: Vec::new(),
            signs: EncodingFlags::default(),
            begins: (1, 0),
            is_quotable: true,
        }
    }

    /// Whether messages may quote it.
    pub fn is_quotable(&self) -> bool {
        self.is_quotable
    }

    /// What reports call the source.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a part of a file, and not the whole of it.
    pub fn is_part(&self) -> bool {
        self.begins != (1, 0)
    }

    /// The text that every offset counts in. Code fences and what else stands around it are blanks here.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line that a byte stands in, 1 for the first of the file.
    pub fn line_of(&self, offset: usize) -> u32 {
        let own = self.starts.partition_point(|start| *start <= offset) as u32;
        self.begins.0 - 1 + own
    }

    /// The text of a line, 1 for the first of the file, without its end.
    pub fn line(&self, line: u32) -> Option<&str> {
        let own = (line + 1).checked_sub(self.begins.0)?;
        let (start, end) = self.span_of_line(own)?;
        Some(self.as_written()[start..end].trim_end_matches('\r'))
    }

    /// The text with its code fences and the like.
    fn as_written(&self) -> &str {
        self.quoted.as_deref().unwrap_or(&self.text)
    }

    /// What stands around its lines, and is blank in the text.
    pub(super) fn around(&self) -> &[Around] {
        &self.around
    }

    /// Whether blanks of these bytes are somebody's own, and not what is left of a fence or the like.
    pub(super) fn has_own_blanks(&self, bytes: Range<usize>) -> bool {
        let mut own = bytes;
        let next = (self.around).partition_point(|around| around.span.end <= own.start);
        for around in &self.around[next..] {
            if around.span.start > own.start {
                break;
            }
            own.start = own.start.max(around.span.end);
        }
        own.start < own.end
    }

    /// The first byte of a line, 1 for the first of this text, and the one that ends it.
    pub(super) fn span_of_line(&self, line: u32) -> Option<(usize, usize)> {
        let at = (line as usize).checked_sub(1)?;
        let start = *self.starts.get(at)?;
        let next = self.starts.get(at + 1);
        Some((start, next.map_or(self.text().len(), |next| next - 1)))
    }

    pub(super) fn signs(&self) -> EncodingFlags {
        self.signs
    }

    pub(super) fn source_line(&self, start: usize, end: usize) -> SourceLine {
        SourceLine {
            line: self.line_of(start),
            start,
            end,
        }
    }
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceText")
            .field("name", &self.name())
            .field("bytes", &self.text().len())
            .finish()
    }
}

impl SourceCode for SourceText {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let end = span.offset() + span.len();
        if end > self.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        // Lines are known by their places: an excerpt costs what it shows, however long the text is.
        let line_of = |at: usize| self.starts.partition_point(|start| *start <= at) - 1;
        let (first, last) = (
            line_of(span.offset()),
            line_of(end.saturating_sub(1).max(span.offset())),
        );
        let (line, from) = match before {
            0 => (first, span.offset()),
            before => {
                let line = first.saturating_sub(before);
                (line, self.starts[line])
            }
        };
        let to = match after {
            0 => end,
            after => (self.starts.get(last + after + 1)).map_or(self.text.len(), |next| *next),
        };
        let before = if line == 0 { self.begins.1 } else { 0 };
        let column = from - self.starts[line] + before;
        let count = line_of(to) - line;
        let (data, span) = (
            &self.as_written().as_bytes()[from..to],
            (from, to - from).into(),
        );
        let line = line + self.begins.0 as usize - 1;
        let name = self.name.clone();
        let contents = MietteSpanContents::new_named(name, data, span, line, column, count);
        Ok(Box::new(contents))
    }
}

fn picture_controls(text: &str) -> String {
    let mut pictured = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\n' | '\t' => pictured.push(char),
            '\r' if chars.peek() == Some(&'\n') => pictured.push(char),
            '\0'..' ' => pictured.push(control_picture(char)),
            '\x7f' => pictured.push('\u{2421}'),
            char => pictured.push(char),
        }
    }
    pictured
}

fn control_picture(control: char) -> char {
    char::from_u32(0x2400 + control as u32).expect("U+2400 to U+241F are characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Arc<SourceText> {
        SourceText::decode(&Source::new("test", bytes))
    }

    #[test]
    fn lines_are_found_by_offset_and_by_number() {
        let text = decode(b"one\r\ntwo\n\nfour");
        assert_eq!(text.line_of(0), 1);
        assert_eq!(text.line_of(4), 1);
        assert_eq!(text.line_of(5), 2);
        assert_eq!(text.line_of(10), 4);
        assert_eq!(text.line(1), Some("one"));
        assert_eq!(text.line(3), Some(""));
        assert_eq!(text.line(4), Some("four"));
        assert_eq!(text.line(5), None);
        assert_eq!(text.line(0), None);
    }

    #[test]
    fn what_is_not_text_is_made_visible() {
        let text = decode(b"\xef\xbb\xbfa\x1b[31m\0\xe9\rb");
        assert_eq!(text.text(), "a\u{241b}[31m\u{2400}\u{fffd}\u{240d}b");
        let signs = text.signs();
        assert!(signs.byte_order_mark && signs.nul && signs.replaced && !signs.crlf);
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        let text = decode(b"a\tb\r\nc\n");
        assert_eq!(text.text(), "a\tb\r\nc\n");
        assert!(text.signs().crlf && text.signs().ascii && !text.signs().replaced);
    }
}
