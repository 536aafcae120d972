use fwlab_record::{ConntrackState, Family};

use crate::conntrack::state_from_info;
use crate::headers::Headers;
use fwlab_fabric::netlink::{Attributes, be32, family, text};

/// What is logged about a packet (`enum nfulnl_attr_type` in `include/uapi/linux/netfilter/nfnetlink_log.h`).
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) family: Family,
    /// What the kernel says of the packet.
    pub(crate) prefix: &'a str,
    pub(crate) headers: Headers,
    /// The packet from its IP header on, cut off somewhere behind its headers.
    pub(crate) bytes: &'a [u8],
    pub(crate) input: Option<u32>,
    pub(crate) output: Option<u32>,
    pub(crate) state: Option<ConntrackState>,
}

const INPUT: u16 = 4;
const OUTPUT: u16 = 5;
const PAYLOAD: u16 = 9;
const PREFIX: u16 = 10;
const CONNTRACK_INFO: u16 = 19;

impl<'a> Record<'a> {
    /// Reads a message; `None` when it is not about an IP packet.
    pub(crate) fn read(family: u8, attributes: Attributes<'a>) -> Option<Record<'a>> {
        let (mut input, mut output, mut payload, mut prefix) = (None, None, None, None);
        let mut state = None;
        for (attribute, value) in attributes {
            match attribute {
                INPUT => input = be32(value),
                OUTPUT => output = be32(value),
                PAYLOAD => payload = Some(value),
                PREFIX => prefix = text(value),
                CONNTRACK_INFO => state = be32(value).map(state_from_info),
                _ => {}
            }
        }
        Some(Record {
            family: match family {
                family::IPV4 => Family::Ipv4,
                family::IPV6 => Family::Ipv6,
                _ => return None,
            },
            prefix: prefix?,
            headers: Headers::read(payload?)?,
            bytes: payload?,
            input,
            output,
            state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::LegacyPlace;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_attributes_are_read_or_refused(
            prefix in "(TRACE: |nf_ct_)[a-z:]{0,12}(:rule:|:return:|: dropping packet: )?[0-9]{0,12} ?",
            attributes in proptest::collection::vec(
                (0u16..22, proptest::collection::vec(any::<u8>(), 0..80)), 0..16
            ),
        ) {
            let mut body = fwlab_fabric::netlink::Body::default();
            for (kind, value) in &attributes {
                body.bytes(*kind, value);
            }
            body.text(PREFIX, &prefix);
            let bytes = body.into_bytes();
            if let Some(record) = Record::read(2, Attributes::new(&bytes)) {
                let _ = LegacyPlace::read(record.prefix);
                let _ = crate::conntrack::ConntrackLog::read(record.prefix);
            }
        }
    }
}
