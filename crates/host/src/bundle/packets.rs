//! Packets in a bundle: a pcapng file a cell, in lines of base64, since a bundle is text.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The most cells that a number names.
const MAX_CELLS: usize = 1 << 17;

/// How long a line is, in bytes of the file.
const LINE: usize = 57;

/// How pcapng begins: the type of its first block.
const BEGIN: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Whether this may be a cell's packets.
pub(super) fn is_pcapng(bytes: &[u8]) -> bool {
    bytes.starts_with(&BEGIN)
}

/// The lines of a file.
pub(super) fn encoded(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.chunks(LINE).map(|line| BASE64_STANDARD.encode(line));
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}

/// The file of these lines; nothing where they are none.
pub(super) fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for line in text.split(|byte| *byte == b'\n') {
        bytes.extend(BASE64_STANDARD.decode(line).ok()?);
    }
    is_pcapng(&bytes).then_some(bytes)
}

/// The record's place that a heading names, from its number, 1 for the first.
pub(super) fn place(number: &str) -> Option<usize> {
    let place: usize = number.parse().ok()?;
    let is_written_so = place.to_string() == number && place <= MAX_CELLS;
    place.checked_sub(1).filter(|_| is_written_so)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_nothing_else() {
        let file = [&BEGIN[..], &[7; 200]].concat();
        let lines = encoded(&file);
        assert!(
            lines
                .split(|byte| *byte == b'\n')
                .all(|line| line.len() <= 76)
        );
        assert_eq!(decoded(&lines), Some(file));
        for text in ["", "Cg0NCg=", "Cg0NCg==\r", "AAAAAAAA", "Cg0N Cg=="] {
            assert_eq!(decoded(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_place_is_written_in_one_way() {
        assert_eq!(place("1"), Some(0));
        for number in [
            "0",
            "01",
            "+1",
            "",
            "x",
            "131073",
            "99999999999999999999999",
        ] {
            assert_eq!(place(number), None, "{number}");
        }
    }
}
