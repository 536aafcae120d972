//! A quotation that goes on over the end of its line, as a rule's comment may: iptables prints it so, and reads it nowhere.

use std::sync::Arc;

use super::mistake::{MistakeBuilder, MistakeKind, Report};
use super::text::SourceText;

/// The most lines that one is looked for on.
const LINES_MOST: usize = 20;

/// Tells of a quotation that was opened at this byte and goes on over its line's end; where the line ends on which it is closed. Nothing
/// where none closes it.
pub(super) fn tell(text: &str, opened: usize, report: &mut Report) -> Option<usize> {
    let end = closed(text, opened)?;
    let source = Arc::clone(report.source());
    report.push(|| mistake(&source, opened, end));
    Some(end)
}

/// Where the line ends on which a quotation is closed that was opened at this byte and goes on over its line's end; nothing where a rule or
/// a table's end stands before that.
fn closed(text: &str, opened: usize) -> Option<usize> {
    let mut at = opened + text[opened..].find('\n')? + 1;
    for line in text[at..].split_inclusive('\n').take(LINES_MOST) {
        let start = line.trim_start();
        let is_rule = ["-A ", "-I ", "-P ", "-N ", "*", ":"];
        if is_rule.iter().any(|begin| start.starts_with(begin)) || start.trim() == "COMMIT" {
            return None;
        }
        at += line.len();
        if line.contains('"') {
            return Some(at);
        }
    }
    None
}

/// The mistake that it is; `end` is what [`closed`] gave.
fn mistake(source: &SourceText, opened: usize, end: usize) -> MistakeBuilder {
    let text = &source.text()[opened..end];
    let last = source.line_of(opened + text.trim_end().len());
    let first_line = text.lines().next().unwrap_or_default().trim_end();
    MistakeBuilder::new(
        MistakeKind::UnclosedQuote,
        opened..opened + first_line.len(),
        "a quotation that continues beyond the end of its line",
    )
    .label(format!("opened here, and closed on line {last}"))
    .help("`iptables-restore` reads each line by itself and refuses this; write the comment on one line, or leave it out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_end_is_found_before_the_next_rule() {
        let rest = |text: &str| {
            let opened = text.find('"').expect("a quote");
            closed(text, opened).map(|end| text[end..].to_owned())
        };
        assert_eq!(
            rest("--comment \"\na\n\" -j X\nb\n").as_deref(),
            Some("b\n")
        );
        assert_eq!(rest("--comment \"\n\"").as_deref(), Some(""));
        assert_eq!(rest("--comment \"a\n-A INPUT --comment \"x\"\n"), None);
        assert_eq!(rest("--comment \"a\nCOMMIT\n\"\n"), None);
        assert_eq!(rest("--comment \"a"), None);
    }
}
