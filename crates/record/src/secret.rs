use std::fmt;

/// A password, to be kept out of everything that is written down.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What stands for a password.
const MASK: &str = "***";

/// A password that is shorter may be any word of a text, or a part of one, and hides nothing.
const SHORTEST: usize = 4;

impl Secret {
    /// A password.
    pub fn new(password: impl Into<String>) -> Secret {
        Secret(password.into())
    }

    /// A text without the password. What stands after `PASS` is none of the reader's business either, whatever it is.
    pub fn masked(&self, text: &str) -> String {
        let known = if self.0.len() < SHORTEST {
            text.to_owned()
        } else {
            text.replace(&self.0, MASK)
        };
        let lines = known.split_inclusive('\n');
        lines.map(without_argument_of_pass).collect()
    }

    /// Puts asterisks over the password in bytes of the wire, and over what follows `PASS` at the start of a line.
    pub fn blot(&self, bytes: &mut [u8]) {
        let password = self.0.as_bytes();
        if password.len() >= SHORTEST {
            let mut at = 0;
            while at + password.len() <= bytes.len() {
                if bytes[at..].starts_with(password) {
                    bytes[at..at + password.len()].fill(b'*');
                }
                at += 1;
            }
        }
        for line in bytes.split_mut(|byte| *byte == b'\n') {
            if line.len() > 5 && line[..5].eq_ignore_ascii_case(b"PASS ") {
                let end = line.len() - usize::from(line.ends_with(b"\r"));
                line[5..end].fill(b'*');
            }
        }
    }
}

/// A line in which a log shows the command `PASS`: alone, or behind `>` or `---->` as clients write it.
fn without_argument_of_pass(line: &str) -> String {
    let upper = line.to_ascii_uppercase();
    let Some(at) = upper.find("PASS ") else {
        return line.to_owned();
    };
    let before = line[..at].trim_end();
    let is_command = before.is_empty() || before.ends_with(['>', ':', '`', '"']);
    if !is_command {
        return line.to_owned();
    }
    let end = line[at..].find(['\r', '\n', '`', '"']);
    let rest = end.map_or("", |end| &line[at + end..]);
    format!("{}{MASK}{rest}", &line[..at + "PASS ".len()])
}

/// Nothing of it.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_wherever_it_stands() {
        let secret = Secret::new("geheim");
        for (text, masked) in [
            ("login with geheim failed", "login with *** failed"),
            ("> PASS geheim\r\n< 230 ok", "> PASS ***\r\n< 230 ok"),
            ("---> PASS other", "---> PASS ***"),
            ("client: PASS a b c\nnext", "client: PASS ***\nnext"),
            ("expected `PASS x` here", "expected `PASS ***` here"),
            ("the tests pass here", "the tests pass here"),
            ("227 Entering Passive Mode", "227 Entering Passive Mode"),
        ] {
            assert_eq!(secret.masked(text), masked);
        }
    }

    #[test]
    fn on_the_wire_asterisks_take_its_place() {
        let secret = Secret::new("geheim");
        let mut bytes = *b"USER a\r\npass other one\r\nSITE geheim x\r\nPASS";
        secret.blot(&mut bytes);
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            "USER a\r\npass *********\r\nSITE ****** x\r\nPASS"
        );
    }

    #[test]
    fn a_short_password_is_no_reason_to_mask_words() {
        let secret = Secret::new("a");
        assert_eq!(secret.masked("a transfer"), "a transfer");
        assert_eq!(secret.masked("PASS a"), "PASS ***");
        assert_eq!(format!("{secret:?}"), "***");
    }
}
