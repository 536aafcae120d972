use super::body::Body;
use super::flags;

/// Length of `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;

/// Requests for one `send`, in order.
#[derive(Debug, Default)]
pub struct Batch {
    body: Body,
    /// What each request is for, for error messages: "add 192.0.2.1/24 to eth0".
    purposes: Vec<String>,
    /// Where the request that is acknowledged begins, and its sequence number.
    last: (usize, u32),
}

impl Batch {
    /// Appends a request; its sequence number is its place in the batch.
    pub fn push(
        &mut self,
        kind: u16,
        flags: u16,
        purpose: impl Into<String>,
        write: impl FnOnce(&mut Body),
    ) {
        self.last = self.append(kind, flags, purpose.into(), write);
    }

    /// Appends a message that is not acknowledged itself: the end of a transaction.
    pub(super) fn push_trailer(&mut self, kind: u16, write: impl FnOnce(&mut Body)) {
        self.append(kind, 0, "end the transaction".to_owned(), write);
    }

    fn append(
        &mut self,
        kind: u16,
        flags: u16,
        purpose: String,
        write: impl FnOnce(&mut Body),
    ) -> (usize, u32) {
        let sequence = u32::try_from(self.purposes.len()).expect("a batch is built by hand");
        self.purposes.push(purpose);
        let bytes = &mut self.body.bytes;
        let start = bytes.len();
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&(flags | flags::REQUEST).to_ne_bytes());
        bytes.extend_from_slice(&sequence.to_ne_bytes());
        bytes.extend_from_slice(&[0; 4]);
        write(&mut self.body);
        let bytes = &mut self.body.bytes;
        let length = u32::try_from(bytes.len() - start).expect("a request is small");
        bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
        (start, sequence)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.purposes.is_empty()
    }

    /// The bytes to send, with an acknowledgement asked of the last request: errors
    /// come in any case, and the kernel works in order, so that one says enough.
    pub(super) fn finish(&mut self) -> &[u8] {
        let at = self.last.0 + 6;
        let bytes = &mut self.body.bytes;
        let asked = u16::from_ne_bytes([bytes[at], bytes[at + 1]]) | flags::ACKNOWLEDGED;
        bytes[at..at + 2].copy_from_slice(&asked.to_ne_bytes());
        bytes
    }

    pub(super) fn last_sequence(&self) -> u32 {
        self.last.1
    }

    pub(super) fn purpose(&self, sequence: u32) -> &str {
        usize::try_from(sequence)
            .ok()
            .and_then(|at| self.purposes.get(at))
            .map_or("do something unknown", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_headers_and_padding_stays_outside_an_attribute() {
        let mut batch = Batch::default();
        batch.push(16, 0, "test", |body| {
            body.nested(1, |inner| {
                inner.text(2, "veth");
            });
        });
        let bytes = batch.finish().to_vec();
        assert_eq!(bytes.len(), 16 + 4 + 4 + 8);
        assert_eq!(bytes[..4], 32u32.to_ne_bytes());
        assert_eq!(bytes[6..8], 5u16.to_ne_bytes());
        assert_eq!(bytes[16..18], 16u16.to_ne_bytes());
        assert_eq!(bytes[20..22], 9u16.to_ne_bytes());
        assert_eq!(&bytes[24..32], b"veth\0\0\0\0");
    }

    #[test]
    fn only_the_last_request_is_acknowledged() {
        let mut batch = Batch::default();
        for _ in 0..2 {
            batch.push(1, 0, "test", |_| {});
        }
        let bytes = batch.finish().to_vec();
        assert_eq!(bytes[6..8], 1u16.to_ne_bytes());
        assert_eq!(bytes[22..24], 5u16.to_ne_bytes());
    }
}
