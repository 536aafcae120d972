/// Where TLS records begin and end among the bytes of one direction (RFC 8446 section
/// 5.1): a header of five bytes, the last two of which are the length of the rest.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordBounds {
    header: [u8; 5],
    /// How much of a header is known.
    known: usize,
    /// How much of the record behind the header is to come.
    rest: usize,
}

impl RecordBounds {
    /// How many bytes there are up to the end of a header or of a record: never none.
    pub(crate) fn to_next(&self) -> usize {
        match self.rest {
            0 => self.header.len() - self.known,
            rest => rest,
        }
    }

    /// Whether the next byte is the first of a record.
    pub(crate) fn is_between(&self) -> bool {
        self.known == 0 && self.rest == 0
    }

    /// Passes over the next bytes: no more than [`RecordBounds::to_next`].
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        if self.rest > 0 {
            self.rest -= bytes.len();
            return;
        }
        self.header[self.known..self.known + bytes.len()].copy_from_slice(bytes);
        self.known += bytes.len();
        if self.known == self.header.len() {
            let [.., high, low] = self.header;
            self.known = 0;
            self.rest = usize::from(u16::from_be_bytes([high, low]));
        }
    }
}
