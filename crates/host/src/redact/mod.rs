//! Public addresses and the host's name, replaced by others, in the text of a capture.

mod addresses;
mod names;
mod reserved;
mod tokens;

use std::collections::BTreeSet;

use crate::frame::{Edits, Frame};
use crate::mistake::CaptureMistakes;
use crate::seal::{before_end, push_end};
use crate::section::SectionName;
use addresses::Replacing;
use names::Names;
use tokens::tokens;

/// The text of a capture in which public addresses are others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text, whole again: its last line fits it.
    pub text: Vec<u8>,
    /// How many addresses were replaced, each counted once.
    pub addresses: usize,
    /// Whether rules have comments. What is said in them stays, but for addresses.
    pub has_comments: bool,
}

/// Replaces public addresses, each by one and the same wherever it stands, so that two addresses that share their
/// first bits share as many afterwards: who is in which network stays. The host's name is replaced where it tells its
/// name, and in the settings of its servers.
///
/// The key decides what becomes of an address. Whoever knows it can undo that: take a random one, and forget it.
///
/// # Errors
/// As [`Host::read`](crate::Host::read).
pub fn redact(
    name: &str,
    bytes: &[u8],
    edits: Edits,
    key: &[u8; 32],
) -> Result<Redacted, CaptureMistakes> {
    let frame = Frame::read(name, bytes, edits)?;
    let names = Names::of(&frame);
    let mut replacing = Replacing::new(key);
    for line in lines(bytes).filter(Line::has_addresses) {
        replacing.keep_ranges(&tokens(line.text));
    }
    let mut text = Vec::with_capacity(bytes.len());
    let mut replaced = BTreeSet::new();
    let mut has_comments = false;
    for line in lines(bytes) {
        has_comments |= line.has_comment();
        if line.text == b"redacted no" {
            text.extend_from_slice(b"redacted yes");
        } else if line.has_addresses() {
            let named = names.replace(line.section, line.text);
            let mut copied = 0;
            for token in tokens(&named) {
                let other = replacing.replace(&token);
                if other == token.address {
                    continue;
                }
                replaced.insert(token.address);
                text.extend_from_slice(&named[copied..token.span.start]);
                text.extend_from_slice(other.to_string().as_bytes());
                copied = token.span.end;
            }
            text.extend_from_slice(&named[copied..]);
        } else {
            text.extend_from_slice(&names.replace(line.section, line.text));
        }
        text.push(b'\n');
    }
    push_end(&mut text, frame.sections.len());
    Ok(Redacted {
        text,
        addresses: replaced.len(),
        has_comments,
    })
}

/// A line of the file, and the section that it is in.
struct Line<'a> {
    section: Option<SectionName>,
    text: &'a [u8],
}

impl Line<'_> {
    /// Whether addresses of hosts are looked for: what looks like one in the number of a version is none.
    fn has_addresses(&self) -> bool {
        use SectionName as Of;
        let of_programs = [
            Of::Hostname,
            Of::Kernel,
            Of::System,
            Of::Time,
            Of::Versions,
            Of::Modules,
            Of::Parameters,
        ];
        self.is_answer() && !self.section.is_some_and(|of| of_programs.contains(&of))
    }

    fn is_answer(&self) -> bool {
        matches!(self.text.first(), Some(b'|' | b'!'))
    }

    /// Whether it is a rule with a comment of iptables, nft or ipset.
    fn has_comment(&self) -> bool {
        let is_rule = self
            .section
            .is_some_and(|of| of.is_text() && of != SectionName::FtpConfig);
        let comment = b"comment ";
        is_rule && self.is_answer() && self.text.windows(comment.len()).any(|it| it == comment)
    }
}

/// All lines but the last, which tells of the others.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let before = before_end(bytes);
    let before = before.strip_suffix(b"\n").unwrap_or(before);
    let lines = before.split(|byte| *byte == b'\n');
    lines.scan(None, |section, text| {
        if let Some(heading) = text.strip_prefix(b"== ") {
            let word = heading.split(|byte| *byte == b' ').next();
            let word = word.and_then(|word| std::str::from_utf8(word).ok());
            *section = word.and_then(|word| word.parse().ok());
        }
        Some(Line {
            section: *section,
            text,
        })
    })
}
