//! Code fences: the lines of three backticks that Markdown puts around a text, and that are copied along with it.

use std::ops::Range;

use super::mistake::{Note, Report};
use super::text::{Source, SourceText};

/// The lines that are fences, each without its end: three backticks or tildes, and perhaps the name of a language.
pub(super) fn fences(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let lines = text.split_inclusive('\n').filter_map(|line| {
        let start = at;
        at += line.len();
        is_fence(line).then(|| start..start + line.trim_end_matches(['\n', '\r']).len())
    });
    lines.collect()
}

fn is_fence(line: &str) -> bool {
    let line = line.trim();
    ['`', '~'].into_iter().any(|sign| {
        let language = line.trim_start_matches(sign);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_.#".contains(&byte);
        line.len() - language.len() >= 3 && language.trim().bytes().all(plain)
    })
}

/// The text with blanks in the place of its fences, so that everything else stays where it is.
pub(super) fn blanked(text: &str, fences: &[Range<usize>]) -> String {
    let mut blanked = text.to_owned();
    for fence in fences {
        blanked.replace_range(fence.clone(), &" ".repeat(fence.len()));
    }
    blanked
}

/// Notes the fences that were left out.
pub(super) fn tell(report: &mut Report) {
    let source = std::sync::Arc::clone(report.source());
    for fence in source.fences() {
        report.note(fence.start, fence.end, "a code fence: left out");
    }
}

/// What is left out of a text that only has lines, as `ipset save` writes them.
pub fn fence_notes(source: &Source) -> Vec<Note> {
    let mut report = Report::new(SourceText::decode(source));
    tell(&mut report);
    report.finish().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_blanked_in_their_place() {
        let text = "```bash\na ``` b\n  ~~~\r\n``\n```sh -x\n```";
        let found = fences(text);
        let lines: Vec<&str> = found.iter().map(|fence| &text[fence.clone()]).collect();
        assert_eq!(lines, ["```bash", "  ~~~", "```"]);
        assert_eq!(
            blanked(text, &found),
            "       \na ``` b\n     \r\n``\n```sh -x\n   "
        );
    }
}
