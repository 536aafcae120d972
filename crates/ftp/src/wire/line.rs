/// The most bytes of one line that are kept. What a longer line has beyond
/// them is dropped; the longest line that a server in the field accepts is
/// vsftpd's, 4096 bytes.
pub const MAX_LINE: usize = 8 * 1024;

// Telnet commands (RFC 854) that take part on a control connection (RFC 959
// section 3.1: "the control connection follows the Telnet protocol").
const IAC: u8 = 255;
const DONT: u8 = 254;
const WILL: u8 = 251;
const SUBNEGOTIATION: u8 = 250;
const SUBNEGOTIATION_END: u8 = 240;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Telnet {
    #[default]
    Text,
    Command,
    Option,
    Subnegotiation,
    SubnegotiationCommand,
}

/// Cuts one direction of a control connection into lines: ended by CRLF or a
/// bare LF, Telnet commands taken out, never longer than [`MAX_LINE`].
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    telnet: Telnet,
    line: Vec<u8>,
    overlong: bool,
}

impl Lines {
    /// Takes bytes and hands out each line that they complete, without its end.
    pub(super) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        for &byte in bytes {
            match (self.telnet, byte) {
                (Telnet::Text, IAC) => self.telnet = Telnet::Command,
                (Telnet::Text, b'\n') => self.end(&mut each),
                (Telnet::Text, byte) => self.keep(byte),
                (Telnet::Command, IAC) => {
                    self.telnet = Telnet::Text;
                    self.keep(IAC);
                }
                (Telnet::Command, WILL..=DONT) => self.telnet = Telnet::Option,
                (Telnet::Command, SUBNEGOTIATION) => self.telnet = Telnet::Subnegotiation,
                // Every line ends what Telnet left open: a stray 255 in a file
                // name must not swallow the rest of the dialogue.
                (_, b'\n') => {
                    self.telnet = Telnet::Text;
                    self.end(&mut each);
                }
                (Telnet::Command, byte) => {
                    self.telnet = Telnet::Text;
                    // 240 and up are Telnet's; a smaller byte shows that the 255 was text.
                    if byte < SUBNEGOTIATION_END {
                        self.keep(IAC);
                        self.keep(byte);
                    }
                }
                (Telnet::Option, _) => self.telnet = Telnet::Text,
                (Telnet::Subnegotiation, IAC) => self.telnet = Telnet::SubnegotiationCommand,
                (Telnet::Subnegotiation, _) => {}
                (Telnet::SubnegotiationCommand, SUBNEGOTIATION_END) => self.telnet = Telnet::Text,
                (Telnet::SubnegotiationCommand, _) => self.telnet = Telnet::Subnegotiation,
            }
        }
    }

    /// Forgets the line that has begun: bytes are missing from it.
    pub(super) fn reset(&mut self) {
        self.telnet = Telnet::Text;
        self.line.clear();
        self.overlong = false;
    }

    fn keep(&mut self, byte: u8) {
        if self.line.len() < MAX_LINE {
            self.line.push(byte);
        } else {
            self.overlong = true;
        }
    }

    fn end(&mut self, each: &mut impl FnMut(&[u8])) {
        // The CR of an overlong line was dropped with its tail; one that is the
        // last byte kept belongs to the text.
        if !self.overlong && self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        each(&self.line);
        self.line.clear();
        self.overlong = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for piece in pieces {
            lines.push(piece, |line| out.push(line.to_vec()));
        }
        out
    }

    #[test]
    fn both_line_ends_and_any_segmentation() {
        let expected = vec![b"USER x".to_vec(), b"PASV".to_vec()];
        assert_eq!(lines(&[b"USER x\r\nPASV\n"]), expected);
        assert_eq!(lines(&[b"USE", b"R x\r", b"\nPAS", b"V", b"\n"]), expected);
    }

    #[test]
    fn telnet_commands_are_taken_out() {
        // IAC IP IAC DM before ABOR, as RFC 959 section 4.1.3 has it.
        assert_eq!(lines(&[b"\xff\xf4\xff\xf2ABOR\r\n"]), [b"ABOR"]);
        assert_eq!(lines(&[b"\xff\xfd\x18NOOP\n"]), [b"NOOP"]);
        assert_eq!(lines(&[b"\xff\xfaab\xff\xf0NOOP\n"]), [b"NOOP"]);
        assert_eq!(lines(&[b"RETR \xff\xff\r\n"]), [b"RETR \xff"]);
        assert_eq!(lines(&[b"RETR \xffa\r\n"]), [b"RETR \xffa"]);
    }

    #[test]
    fn an_open_subnegotiation_ends_with_its_line() {
        assert_eq!(lines(&[b"\xff\xfaNO\nPASV\n"]), [&b""[..], b"PASV"]);
    }

    #[test]
    fn an_overlong_line_is_cut_and_the_next_one_is_whole() {
        let flood = vec![b'a'; MAX_LINE * 3];
        let got = lines(&[&flood, b"\r\nNOOP\r\n"]);
        assert_eq!(got[0].len(), MAX_LINE);
        assert_eq!(got[1], b"NOOP");
    }
}
