//! The closed sets of words that scripts are written in.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::wire::{Reply, ReplyCode};

/// The longest pause: it is a part of the experiment, and no wait for something.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The commands of RFC 959, 2228, 2389, 2428, 3659 and 7151, and a few that
/// programs send without one.
pub(super) const VERBS: &[&str] = &[
    "USER", "PASS", "ACCT", "CWD", "CDUP", "SMNT", "QUIT", "REIN", "PORT", "PASV", "TYPE", "STRU",
    "MODE", "RETR", "STOR", "STOU", "APPE", "ALLO", "REST", "RNFR", "RNTO", "ABOR", "DELE", "RMD",
    "MKD", "PWD", "LIST", "NLST", "SITE", "SYST", "STAT", "HELP", "NOOP", "FEAT", "OPTS", "EPRT",
    "EPSV", "AUTH", "ADAT", "PBSZ", "PROT", "CCC", "MIC", "CONF", "ENC", "MDTM", "SIZE", "MLST",
    "MLSD", "HOST", "LANG", "CLNT", "XCWD", "XCUP", "XMKD", "XPWD", "XRMD",
];

/// The known verb that this is, in whichever case it was written.
pub(super) fn known_verb(word: &str) -> Option<&'static str> {
    VERBS
        .iter()
        .copied()
        .find(|verb| verb.eq_ignore_ascii_case(word))
}

/// A reply that a client's script waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// This code.
    Code(ReplyCode),
    /// Any code that begins with this digit: `2yz`, as RFC 959 section 4.2.1 writes it.
    Class(u8),
}

impl Expected {
    pub(super) fn is_met_by(self, reply: &Reply) -> bool {
        match self {
            Expected::Code(code) => reply.code == code,
            Expected::Class(class) => reply.code.number() / 100 == u16::from(class),
        }
    }

    /// Whether a reply with this code would do.
    pub(super) fn admits(self, code: u16) -> bool {
        match self {
            Expected::Code(only) => only.number() == code,
            Expected::Class(class) => code / 100 == u16::from(class),
        }
    }
}

impl FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Expected, String> {
        if let Some(class) = text.strip_suffix("yz") {
            return match class.parse() {
                Ok(class @ 1..=6) if class.to_string() == text[..1] => Ok(Expected::Class(class)),
                _ => Err(format!("`{text}` is not a class of replies, 1yz to 6yz")),
            };
        }
        let three_digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|_| three_digits)
            .and_then(ReplyCode::new)
            .map(Expected::Code)
            .ok_or_else(|| format!("`{text}` is not a reply code, 100 to 699"))
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Code(code) => code.fmt(f),
            Expected::Class(class) => write!(f, "{class}yz"),
        }
    }
}

/// A pause: `50ms` or `2s`.
pub(super) fn parse_pause(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let wrong = || format!("`{text}` is not a pause such as `50ms` or `2s`");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let pause = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        _ => return Err(wrong()),
    };
    if pause > LONGEST_PAUSE {
        return Err(format!(
            "a pause of {text} is longer than {LONGEST_PAUSE:?}"
        ));
    }
    Ok(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_classes() {
        for text in ["227", "2yz", "100"] {
            assert_eq!(text.parse::<Expected>().unwrap().to_string(), text);
        }
        for text in [
            "22", "2270", "099", "7yz", "0yz", "22y", "yz", "+2yz", "+22",
        ] {
            assert!(text.parse::<Expected>().is_err(), "{text}");
        }
        assert!("2yz".parse::<Expected>().unwrap().admits(227));
        assert!(!"229".parse::<Expected>().unwrap().admits(227));
    }

    #[test]
    fn pauses_are_bounded() {
        assert_eq!(parse_pause("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(parse_pause("5s"), Ok(LONGEST_PAUSE));
        for text in ["5001ms", "6s", "50", "ms", "1m", "-1s", "1.5s", ""] {
            assert!(parse_pause(text).is_err(), "{text}");
        }
    }
}
