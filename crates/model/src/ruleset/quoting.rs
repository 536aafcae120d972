//! Words, and how the two formats that iptables rules come in quote them.

use std::borrow::Cow;
use std::ops::Range;

/// A word after unquoting, with the bytes of the source that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) span: Range<usize>,
    /// Whether any of it stood in quotes, so that its blanks were meant.
    pub(super) quoted: bool,
}

impl AsRef<str> for Word<'_> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// Splits a line as `iptables-restore` does (`add_param_to_argv` in
/// iptables/xshared.c): only `"` quotes, `\` escapes only inside of quotes, and
/// a closing quote ends the word. `base` is where the line starts in its source.
///
/// # Errors
/// The offset of a quote that is not closed. iptables-restore takes the rest of
/// the line for the word, and so reads other rules than were written.
pub(super) fn restore_words<'t>(
    line: &'t str,
    base: usize,
    words: &mut Vec<Word<'t>>,
) -> Result<(), usize> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if matches!(bytes[at], b' ' | b'\t') {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && !matches!(bytes[at], b' ' | b'\t' | b'"') {
            at += 1;
        }
        if at == bytes.len() || bytes[at] != b'"' {
            words.push(Word {
                text: Cow::Borrowed(&line[start..at]),
                span: base + start..base + at,
                quoted: false,
            });
            continue;
        }
        let opened = at;
        let mut text = line[start..at].to_owned();
        at += 1;
        let mut run = at;
        loop {
            match bytes.get(at) {
                None => return Err(base + opened),
                Some(b'"') => break,
                Some(b'\\') => {
                    text.push_str(&line[run..at]);
                    // What is escaped stands for itself, be it one byte or four.
                    run = at + 1;
                    at = run + line[run..].chars().next().map_or(0, char::len_utf8);
                }
                Some(_) => at += 1,
            }
        }
        text.push_str(&line[run..at]);
        at += 1;
        words.push(Word {
            text: Cow::Owned(text),
            span: base + start..base + at,
            quoted: true,
        });
    }
    Ok(())
}

/// Writes a word so that [`restore_words`] and iptables-restore read it back.
pub(super) fn write_word(word: &str, line: &mut String) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:,=+@%!".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        line.push_str(word);
    } else {
        write_quoted(word, line);
    }
}

/// Writes a word in quotes.
pub(super) fn write_quoted(word: &str, line: &mut String) {
    line.push('"');
    for char in word.chars() {
        if matches!(char, '"' | '\\') {
            line.push('\\');
        }
        line.push(char);
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        restore_words(line, 0, &mut words).unwrap();
        words
            .into_iter()
            .map(|word| word.text.into_owned())
            .collect()
    }

    #[test]
    fn words_are_split_as_iptables_restore_does() {
        assert_eq!(
            split("  -A INPUT\t-j  ACCEPT "),
            ["-A", "INPUT", "-j", "ACCEPT"]
        );
        assert_eq!(
            split(r#"--comment "a \"b\" \\ c" -j X"#),
            ["--comment", r#"a "b" \ c"#, "-j", "X"]
        );
        assert_eq!(split(r#"a"b c"d"#), ["ab c", "d"]);
        assert_eq!(split(r#"a\b 'c d'"#), ["a\\b", "'c", "d'"]);
        assert_eq!(split(r#""""#), [""]);
        assert_eq!(split(r#""\é""#), ["é"]);
    }

    #[test]
    fn an_open_quote_is_told_with_its_place() {
        assert_eq!(restore_words(r#"ab "cd"#, 10, &mut Vec::new()), Err(13));
        assert_eq!(restore_words(r#""\"#, 0, &mut Vec::new()), Err(0));
        assert_eq!(restore_words(r#""\é"#, 0, &mut Vec::new()), Err(0));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(words in proptest::collection::vec("[^\n\r]{0,12}", 0..6)) {
            let mut line = String::new();
            for word in &words {
                write_word(word, &mut line);
                line.push(' ');
            }
            proptest::prop_assert_eq!(split(&line), words);
        }

        #[test]
        fn any_line_is_split_without_panic(line in ".{0,40}") {
            let mut words = Vec::new();
            let _ = restore_words(&line, 0, &mut words);
            for word in words {
                proptest::prop_assert!(line.get(word.span).is_some());
            }
        }
    }
}
