use super::record_bounds::RecordBounds;

/// Passes over the TLS records of one direction, and notices where they end: after CCC the direction goes on in the clear. A record begins with its type,
/// a number below that of any character that a line of FTP begins with.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    bounds: RecordBounds,
    begun: bool,
    end: End,
    passed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum End {
    /// Records go on.
    #[default]
    NotSeen,
    /// What follows is in the clear.
    Clear,
    /// Where the next record begins is not known: bytes are missing, or none was seen.
    Unknown,
}

/// change_cipher_spec, alert, handshake, application_data, heartbeat.
const TYPES: std::ops::RangeInclusive<u8> = 20..=24;

impl Records {
    /// Whether bytes begin with a record.
    pub(super) fn begin(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|first| TYPES.contains(first))
    }

    /// How many bytes of records it has passed over.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// Takes the next bytes, and gives those of them that are in the clear.
    pub(super) fn pass<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        while let [first, ..] = bytes {
            match self.end {
                End::Clear => return bytes,
                End::Unknown => return &[],
                End::NotSeen => {}
            }
            if self.bounds.is_between() && !TYPES.contains(first) {
                // Without a record before it, it is no end of TLS but something odd.
                self.end = if self.begun { End::Clear } else { End::Unknown };
                continue;
            }
            let (part, rest) = bytes.split_at(bytes.len().min(self.bounds.to_next()));
            self.bounds.pass(part);
            self.passed += part.len() as u64;
            self.begun = true;
            bytes = rest;
        }
        &[]
    }

    /// Bytes are missing.
    pub(super) fn gap(&mut self) {
        if self.end == End::NotSeen {
            self.end = End::Unknown;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An empty record, one of five bytes that look like a line, and a line.
    const STREAM: &[u8] = b"\x16\x03\x01\x00\x00\x17\x03\x03\x00\x05USERxPASV\r\n";

    #[test]
    fn what_follows_a_gap_stays_hidden() {
        let mut records = Records::default();
        assert_eq!(records.pass(&STREAM[..7]), b"");
        records.gap();
        assert_eq!(records.pass(&STREAM[9..]), b"");
        let mut clear = Records::default();
        assert_eq!(clear.pass(STREAM), b"PASV\r\n");
        clear.gap();
        assert_eq!(clear.pass(b"x"), b"x");
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(cut in 0..STREAM.len(), other in 0..STREAM.len()) {
            let (first, last) = (cut.min(other), cut.max(other));
            let mut records = Records::default();
            let mut clear = Vec::new();
            for piece in [&STREAM[..first], &STREAM[first..last], &STREAM[last..]] {
                clear.extend_from_slice(records.pass(piece));
            }
            prop_assert_eq!(clear, b"PASV\r\n");
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            Records::default().pass(&bytes);
        }
    }
}
