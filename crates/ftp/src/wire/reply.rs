use std::fmt;

use serde::{Deserialize, Serialize};

/// The most bytes of text that are kept of one reply, over all its lines.
/// What a longer one has beyond them is dropped, its end is still found.
pub const MAX_REPLY_TEXT: usize = 64 * 1024;

/// A reply's three digits (RFC 959 section 4.2): 100 to 699, since RFC 2228
/// gave 6yz to protected replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReplyCode(u16);

impl ReplyCode {
    /// A code, or `None` for a number that is none.
    pub const fn new(code: u16) -> Option<ReplyCode> {
        match code {
            100..=699 => Some(ReplyCode(code)),
            _ => None,
        }
    }

    /// Reads the three digits that a line begins with.
    fn parse(line: &[u8]) -> Option<ReplyCode> {
        let digits = line.get(..3)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        ReplyCode::new(
            digits
                .iter()
                .fold(0, |code, digit| code * 10 + u16::from(digit - b'0')),
        )
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// 1yz: the action has begun, another reply follows.
    pub const fn is_preliminary(self) -> bool {
        self.0 / 100 == 1
    }

    /// 2yz: the action is done.
    pub const fn is_completion(self) -> bool {
        self.0 / 100 == 2
    }

    /// 3yz: the next command of a sequence is awaited.
    pub const fn is_intermediate(self) -> bool {
        self.0 / 100 == 3
    }

    /// 4yz or 5yz: the server said no, for now or for good.
    pub const fn is_negative(self) -> bool {
        matches!(self.0 / 100, 4 | 5)
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A server's reply, of one line or several (RFC 959 section 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reply {
    /// Its code.
    pub code: ReplyCode,
    /// Its text, line by line, without code and separator on the first and the
    /// last; what is no UTF-8 is replaced. Never empty.
    pub lines: Vec<String>,
}

impl Reply {
    /// Reads replies that stand whole in a text, as programs log them.
    ///
    /// Lines that belong to no reply are passed over, and so is a reply that
    /// does not end.
    pub fn parse_all(text: &[u8]) -> Vec<Reply> {
        let mut parser = ReplyParser::default();
        text.split(|&byte| byte == b'\n')
            .filter_map(
                |line| match parser.line(line.strip_suffix(b"\r").unwrap_or(line)) {
                    ReplyStep::Reply(reply) => Some(reply),
                    ReplyStep::Continues | ReplyStep::NoReply => None,
                },
            )
            .collect()
    }

    /// The text in one line.
    pub fn text(&self) -> String {
        self.lines.join(" / ")
    }
}

/// The reply in one line: `425 Failed to establish connection.`
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text())
    }
}

/// What one more line made of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReplyStep {
    /// The reply is whole.
    Reply(Reply),
    /// More lines follow.
    Continues,
    /// The line belongs to no reply.
    NoReply,
}

/// Puts replies together from lines.
#[derive(Debug, Clone, Default)]
pub(super) struct ReplyParser {
    open: Option<Reply>,
    kept: usize,
}

impl ReplyParser {
    pub(super) fn line(&mut self, line: &[u8]) -> ReplyStep {
        let code = ReplyCode::parse(line);
        let separator = line.get(3);
        if let Some(mut reply) = self.open.take() {
            let last = code == Some(reply.code) && matches!(separator, Some(b' ') | None);
            self.keep(&mut reply, if last { text(line) } else { line });
            if last {
                return ReplyStep::Reply(reply);
            }
            self.open = Some(reply);
            return ReplyStep::Continues;
        }
        // A code alone is a reply too: libunftp sends one when its text is empty.
        let (Some(code), Some(b' ' | b'-') | None) = (code, separator) else {
            return ReplyStep::NoReply;
        };
        self.kept = 0;
        let mut reply = Reply {
            code,
            lines: Vec::new(),
        };
        self.keep(&mut reply, text(line));
        if separator == Some(&b'-') {
            self.open = Some(reply);
            ReplyStep::Continues
        } else {
            ReplyStep::Reply(reply)
        }
    }

    /// Forgets the reply that has begun: bytes are missing from it.
    pub(super) fn reset(&mut self) {
        self.open = None;
    }

    fn keep(&mut self, reply: &mut Reply, text: &[u8]) {
        // Each line costs something even when it is empty.
        let cost = text.len() + size_of::<String>();
        if reply.lines.is_empty() || self.kept + cost <= MAX_REPLY_TEXT {
            self.kept += cost;
            reply.lines.push(String::from_utf8_lossy(text).into_owned());
        }
    }
}

fn text(line: &[u8]) -> &[u8] {
    line.get(4..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(number: u16) -> ReplyCode {
        ReplyCode::new(number).unwrap()
    }

    #[test]
    fn one_line() {
        let replies = Reply::parse_all(b"220 ready\r\n226\r\n");
        assert_eq!(replies[0].code, code(220));
        assert_eq!(replies[0].lines, ["ready"]);
        assert_eq!(replies[1].code, code(226));
        assert_eq!(replies[0].to_string(), "220 ready");
    }

    /// RFC 959 section 4.2 gives this example, with a line that begins with a number.
    #[test]
    fn many_lines() {
        let replies = Reply::parse_all(
            b"123-First line\r\nSecond line\r\n  234 A line beginning with numbers\r\n123 The last line\r\n",
        );
        assert_eq!(replies.len(), 1);
        assert_eq!(
            replies[0].lines,
            [
                "First line",
                "Second line",
                "  234 A line beginning with numbers",
                "The last line"
            ]
        );
    }

    #[test]
    fn inner_lines_with_the_same_code() {
        let replies = Reply::parse_all(b"211-Features\n211-PASV\n221 no end\n211 End\n");
        assert_eq!(replies.len(), 1);
        assert_eq!(replies[0].lines.len(), 4);
    }

    #[test]
    fn what_is_no_reply() {
        assert!(Reply::parse_all(b"hello\n22 x\n2200 x\n099 x\n\n999 x\n").is_empty());
    }

    #[test]
    fn a_flood_of_lines_is_bounded() {
        let mut flood = b"220-a\n".to_vec();
        flood.extend(b"x\n".repeat(MAX_REPLY_TEXT));
        flood.extend(b"220 end\n");
        let replies = Reply::parse_all(&flood);
        assert_eq!(replies.len(), 1);
        assert!(replies[0].lines.len() <= MAX_REPLY_TEXT / size_of::<String>());
    }
}
