use fwlab_record::{ConntrackState, Family, TableFamily};

use super::table_family;
use crate::conntrack::state_from_bits;
use crate::headers::Headers;
use fwlab_fabric::netlink::{Attributes, be32, be64, family, signed_be32, text};

/// NFT_MSG_TRACE, decoded (`enum nft_trace_attributes` in `include/uapi/linux/netfilter/nf_tables.h`).
#[derive(Debug)]
pub(crate) struct NftMessage<'a> {
    pub(crate) id: u32,
    pub(crate) table_family: TableFamily,
    /// What the hook says; nothing in a hook of a device, which sees every family.
    pub(crate) family: Option<Family>,
    pub(crate) table: &'a str,
    pub(crate) chain: &'a str,
    pub(crate) step: NftStep<'a>,
    /// In the first message of a packet in a chain, then no more until the next chain.
    pub(crate) headers: Option<Headers>,
    pub(crate) input: Option<u32>,
    pub(crate) output: Option<u32>,
    pub(crate) state: Option<ConntrackState>,
}

/// What a trace message reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NftStep<'a> {
    /// A rule matched.
    Rule {
        handle: u64,
        code: i32,
        chain: &'a str,
    },
    /// No rule of the chain ended it: the policy did.
    Policy { code: i32 },
    /// The end of a chain was reached. No rule's doing; it may bear the headers.
    End,
}

const TABLE: u16 = 1;
const CHAIN: u16 = 2;
const RULE_HANDLE: u16 = 3;
const TYPE: u16 = 4;
const VERDICT: u16 = 5;
const ID: u16 = 6;
const NETWORK_HEADER: u16 = 8;
const TRANSPORT_HEADER: u16 = 9;
const INPUT: u16 = 10;
const OUTPUT: u16 = 12;
const NFPROTO: u16 = 15;
const POLICY: u16 = 16;
const CONNTRACK_STATE: u16 = 21;

/// `NFT_TRACETYPE_POLICY`; a message of type return or rule is told apart by its handle.
const TYPE_POLICY: u32 = 1;

/// `NFTA_VERDICT_CODE` and `NFTA_VERDICT_CHAIN`.
const VERDICT_CODE: u16 = 1;
const VERDICT_CHAIN: u16 = 2;

impl<'a> NftMessage<'a> {
    /// Reads a message; `None` when it is not about an IP packet or lacks what every trace message has.
    pub(crate) fn read(family_of_table: u8, attributes: Attributes<'a>) -> Option<NftMessage<'a>> {
        let (mut id, mut table, mut chain, mut kind) = (None, None, None, None);
        let (mut handle, mut code, mut target, mut policy) = (None, None, "", None);
        let (mut network, mut transport, mut protocol) = (None, &[][..], None);
        let (mut input, mut output) = (None, None);
        let mut state = None;
        for (attribute, value) in attributes {
            match attribute {
                TABLE => table = text(value),
                CHAIN => chain = text(value),
                RULE_HANDLE => handle = be64(value),
                TYPE => kind = be32(value),
                VERDICT => {
                    for (attribute, value) in Attributes::new(value) {
                        match attribute {
                            VERDICT_CODE => code = signed_be32(value),
                            VERDICT_CHAIN => target = text(value).unwrap_or_default(),
                            _ => {}
                        }
                    }
                }
                ID => id = be32(value),
                NETWORK_HEADER => network = Some(value),
                TRANSPORT_HEADER => transport = value,
                INPUT => input = be32(value),
                OUTPUT => output = be32(value),
                NFPROTO => protocol = be32(value),
                POLICY => policy = signed_be32(value),
                CONNTRACK_STATE => state = be32(value).map(state_from_bits),
                _ => {}
            }
        }
        let step = match (kind?, handle, code) {
            (TYPE_POLICY, ..) => NftStep::Policy { code: policy? },
            (_, Some(handle), Some(code)) => NftStep::Rule {
                handle,
                code,
                chain: target,
            },
            _ => NftStep::End,
        };
        let family = match u8::try_from(protocol?).ok()? {
            family::IPV4 => Some(Family::Ipv4),
            family::IPV6 => Some(Family::Ipv6),
            _ => None,
        };
        Some(NftMessage {
            id: id?,
            table_family: table_family(family_of_table)?,
            family,
            table: table?,
            chain: chain?,
            step,
            headers: network.and_then(|network| Headers::read_apart(network, transport)),
            input,
            output,
            state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_attributes_are_read_or_refused(
            attributes in proptest::collection::vec(
                (0u16..24, proptest::collection::vec(any::<u8>(), 0..48)), 0..24
            ),
            cut in 0usize..512,
        ) {
            let mut body = fwlab_fabric::netlink::Body::default();
            for (kind, value) in &attributes {
                body.bytes(*kind, value);
            }
            let bytes = body.into_bytes();
            let _ = NftMessage::read(1, Attributes::new(&bytes));
            let _ = NftMessage::read(2, Attributes::new(&bytes[..cut.min(bytes.len())]));
        }
    }
}
