//! Addresses in a line of text.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

/// An address, and what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// The bytes of the line that it is.
    pub(super) span: Range<usize>,
    pub(super) address: IpAddr,
    /// The length of a prefix that follows: `/24`, or `/255.255.255.0`.
    pub(super) length: Option<u32>,
    /// Both ends of the range that it is an end of: `10.0.0.1-10.0.0.9`.
    pub(super) range: Option<(IpAddr, IpAddr)>,
}

/// The addresses of a line. Nothing else is one, whatever it looks like: a word that has letters beside, as a version's
/// number, or a card's address.
pub(super) fn tokens(line: &[u8]) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < line.len() {
        if !is_of_address(line[at]) {
            at += 1;
            continue;
        }
        let length = line[at..].iter().position(|byte| !is_of_address(*byte));
        let end = length.map_or(line.len(), |length| at + length);
        let is_beside = |byte: Option<&u8>| {
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        };
        let before = at.checked_sub(1).and_then(|before| line.get(before));
        if !is_beside(before) && !is_beside(line.get(end)) {
            for (span, address) in of_word(line, at..end) {
                tokens.push(Token {
                    length: prefix(&line[span.end..]),
                    span,
                    address,
                    range: None,
                });
            }
        }
        at = end;
    }
    for at in 1..tokens.len() {
        let (low, high) = (&tokens[at - 1], &tokens[at]);
        let between = line.get(low.span.end..high.span.start);
        if between == Some(b"-".as_slice()) {
            let range = Some((low.address, high.address));
            tokens[at - 1].range = range;
            tokens[at].range = range;
        }
    }
    tokens
}

fn is_of_address(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

/// The addresses in a word of hexadecimal digits, dots and colons: one, or one of IPv4 and a port.
fn of_word(line: &[u8], span: Range<usize>) -> Vec<(Range<usize>, IpAddr)> {
    let Ok(word) = std::str::from_utf8(&line[span.clone()]) else {
        return Vec::new();
    };
    if is_of_card(word) {
        return Vec::new();
    }
    // At the end of a sentence, or before an explanation.
    for word in [word, word.trim_end_matches(['.', ':'])] {
        if let Ok(address) = word.parse() {
            return vec![(span.start..span.start + word.len(), address)];
        }
    }
    let mut start = span.start;
    let mut found = Vec::new();
    for part in word.split(':') {
        if let Ok(address) = part.parse::<Ipv4Addr>() {
            found.push((start..start + part.len(), address.into()));
        }
        start += part.len() + 1;
    }
    found
}

/// Whether it is the address of a card, of 8 bytes with two digits each: it could be one of IPv6.
fn is_of_card(word: &str) -> bool {
    word.split(':').count() == 8 && word.split(':').all(|byte| byte.len() == 2)
}

/// The length of the prefix that text begins with, behind a `/`.
fn prefix(text: &[u8]) -> Option<u32> {
    let rest = text.strip_prefix(b"/")?;
    let is_other = |byte: &u8| !byte.is_ascii_digit() && *byte != b'.';
    let end = rest.iter().position(is_other).unwrap_or(rest.len());
    let word = std::str::from_utf8(&rest[..end]).ok()?;
    if let Ok(length) = word.parse::<u32>() {
        return (length <= 128).then_some(length);
    }
    let mask = word.parse::<Ipv4Addr>().ok()?.to_bits();
    let length = mask.leading_ones();
    (mask.count_ones() == length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        let tokens = tokens(line.as_bytes());
        let shown = tokens.iter().map(|token| {
            let length = token.length.map(|length| format!("/{length}"));
            format!(
                "{}{}",
                &line[token.span.clone()],
                length.unwrap_or_default()
            )
        });
        shown.collect()
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        for (line, addresses) in [
            ("-A INPUT -s 8.8.8.8/32 -j DROP", vec!["8.8.8.8/32"]),
            ("--to-destination 8.8.8.8:21-30", vec!["8.8.8.8"]),
            ("--to-destination [2a00::1]:21", vec!["2a00::1"]),
            (
                "-s 8.8.0.0/255.255.0.0 x",
                vec!["8.8.0.0/16", "255.255.0.0"],
            ),
            (
                "elements = { 8.8.8.8, 2a00::/32 }",
                vec!["8.8.8.8", "2a00::/32"],
            ),
            ("\"local\":\"8.8.8.8\",\"prefixlen\":24", vec!["8.8.8.8"]),
            ("pasv_address=8.8.8.8", vec!["8.8.8.8"]),
            ("from 8.8.8.8. And 9.9.9.9: x", vec!["8.8.8.8", "9.9.9.9"]),
            ("via fe80::1%eth0", vec!["fe80::1"]),
            ("::", vec!["::"]),
        ] {
            assert_eq!(found(line), addresses, "{line}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for line in [
            "iptables-save v1.8.9.1",
            "link/ether 7a:47:2a:ff:88:5d brd ff:ff:ff:ff:ff:ff",
            "7a:47:2a:ff:88:5d:00:01",
            "23:16:11 2026",
            "1.2.3 256.1.1.1 1.2.3.4.5",
            "eth1.2.3.4x x_1.2.3.4",
            "tcp:21",
            "dead beef 10",
        ] {
            assert_eq!(found(line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn a_range_is_known_at_both_ends() {
        let tokens = tokens(b"8.8.8.1-8.8.8.9:1024-2048 9.9.9.9");
        let ranges: Vec<bool> = tokens.iter().map(|token| token.range.is_some()).collect();
        assert_eq!(ranges, [true, true, false]);
    }
}
