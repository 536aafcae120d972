//! What stands around the lines of a text that was copied along with its page: code fences, HTML, marks of a quotation.

use std::ops::Range;

use super::mistake::{Note, Report};
use super::text::{Source, SourceText};
use super::{fence, html, quotation};

/// A part of a text that is none of what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Around {
    pub(super) span: Range<usize>,
    what: &'static str,
}

/// The parts that stand around a text's lines, in their order.
pub(super) fn around(text: &str) -> Vec<Around> {
    let marks = quotation::marks(text);
    let mut found: Vec<Around> = Vec::new();
    let mut marks_left = marks.iter().peekable();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        let mut begins = 0;
        if let Some(mark) = marks_left.next_if(|mark| mark.start == start) {
            begins = mark.len();
            found.push(Around {
                span: mark.clone(),
                what: "the mark of a quotation, `>`: left out",
            });
        }
        let rest = &line[begins..];
        let mut put = |part: Range<usize>, what| {
            let span = start + begins + part.start..start + begins + part.end;
            found.push(Around { span, what });
        };
        if let Some(fence) = fence::of_line(rest) {
            put(fence, "a code fence: left out");
            continue;
        }
        for tag in html::of_line(rest) {
            put(tag, "a tag of HTML: left out");
        }
    }
    found.sort_by_key(|around| around.span.start);
    found
}

/// The text with blanks in the place of what stands around it, so that everything else stays where it is.
pub(super) fn blanked(text: &str, around: &[Around]) -> String {
    let mut blanked = text.to_owned();
    for Around { span, .. } in around {
        blanked.replace_range(span.clone(), &" ".repeat(span.len()));
    }
    blanked
}

/// Notes what was left out, once for each line.
pub(super) fn tell(report: &mut Report) {
    let source = std::sync::Arc::clone(report.source());
    let mut told = None;
    for Around { span, what } in source.around() {
        let line = source.line_of(span.start);
        if told.replace((line, *what)) != Some((line, *what)) {
            report.note(span.start, span.end, *what);
        }
    }
}

/// What is left out of a text that only has lines, as `ipset save` writes them.
pub fn around_notes(source: &Source) -> Vec<Note> {
    let mut report = Report::new(SourceText::decode(source));
    tell(&mut report);
    report.finish().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_blanked_in_its_place() {
        for (text, expected) in [
            (
                "```bash\na ``` b\n  ~~~\r\n``\n```sh -x\n```",
                "       \na ``` b\n     \r\n``\n```sh -x\n   ",
            ),
            ("> ```\n> <b>a</b>\n", "     \n     a    \n"),
        ] {
            assert_eq!(blanked(text, &around(text)), expected);
        }
    }
}
