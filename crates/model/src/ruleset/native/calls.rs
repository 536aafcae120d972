//! Commands of nft as people paste them from a shell: the prompt, `sudo nft` and the shell's quoting are taken away.

use std::ops::Range;

use crate::ruleset::mistake::{MistakeBuilder, MistakeKind, Report, quote};
use crate::ruleset::pasted::{NftLine, nft_line};
use crate::ruleset::text::SourceText;

/// Whether a script calls nft, and so is one of a shell.
pub(super) fn is_called(text: &SourceText) -> bool {
    // Behind a prompt alone there is no call.
    let is_call = |line: &str| matches!(nft_line(line), Some(NftLine::Command(begins)) if begins < line.len());
    text.text().lines().any(is_call)
}

/// The text without what people paste around it. Every line stays where it is.
pub(super) fn without_calls(text: &SourceText, report: &mut Report) -> String {
    let text = text.text();
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let whole = text[at..].split_inclusive('\n').next().unwrap_or_default();
        at += whole.len();
        let end = start + whole.trim_end_matches(['\n', '\r']).len();
        match nft_line(&text[start..end]) {
            None => {}
            Some(NftLine::Command(begins)) => {
                bytes[start..start + begins].fill(b' ');
                // What is quoted may go over lines.
                at = at.max(unquote(text, start + begins, &mut bytes, report));
            }
            Some(NftLine::Shows) => {
                bytes[start..end].fill(b' ');
                report.note(start, end, "only shows the rules: left out");
            }
            Some(NftLine::Unrelated(why)) => {
                bytes[start..end].fill(b' ');
                report.note(start, end, why);
            }
            Some(NftLine::ReadsFile) => report.push(|| {
                MistakeBuilder::new(
                    MistakeKind::Command,
                    start..end,
                    "`nft` with options reads rules from elsewhere, or does something else",
                )
                .label("not read here")
                .help("give that file")
            }),
        }
    }
    String::from_utf8(bytes).expect("whole characters were moved")
}

/// Takes the shell's quoting out of a command that begins here, as a POSIX shell does before nft sees its words. Gives
/// where the line after it begins.
fn unquote(text: &str, begins: usize, bytes: &mut [u8], report: &mut Report) -> usize {
    let mut words = Words {
        text: text.as_bytes(),
        at: begins,
    };
    let mut before = "";
    while let Some(word) = words.next() {
        let Some(word) = word else {
            // A quotation mark without its fellow: the rest of the line is left to nft, which says so.
            break;
        };
        put(text.as_bytes(), &word, bytes);
        let written = &text[word.span.clone()];
        if matches!(before, "prefix" | "comment") {
            tell_lost_quotes(written, &word.span, report);
        }
        before = written;
    }
    let rest = &text[words.at..];
    words.at + rest.find('\n').map_or(rest.len(), |end| end + 1)
}

/// Says that a shell takes quotation marks away that nft needs.
fn tell_lost_quotes(written: &str, span: &Range<usize>, report: &mut Report) {
    let inside = written
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte);
    let Some(inside) = inside.filter(|inside| !inside.bytes().all(is_word)) else {
        return;
    };
    if !inside.contains('"') {
        let kept = quote(&format!("'{written}'"));
        let note = format!(
            "a shell removes these quotation marks, but nft needs them: `{kept}` keeps them"
        );
        report.note(span.start, span.end, note);
    }
}

/// Writes a word over its place: blanks where its first quotation marks were, then what it says, then blanks. A line's end
/// in it stays in its place.
fn put(text: &[u8], word: &ShellWord, bytes: &mut [u8]) {
    let mut to = word.span.start;
    let mut begun = false;
    for at in word.span.clone() {
        if text[at] == b'\n' {
            bytes[to..at].fill(b' ');
            bytes[at] = b'\n';
            to = at + 1;
        } else if !word.quoting.contains(&at) {
            bytes[to] = text[at];
            to += 1;
            begun = true;
        } else if !begun {
            bytes[to] = b' ';
            to += 1;
        }
    }
    bytes[to..word.span.end].fill(b' ');
}

/// A word of a shell's command, and which bytes of it only quote others.
struct ShellWord {
    span: Range<usize>,
    quoting: Vec<usize>,
}

/// The words of one command, up to its line's end or a comment.
struct Words<'t> {
    text: &'t [u8],
    at: usize,
}

impl Words<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(b'\n')
    }

    /// Whether the backslash that stands here only joins two lines.
    fn is_continued(&self) -> bool {
        self.text.get(self.at + 1) == Some(&b'\n')
    }

    /// The next word; a word that is quoted without an end is nothing, and is not passed over.
    fn next(&mut self) -> Option<Option<ShellWord>> {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.is_continued() => self.at += 2,
                b'\n' | b'#' => return None,
                _ => break,
            }
        }
        let start = self.at;
        let mut quoting = Vec::new();
        let mut open: Option<u8> = None;
        while self.at < self.text.len() {
            let byte = self.peek(0);
            match (open, byte) {
                (None, b' ' | b'\t' | b'\r' | b'\n') => break,
                (None, b'\\') if self.is_continued() => break,
                (None, b'"' | b'\'') => {
                    quoting.push(self.at);
                    open = Some(byte);
                }
                (Some(mark), byte) if mark == byte => {
                    quoting.push(self.at);
                    open = None;
                }
                (None, b'\\') => {
                    quoting.push(self.at);
                    self.at += 1;
                }
                (Some(b'"'), b'\\') if b"$`\"\\".contains(&self.peek(1)) => {
                    quoting.push(self.at);
                    self.at += 1;
                }
                _ => {}
            }
            self.at += 1;
        }
        if open.is_some() {
            self.at = start;
            return Some(None);
        }
        self.at = self.at.min(self.text.len());
        Some(Some(ShellWord {
            span: start..self.at,
            quoting,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ruleset::text::Source;

    fn read(text: &str) -> (String, Vec<String>) {
        let text = SourceText::decode(&Source::new("test", text));
        let mut report = Report::new(Arc::clone(&text));
        let without = without_calls(&text, &mut report);
        assert_eq!(without.len(), text.text().len());
        let (notes, mistakes) = report.finish();
        assert!(mistakes.is_none());
        let notes = notes.into_iter().map(|note| note.message);
        (without, notes.collect())
    }

    #[test]
    fn the_shell_s_quoting_is_taken_away() {
        for (line, expected) in [
            ("nft add table ip t", "add table ip t"),
            ("root@gw:~# nft flush ruleset", "flush ruleset"),
            (
                "sudo -n nft 'add chain ip t c { type filter; }'",
                "add chain ip t c { type filter; }",
            ),
            (
                "nft add chain ip t c '{ type filter; }'",
                "add chain ip t c  { type filter; }",
            ),
            (
                "nft add chain ip t c \"{ type filter; }\"",
                "add chain ip t c  { type filter; }",
            ),
            (
                "nft add chain ip t c { type filter \\; }",
                "add chain ip t c { type filter  ; }",
            ),
            (
                "nft add rule ip t c comment '\"ftp in\"'",
                "add rule ip t c comment  \"ftp in\"",
            ),
            (
                "nft add rule ip t c comment \\\"ftp\\\"",
                "add rule ip t c comment  \"ftp\"",
            ),
            (
                "nft \"add rule ip t c log prefix \\\"x\\\"\"",
                "add rule ip t c log prefix \"x\"",
            ),
            ("nft add set ip t a'b'c", "add set ip t abc"),
            (
                "nft add rule ip t c iifname \"eth0\" accept",
                "add rule ip t c iifname  eth0  accept",
            ),
            // Nothing in a comment quotes.
            ("nft add table ip t # don't", "add table ip t # don't"),
            // What is not closed is left for nft to refuse.
            ("nft add table ip 't", "add table ip 't"),
        ] {
            assert_eq!(read(line).0.trim(), expected, "{line}");
        }
    }

    #[test]
    fn a_listing_between_prompts_calls_nothing() {
        let called = |text: &str| is_called(&SourceText::decode(&Source::new("test", text)));
        assert!(!called(
            "root@gw:~# nft list ruleset\ntable ip t {\n}\nroot@gw:~#\n"
        ));
        assert!(called("root@gw:~# nft flush ruleset\n"));
    }

    #[test]
    fn what_is_quoted_over_lines_stays_on_its_lines() {
        let text = "nft 'add table ip t {\n  chain \"c\" { }\n}'\nnft add rule ip t c \\\n  comment '\"é b\"'\n";
        assert_eq!(
            read(text).0,
            "     add table ip t {\n  chain \"c\" { }\n} \n    add rule ip t c \\\n  comment  \"é b\" \n"
        );
    }

    #[test]
    fn quotation_marks_that_nft_would_need_are_told() {
        let notes = |line| read(line).1;
        assert_eq!(
            notes("nft add rule ip t c log prefix \"FTP: \""),
            ["a shell removes these quotation marks, but nft needs them: `'\"FTP: \"'` keeps them"]
        );
        assert!(notes("nft add rule ip t c log prefix '\"FTP: \"'").is_empty());
        assert!(notes("nft add rule ip t c comment \"ftp\"").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_command_keeps_its_lines(rest in "[ -~\\n\\ré]{0,60}") {
            let text = format!("nft {rest}");
            let source = SourceText::decode(&Source::new("test", text.as_str()));
            let mut report = Report::new(Arc::clone(&source));
            let without = without_calls(&source, &mut report);
            let ends = |text: &str| text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
            proptest::prop_assert_eq!(ends(&without), ends(source.text()));
        }
    }
}
