/// Length of `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;

/// Requests for one `send`, in order.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    /// What each request is for, for error messages: "add 192.0.2.1/24 to eth0".
    purposes: Vec<String>,
    /// Where the request that is acknowledged begins, and its sequence number.
    last: (usize, u32),
}

impl Batch {
    pub(crate) fn new() -> Batch {
        Batch::default()
    }

    /// Appends a request; its sequence number is its place in the batch.
    pub(crate) fn push(
        &mut self,
        kind: u16,
        flags: i32,
        purpose: impl Into<String>,
        body: impl FnOnce(&mut Message<'_>),
    ) {
        self.last = self.append(kind, flags, purpose.into(), body);
    }

    /// Appends a message that is not acknowledged itself: the end of a transaction.
    pub(crate) fn push_trailer(&mut self, kind: u16, body: impl FnOnce(&mut Message<'_>)) {
        let purpose = "end the transaction".to_owned();
        self.append(kind, libc::NLM_F_REQUEST, purpose, body);
    }

    fn append(
        &mut self,
        kind: u16,
        flags: i32,
        purpose: String,
        body: impl FnOnce(&mut Message<'_>),
    ) -> (usize, u32) {
        let sequence = u32::try_from(self.purposes.len()).expect("a batch is built by hand");
        self.purposes.push(purpose);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&flag_bits(flags));
        self.bytes.extend_from_slice(&sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        body(&mut Message {
            bytes: &mut self.bytes,
        });
        let length = u32::try_from(self.bytes.len() - start).expect("a request is small");
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
        (start, sequence)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.purposes.is_empty()
    }

    /// The bytes to send, with an acknowledgement asked of the last request: errors
    /// come in any case, and the kernel works in order, so that one says enough.
    pub(super) fn finish(&mut self) -> &[u8] {
        let flags = self.last.0 + 6;
        let old = u16::from_ne_bytes([self.bytes[flags], self.bytes[flags + 1]]);
        let acknowledged = i32::from(old) | libc::NLM_F_ACK;
        self.bytes[flags..flags + 2].copy_from_slice(&flag_bits(acknowledged));
        &self.bytes
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

fn flag_bits(flags: i32) -> [u8; 2] {
    u16::try_from(flags)
        .expect("netlink flags are 16 bits wide")
        .to_ne_bytes()
}

/// The body of one request.
pub(crate) struct Message<'a> {
    bytes: &'a mut Vec<u8>,
}

impl Message<'_> {
    /// A fixed header, padded to four bytes.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self.pad();
        self
    }

    pub(crate) fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let length = u16::try_from(value.len() + 4).expect("an attribute is below 64 KiB");
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.raw(value)
    }

    pub(crate) fn u32(&mut self, kind: u16, value: u32) -> &mut Self {
        self.attribute(kind, &value.to_ne_bytes())
    }

    /// A string attribute with the NUL that the kernel wants.
    pub(crate) fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        let mut bytes = Vec::with_capacity(value.len() + 1);
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
        self.attribute(kind, &bytes)
    }

    /// An attribute whose value is what `inner` writes.
    pub(crate) fn nest(&mut self, kind: u16, inner: impl FnOnce(&mut Message<'_>)) -> &mut Self {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        inner(&mut Message { bytes: self.bytes });
        let length = u16::try_from(self.bytes.len() - start).expect("a nest is below 64 KiB");
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_headers_and_padding_stays_outside_an_attribute() {
        let mut batch = Batch::new();
        batch.push(16, libc::NLM_F_REQUEST, "test", |message| {
            message.nest(1, |inner| {
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
        let mut batch = Batch::new();
        for _ in 0..2 {
            batch.push(1, libc::NLM_F_REQUEST, "test", |_| {});
        }
        let bytes = batch.finish().to_vec();
        assert_eq!(bytes[6..8], 1u16.to_ne_bytes());
        assert_eq!(bytes[22..24], 5u16.to_ne_bytes());
    }
}
