use super::batch::HEADER;

/// Walks over the messages of a datagram; ends at the first that does not fit.
#[derive(Debug, Clone)]
pub struct Messages<'a>(&'a [u8]);

impl<'a> Messages<'a> {
    /// Those in these bytes.
    pub fn new(datagram: &'a [u8]) -> Messages<'a> {
        Messages(datagram)
    }
}

/// A message as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// Its type.
    pub kind: u16,
    /// The netlink header's flags.
    pub flags: u16,
    pub(super) sequence: u32,
    /// What stands behind the netlink header.
    pub body: &'a [u8],
}

impl<'a> Iterator for Messages<'a> {
    type Item = Received<'a>;

    fn next(&mut self) -> Option<Received<'a>> {
        let (header, _) = self.0.split_first_chunk::<HEADER>()?;
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let body = self.0.get(HEADER..length)?;
        let received = Received {
            kind: u16::from_ne_bytes([header[4], header[5]]),
            flags: u16::from_ne_bytes([header[6], header[7]]),
            sequence: u32::from_ne_bytes([header[8], header[9], header[10], header[11]]),
            body,
        };
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(received)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::netlink::{Batch, flags, kind};

    #[test]
    fn two_messages_in_one_datagram() {
        let mut batch = Batch::default();
        batch.netfilter(kind(10, 17), 0, 2, "trace", |body| {
            body.be32(6, 1);
        });
        batch.netfilter(kind(1, 0), 0x600, 10, "track", |_| {});
        let seen: Vec<_> = Messages::new(batch.finish())
            .map(|message| message.netfilter().expect("a message of netfilter"))
            .map(|it| {
                let attributes = it.attributes.count();
                (it.subsystem, it.kind, it.flags, it.family, attributes)
            })
            .collect();
        let last = 0x601 | flags::ACKNOWLEDGED;
        assert_eq!(seen, [(10, 17, 0x001, 2, 1), (1, 0, last, 10, 0)]);
    }

    #[test]
    fn what_is_netlink_s_own_is_not_netfilter_s() {
        let mut batch = Batch::default();
        batch.push(3, 0, "end", |body| {
            body.raw(&[0; 4]);
        });
        batch.push(0x102, 0, "be short", |_| {});
        let mut messages = Messages::new(batch.finish());
        assert!(messages.all(|message| message.netfilter().is_none()));
    }

    #[test]
    fn a_length_that_lies_ends_the_walk() {
        let mut bytes = vec![0u8; 20];
        for length in [4096u32, 3] {
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            assert!(Messages::new(&bytes).next().is_none(), "length {length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            prop_assert!(Messages::new(&bytes).count() <= bytes.len() / HEADER);
        }
    }
}
