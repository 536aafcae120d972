//! The host's name.

use std::borrow::Cow;

use crate::frame::{Answer, Frame};
use crate::section::SectionName;

/// What a host is called afterwards.
const OTHER: &[u8] = b"host";

/// The names of a host: the whole, and the part before the first dot.
pub(super) struct Names(Vec<Vec<u8>>);

impl Names {
    pub(super) fn of(frame: &Frame<'_>) -> Names {
        let mut sections = frame.sections.iter();
        let named = sections.find(|section| section.name == SectionName::Hostname);
        let name = match named.map(|section| &section.answer) {
            Some(Answer::Given { content, .. }) => content.lines().next().map(<[u8]>::trim_ascii),
            _ => None,
        };
        let name = name.filter(|name| *name != b"localhost").unwrap_or(b"");
        let first = name.split(|byte| *byte == b'.').next().unwrap_or(b"");
        let mut names = vec![name.to_vec(), first.to_vec()];
        names.dedup();
        // A letter or two are words of other things, too.
        names.retain(|name| name.len() > 2);
        Names(names)
    }

    /// A line without them, where it is one that may tell them.
    pub(super) fn replace<'a>(
        &self,
        section: Option<SectionName>,
        line: &'a [u8],
    ) -> Cow<'a, [u8]> {
        match section {
            Some(SectionName::Hostname) if line.len() > 1 && line.starts_with(b"|") => {
                Cow::Owned([b"|", OTHER].concat())
            }
            Some(SectionName::FtpConfig) if line.starts_with(b"|") => {
                let names = self.0.iter();
                names.fold(Cow::Borrowed(line), |line, name| {
                    match without(&line, name) {
                        Some(without) => Cow::Owned(without),
                        None => line,
                    }
                })
            }
            _ => Cow::Borrowed(line),
        }
    }
}

/// A line with another name for this one, where that stands there as a word.
fn without(line: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let is_word = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let mut without = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while at + name.len() <= line.len() {
        let end = at + name.len();
        let is_bounded =
            !is_word(at.checked_sub(1).and_then(|at| line.get(at))) && !is_word(line.get(end));
        if is_bounded && line[at..end].eq_ignore_ascii_case(name) {
            without.extend_from_slice(&line[copied..at]);
            without.extend_from_slice(OTHER);
            copied = end;
            at = end;
        } else {
            at += 1;
        }
    }
    (copied > 0).then(|| {
        without.extend_from_slice(&line[copied..]);
        without
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_as_a_word() {
        let of = |line: &str| {
            let without = without(line.as_bytes(), b"web1");
            without.map(|line| String::from_utf8(line).expect("it is text"))
        };
        assert_eq!(
            of("|ServerName \"Web1.example\""),
            Some("|ServerName \"host.example\"".into())
        );
        assert_eq!(of("|web1,web1"), Some("|host,host".into()));
        assert_eq!(of("|web10 my-web1 web"), None);
    }
}
