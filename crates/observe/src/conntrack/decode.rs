use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Change, ConntrackEvent, ExpectationEvent};
use crate::names::Names;
use fwlab_fabric::netlink::{Attributes, be16, be32, byte, flags, text};
use fwlab_record::Tuple;

// `enum ctattr_type` and its like in `include/uapi/linux/netfilter/nfnetlink_conntrack.h`.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const HELPER: u16 = 5;
const MARK: u16 = 8;
const MASTER: u16 = 14;

const HELPER_NAME: u16 = 1;

const TUPLE_ADDRESSES: u16 = 1;
const TUPLE_PROTOCOL: u16 = 2;
const IPV4_FROM: u16 = 1;
const IPV4_TO: u16 = 2;
const IPV6_FROM: u16 = 3;
const IPV6_TO: u16 = 4;
const PROTOCOL_NUMBER: u16 = 1;
const PORT_FROM: u16 = 2;
const PORT_TO: u16 = 3;

const EXPECT_MASTER: u16 = 1;
const EXPECT_TUPLE: u16 = 2;
const EXPECT_MASK: u16 = 3;
const EXPECT_HELPER: u16 = 6;

/// `IPCTNL_MSG_CT_NEW` and `IPCTNL_MSG_EXP_NEW`; `…_DELETE` is 2.
const NEW: u8 = 0;
const DELETE: u8 = 2;

/// An update bears the message number of a new entry, without the flags of one.
fn change(kind: u8, header_flags: u16) -> Option<Change> {
    match kind {
        NEW if header_flags & flags::CREATE != 0 => Some(Change::New),
        NEW => Some(Change::Update),
        DELETE => Some(Change::Destroy),
        _ => None,
    }
}

/// Reads a message about a connection.
pub(crate) fn connection(
    kind: u8,
    header_flags: u16,
    attributes: Attributes<'_>,
    names: &mut Names,
) -> Option<ConntrackEvent> {
    let (mut original, mut reply) = (None, None);
    let (mut helper, mut mark, mut master) = (None, None, None);
    for (attribute, value) in attributes {
        match attribute {
            ORIGINAL => original = tuple(value),
            REPLY => reply = tuple(value),
            MARK => mark = be32(value),
            HELPER => {
                helper = Attributes::new(value)
                    .find(HELPER_NAME)
                    .and_then(text)
                    .map(|name| names.get(name))
            }
            MASTER => master = tuple(value),
            _ => {}
        }
    }
    Some(ConntrackEvent {
        change: change(kind, header_flags)?,
        original: original?,
        reply,
        helper,
        mark,
        master,
    })
}

/// Reads a message about an expectation.
pub(crate) fn expectation(
    kind: u8,
    header_flags: u16,
    attributes: Attributes<'_>,
    names: &mut Names,
) -> Option<ExpectationEvent> {
    let (mut expected, mut mask, mut master, mut helper) = (None, None, None, None);
    for (attribute, value) in attributes {
        match attribute {
            EXPECT_MASTER => master = tuple(value),
            EXPECT_TUPLE => expected = tuple(value),
            EXPECT_MASK => mask = tuple(value),
            EXPECT_HELPER => helper = text(value).map(|name| names.get(name)),
            _ => {}
        }
    }
    Some(ExpectationEvent {
        change: change(kind, header_flags)?,
        tuple: expected?,
        mask: mask?,
        master: master?,
        helper,
    })
}

fn tuple(value: &[u8]) -> Option<Tuple> {
    let (mut from, mut to, mut protocol) = (None, None, None);
    let (mut port_from, mut port_to) = (None, None);
    for (attribute, value) in Attributes::new(value) {
        match attribute {
            TUPLE_ADDRESSES => {
                for (attribute, value) in Attributes::new(value) {
                    match attribute {
                        IPV4_FROM | IPV6_FROM => from = address(value),
                        IPV4_TO | IPV6_TO => to = address(value),
                        _ => {}
                    }
                }
            }
            TUPLE_PROTOCOL => {
                for (attribute, value) in Attributes::new(value) {
                    match attribute {
                        PROTOCOL_NUMBER => protocol = byte(value),
                        PORT_FROM => port_from = be16(value),
                        PORT_TO => port_to = be16(value),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Some(Tuple {
        from: from?,
        to: to?,
        protocol: protocol?,
        ports: port_from.zip(port_to),
    })
}

fn address(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => value
            .first_chunk()
            .map(|octets: &[u8; 4]| Ipv4Addr::from(*octets).into()),
        16 => value
            .first_chunk()
            .map(|octets: &[u8; 16]| Ipv6Addr::from(*octets).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fwlab_fabric::netlink::Body;
    use proptest::prelude::*;

    fn put_tuple(body: &mut Body, kind: u16, from: [u8; 4], to: [u8; 4], ports: (u16, u16)) {
        body.nested(kind, |tuple| {
            tuple.nested(TUPLE_ADDRESSES, |addresses| {
                addresses.bytes(IPV4_FROM, &from).bytes(IPV4_TO, &to);
            });
            tuple.nested(TUPLE_PROTOCOL, |protocol| {
                protocol
                    .byte(PROTOCOL_NUMBER, 6)
                    .be16(PORT_FROM, ports.0)
                    .be16(PORT_TO, ports.1);
            });
        });
    }

    #[test]
    fn an_expectation_with_its_master() {
        let (client, server) = ([192, 168, 0, 211], [192, 168, 0, 201]);
        let mut body = Body::default();
        put_tuple(&mut body, EXPECT_MASTER, client, server, (40000, 21));
        put_tuple(&mut body, EXPECT_TUPLE, server, client, (0, 45623));
        put_tuple(&mut body, EXPECT_MASK, [255; 4], [255; 4], (0, 65535));
        body.text(EXPECT_HELPER, "ftp");
        let bytes = body.into_bytes();
        let event = expectation(
            NEW,
            flags::CREATE,
            Attributes::new(&bytes),
            &mut Names::default(),
        )
        .expect("a whole expectation");
        assert_eq!(event.change, Change::New);
        assert_eq!(
            event.master.to_string(),
            "192.168.0.211:40000 → 192.168.0.201:21"
        );
        assert_eq!(
            event.tuple.to_string(),
            "192.168.0.201:* → 192.168.0.211:45623"
        );
        assert_eq!(event.helper.as_deref(), Some("ftp"));
        let first = Tuple {
            ports: Some((20, 45623)),
            ..event.tuple
        };
        assert!(event.expects(&first));
    }

    #[test]
    fn new_update_and_destroy_are_told_apart() {
        assert_eq!(change(NEW, flags::CREATE | 0x200), Some(Change::New));
        assert_eq!(change(NEW, 0), Some(Change::Update));
        assert_eq!(change(DELETE, 0), Some(Change::Destroy));
        assert_eq!(change(1, 0), None);
    }

    proptest! {
        #[test]
        fn any_attributes_are_read_or_refused(
            attributes in proptest::collection::vec(
                (0u16..20, proptest::collection::vec((0u16..6, proptest::collection::vec(any::<u8>(), 0..20)), 0..4)),
                0..12
            ),
        ) {
            let mut body = Body::default();
            for (kind, inside) in &attributes {
                body.nested(*kind, |body| {
                    for (kind, value) in inside {
                        body.bytes(*kind, value);
                    }
                });
            }
            let bytes = body.into_bytes();
            let _ = connection(NEW, 0, Attributes::new(&bytes), &mut Names::default());
            let _ = expectation(NEW, 0, Attributes::new(&bytes), &mut Names::default());
        }
    }
}
