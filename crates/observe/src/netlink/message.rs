use super::Attributes;

/// A netlink message as it was received.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// A message of an nfnetlink subsystem.
    Netfilter {
        /// The subsystem.
        subsystem: u8,
        /// The subsystem's own message number.
        kind: u8,
        /// The netlink header's flags.
        flags: u16,
        /// The address family, of the table or of the flow.
        family: u8,
        /// What it says.
        attributes: Attributes<'a>,
    },
    /// An answer to a request: 0 or a negated errno.
    Answer(i32),
    /// The end of a dump.
    Done {
        /// The netlink header's flags.
        flags: u16,
    },
}

/// Walks over the messages of a datagram; ends at the first that does not fit.
#[derive(Debug)]
pub(crate) struct Messages<'a>(&'a [u8]);

impl<'a> Messages<'a> {
    pub(crate) fn new(datagram: &'a [u8]) -> Self {
        Self(datagram)
    }
}

/// Length of `struct nlmsghdr`.
const HEADER: usize = 16;
/// Length of `struct nfgenmsg`.
const NETFILTER_HEADER: usize = 4;
/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
/// `NLMSG_DONE`.
const DONE: u16 = 3;
/// Below this number a message belongs to netlink itself (`NLMSG_MIN_TYPE`).
const FIRST_OWN: u16 = 0x10;

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        loop {
            let (header, _) = self.0.split_first_chunk::<HEADER>()?;
            let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
            let kind = u16::from_ne_bytes([header[4], header[5]]);
            let flags = u16::from_ne_bytes([header[6], header[7]]);
            let payload = self.0.get(HEADER..length)?;
            self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
            match kind {
                ERROR => {
                    let code = payload
                        .first_chunk()
                        .map(|code| i32::from_ne_bytes(*code))?;
                    return Some(Message::Answer(code));
                }
                DONE => return Some(Message::Done { flags }),
                0..FIRST_OWN => {}
                _ => {
                    let attributes = Attributes::new(payload.get(NETFILTER_HEADER..)?);
                    let [kind, subsystem] = kind.to_le_bytes();
                    return Some(Message::Netfilter {
                        subsystem,
                        kind,
                        flags,
                        family: payload[0],
                        attributes,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::{Builder, kind};
    use proptest::prelude::*;

    #[test]
    fn two_messages_in_one_datagram() {
        let mut builder = Builder::default();
        builder
            .message(kind(10, 17), 0, 2, 0, |body| {
                body.be32(6, 1);
            })
            .message(kind(1, 0), 0x600, 10, 0, |_| {});
        let seen: Vec<_> = Messages::new(builder.as_bytes())
            .map(|message| match message {
                Message::Netfilter {
                    subsystem,
                    kind,
                    flags,
                    family,
                    attributes,
                } => (subsystem, kind, flags, family, attributes.count()),
                other => panic!("not a netfilter message: {other:?}"),
            })
            .collect();
        assert_eq!(seen, [(10, 17, 0x001, 2, 1), (1, 0, 0x601, 10, 0)]);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            prop_assert!(Messages::new(&bytes).count() <= bytes.len() / HEADER);
        }
    }
}
