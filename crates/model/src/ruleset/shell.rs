//! A command line as a shell would read it, up to what only a shell could do.

use std::borrow::Cow;
use std::ops::Range;

use super::constants::{Constants, is_constant};
use super::quoting::Word;
pub(super) use super::refused::Refused;

/// One command, as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct CommandLine<'t> {
    pub(super) words: Vec<Word<'t>>,
    /// The first thing in it that only a shell could do.
    pub(super) refused: Option<(Refused, Range<usize>)>,
    /// Where a quote was opened that the line does not close.
    pub(super) unclosed: Option<usize>,
    /// The byte after its last word.
    pub(super) end: usize,
    /// Where to read on.
    pub(super) next: usize,
}

/// Reads one command from `at` to the end of its line, its continuations
/// included, or to a `#` at which `another` says that a further command starts.
///
/// Constants stand for their values.
pub(super) fn read_command<'t>(
    text: &'t str,
    at: usize,
    constants: &Constants,
    another: impl Fn(&str) -> bool,
) -> CommandLine<'t> {
    let mut reader = Reader {
        text,
        constants,
        bytes: text.as_bytes(),
        at,
        line: CommandLine {
            end: at,
            ..CommandLine::default()
        },
    };
    reader.run(another);
    reader.line
}

struct Reader<'t, 'c> {
    text: &'t str,
    constants: &'c Constants,
    bytes: &'t [u8],
    at: usize,
    line: CommandLine<'t>,
}

impl<'t> Reader<'t, '_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(b'\n')
    }

    /// The length of the line end that stands at `at`, 0 if there is none.
    fn line_end(&self, at: usize) -> usize {
        match self.bytes.get(at) {
            None => 0,
            Some(b'\n') => 1,
            Some(b'\r') if self.bytes.get(at + 1) == Some(&b'\n') => 2,
            Some(_) => 0,
        }
    }

    fn run(&mut self, another: impl Fn(&str) -> bool) {
        loop {
            let end = self.line_end(self.at);
            if end > 0 || self.at >= self.bytes.len() {
                self.line.next = self.at + end;
                return;
            }
            match self.bytes[self.at] {
                b' ' | b'\t' => self.at += 1,
                b'\\' if self.line_end(self.at + 1) > 0 => {
                    self.at += 1 + self.line_end(self.at + 1);
                    // bash shows that it waits for the rest, and people paste that too.
                    if self.bytes[self.at..].starts_with(b"> ") {
                        self.at += 2;
                    }
                }
                b'#' => {
                    if !self.line.words.is_empty() && another(&self.text[self.at..]) {
                        self.line.next = self.at;
                        return;
                    }
                    self.skip_line();
                }
                // What follows is not read, but its continuations belong to it.
                _ if self.line.refused.is_some() || self.line.unclosed.is_some() => self.at += 1,
                _ => self.word(),
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len());
    }

    fn refuse(&mut self, refused: Refused, length: usize) {
        let end = (self.at + length).min(self.bytes.len());
        self.line.refused = Some((refused, self.at..end));
        self.line.end = end;
    }

    /// The words of a constant that begins a command, where it stands alone; a shell makes words of it.
    fn constant_words(&mut self) -> bool {
        let start = self.at;
        let Some((value, length)) = self.constant().filter(|_| self.bytes[start] == b'$') else {
            return false;
        };
        let end = start + length;
        let is_alone = matches!(
            self.bytes.get(end),
            None | Some(b' ' | b'\t' | b'\r' | b'\n')
        );
        if !value.contains(' ') || !is_alone || !self.line.words.is_empty() {
            return false;
        }
        let words = value.split_ascii_whitespace().map(|word| Word {
            text: Cow::Owned(word.to_owned()),
            span: start..end,
            quoted: false,
        });
        let words: Vec<Word<'t>> = words.collect();
        self.line.words.extend(words);
        self.line.end = self.line.end.max(end);
        self.at = end;
        true
    }

    fn word(&mut self) {
        let start = self.at;
        if self.constant_words() {
            return;
        }
        let mut owned: Option<String> = None;
        let mut run = start;
        let mut quoted = false;
        while self.at < self.bytes.len() && self.line_end(self.at) == 0 {
            let byte = self.bytes[self.at];
            match byte {
                b' ' | b'\t' => break,
                b'\\' => {
                    owned
                        .get_or_insert_default()
                        .push_str(&self.text[run..self.at]);
                    let end = self.line_end(self.at + 1);
                    if end > 0 {
                        self.at += 1 + end;
                        run = self.at;
                    } else {
                        run = self.at + 1;
                        self.at = run + self.text[run..].chars().next().map_or(0, char::len_utf8);
                    }
                    continue;
                }
                b'\'' | b'"' => {
                    quoted = true;
                    let opened = self.at;
                    let text = owned.get_or_insert_default();
                    text.push_str(&self.text[run..self.at]);
                    self.at += 1;
                    let closed = if byte == b'\'' {
                        self.single_quoted(owned.as_mut().expect("made above"))
                    } else {
                        let mut text = owned.take().expect("made above");
                        let closed = self.double_quoted(&mut text);
                        owned = Some(text);
                        closed
                    };
                    run = self.at;
                    if !closed {
                        if self.line.refused.is_none() {
                            self.line.unclosed = Some(opened);
                            self.line.end = self.at;
                        }
                        return;
                    }
                    continue;
                }
                b'$' => {
                    if let Some((value, length)) = self.word_constant() {
                        let text = owned.get_or_insert_default();
                        text.push_str(&self.text[run..self.at]);
                        text.push_str(value);
                        self.at += length;
                        run = self.at;
                        continue;
                    }
                    if let Some((refused, length)) = self.dollar() {
                        self.refuse(refused, length);
                        break;
                    }
                }
                b'{' => {
                    if let Some(length) = self.brace_expansion() {
                        self.refuse(Refused::BraceExpansion, length);
                        break;
                    }
                }
                _ => {
                    if let Some((refused, length)) = self.operator(byte) {
                        self.refuse(refused, length);
                        break;
                    }
                }
            }
            self.at += 1;
        }
        let raw = &self.text[run..self.at];
        if self.line.refused.is_some() && self.at == start {
            return;
        }
        let text = match owned {
            None => Cow::Borrowed(raw),
            Some(mut text) => {
                text.push_str(raw);
                Cow::Owned(text)
            }
        };
        self.line.end = self.line.end.max(self.at);
        self.line.words.push(Word {
            text,
            span: start..self.at,
            quoted,
        });
    }

    fn single_quoted(&mut self, text: &mut String) -> bool {
        let start = self.at;
        while self.at < self.bytes.len() && self.bytes[self.at] != b'\n' {
            self.at += 1;
            if self.bytes[self.at - 1] == b'\'' {
                text.push_str(&self.text[start..self.at - 1]);
                return true;
            }
        }
        false
    }

    fn double_quoted(&mut self, text: &mut String) -> bool {
        let mut run = self.at;
        while self.at < self.bytes.len() && self.bytes[self.at] != b'\n' {
            match self.bytes[self.at] {
                b'"' => {
                    text.push_str(&self.text[run..self.at]);
                    self.at += 1;
                    return true;
                }
                b'\\' if self.line_end(self.at + 1) > 0 => {
                    text.push_str(&self.text[run..self.at]);
                    self.at += 1 + self.line_end(self.at + 1);
                    run = self.at;
                }
                b'\\' if matches!(self.peek(1), b'$' | b'`' | b'"' | b'\\') => {
                    text.push_str(&self.text[run..self.at]);
                    run = self.at + 1;
                    self.at += 2;
                }
                b'`' => {
                    self.refuse(Refused::Backtick, 1);
                    return false;
                }
                b'$' if !matches!(self.peek(1), b'"' | b'\'') => {
                    if let Some((value, length)) = self.word_constant() {
                        text.push_str(&self.text[run..self.at]);
                        text.push_str(value);
                        self.at += length;
                        run = self.at;
                        continue;
                    }
                    if let Some((refused, length)) = self.dollar() {
                        self.refuse(refused, length);
                        return false;
                    }
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        false
    }

    /// The value of the constant that stands here, `$NAME` or `${NAME}`, and how long that is. Of `${NAME:-VALUE}`, where
    /// the text sets no such name, the value that stands there.
    fn constant(&self) -> Option<(&str, usize)> {
        let (Refused::Variable(_), length) = self.dollar()? else {
            return None;
        };
        let name = self.text.get(self.at + 1..self.at + length)?;
        let name = name
            .strip_prefix('{')
            .map_or(Some(name), |name| name.strip_suffix('}'))?;
        if let Some(value) = self.constants.get(name) {
            return Some((value, length));
        }
        let (name, default) = name.split_once('-')?;
        let name = name.strip_suffix(':').unwrap_or(name);
        match self.constants.get(name) {
            Some(value) => Some((value, length)),
            None if is_constant(name, default) => Some((default, length)),
            None => None,
        }
    }

    /// A constant of one word.
    fn word_constant(&self) -> Option<(&str, usize)> {
        self.constant().filter(|(value, _)| !value.contains(' '))
    }

    fn dollar(&self) -> Option<(Refused, usize)> {
        let rest = &self.bytes[self.at + 1..];
        match *rest.first()? {
            b'(' => Some((Refused::CommandSubstitution, 2)),
            b'\'' | b'"' => Some((Refused::DollarQuote, 2)),
            b'{' => {
                let length = rest
                    .iter()
                    .take(64)
                    .position(|byte| *byte == b'}')
                    .map_or(1, |at| at + 1);
                Some(self.variable(length))
            }
            first if first.is_ascii_alphabetic() || first == b'_' => {
                let name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                let length = rest.iter().take(64).take_while(|byte| name(byte)).count();
                Some(self.variable(length))
            }
            first if first.is_ascii_digit() || b"@*#?$!".contains(&first) => Some(self.variable(1)),
            _ => None,
        }
    }

    fn variable(&self, length: usize) -> (Refused, usize) {
        let name = String::from_utf8_lossy(&self.bytes[self.at..=self.at + length]);
        (Refused::Variable(name.into_owned()), length + 1)
    }

    fn operator(&self, byte: u8) -> Option<(Refused, usize)> {
        Some(match (byte, self.peek(1)) {
            (b'`', _) => (Refused::Backtick, 1),
            (b';', _) => (Refused::Separator(";"), 1),
            (b'&', b'&') => (Refused::Separator("&&"), 2),
            (b'&', b'>') => (Refused::Redirection("&>"), 2),
            (b'&', _) => (Refused::Background, 1),
            (b'|', b'|') => (Refused::Separator("||"), 2),
            (b'|', _) => (Refused::Pipe, 1),
            (b'>', b'>') => (Refused::Redirection(">>"), 2),
            (b'>', _) => (Refused::Redirection(">"), 1),
            (b'<', b'<') => (Refused::Redirection("<<"), 2),
            (b'<', _) => (Refused::Redirection("<"), 1),
            (b'(' | b')', _) => (Refused::Parenthesis, 1),
            _ => return None,
        })
    }

    fn brace_expansion(&self) -> Option<usize> {
        let rest = &self.bytes[self.at..];
        let end = rest
            .iter()
            .take(200)
            .position(|byte| matches!(byte, b'}' | b' ' | b'\t' | b'\n'))?;
        let inside = &self.text[self.at..self.at + end];
        (rest[end] == b'}' && (inside.contains(',') || inside.contains(".."))).then_some(end + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> CommandLine<'_> {
        read_command(text, 0, &Constants::new(), |_| false)
    }

    fn words(text: &str) -> Vec<String> {
        let line = read(text);
        assert_eq!(line.refused, None);
        assert_eq!(line.unclosed, None);
        line.words
            .into_iter()
            .map(|word| word.text.into_owned())
            .collect()
    }

    #[test]
    fn words_are_unquoted_as_a_shell_does() {
        assert_eq!(
            words(r#"a 'b c' "d \"e\" \f" g\ h i'j'"k""#),
            ["a", "b c", r#"d "e" \f"#, "g h", "ijk"]
        );
        assert_eq!(words("''"), [""]);
        assert_eq!(words("a $ b"), ["a", "$", "b"]);
        assert_eq!(words("! -i eth*"), ["!", "-i", "eth*"]);
    }

    #[test]
    fn lines_are_continued_and_comments_cut() {
        let line = read("a \\\n  b \\\r\n c # d\ne");
        let words: Vec<_> = line.words.iter().map(|word| &*word.text).collect();
        assert_eq!(words, ["a", "b", "c"]);
        assert_eq!(line.next, "a \\\n  b \\\r\n c # d\n".len());
        assert_eq!(read("a#b").words[0].text, "a#b");
        assert_eq!(read("ab\\\ncd").words[0].text, "abcd");
    }

    #[test]
    fn what_needs_a_shell_is_named() {
        let refused = |text| {
            read(text)
                .refused
                .map(|(refused, span)| (refused.to_string(), text[span].to_owned()))
        };
        assert_eq!(refused("a $IPT b").unwrap().1, "$IPT");
        assert_eq!(
            refused("a \"${IF}\" b").unwrap().0,
            "the shell variable `${IF}`"
        );
        assert_eq!(refused("a $(b)").unwrap().1, "$(");
        assert_eq!(refused("a `b`").unwrap().1, "`");
        assert_eq!(refused("a; b").unwrap().1, ";");
        assert_eq!(refused("a && b").unwrap().1, "&&");
        assert_eq!(refused("a | b").unwrap().0, "the pipe `|`");
        assert_eq!(refused("a 2>/dev/null").unwrap().1, ">");
        assert_eq!(refused("a {1,2}").unwrap().1, "{1,2}");
        assert_eq!(refused("a '$b;'"), None);
    }

    #[test]
    fn a_value_that_stands_for_an_unset_name_is_read() {
        let text = "${IF:-eth0} ${IF-eth1} \"${B:-x}\"";
        assert_eq!(words(text), ["eth0", "eth1", "x"]);
        let set = Constants::from([("IF".to_owned(), "ppp0".to_owned())]);
        let line = read_command(text, 0, &set, |_| false);
        assert_eq!(line.words[0].text, "ppp0");
        for unknown in [
            "${IF:-$B}",
            "${IF:-}",
            "${IF:+eth0}",
            "${IF:=eth0}",
            "${1:-eth0}",
        ] {
            assert!(read(unknown).refused.is_some(), "{unknown}");
        }
    }

    #[test]
    fn a_quote_left_open_ends_with_the_line() {
        let line = read("a 'b\nc");
        assert_eq!(line.unclosed, Some(2));
        assert_eq!(line.next, 5);
        assert_eq!(read("a \"b").unclosed, Some(2));
    }

    #[test]
    fn commands_run_together_are_parted() {
        let text = "a b # c d # e";
        let line = read_command(text, 0, &Constants::new(), |rest| rest.starts_with("# c"));
        assert_eq!(line.words.len(), 2);
        assert_eq!(&text[line.next..], "# c d # e");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[ -~\\n\\réß–]{0,60}") {
            let mut at = 0;
            while at < text.len() {
                let line = read_command(&text, at, &Constants::new(), |_| false);
                proptest::prop_assert!(line.next > at);
                for word in line.words {
                    proptest::prop_assert!(text.get(word.span).is_some());
                }
                at = line.next;
            }
        }
    }
}
