//! What reads the kernel's bytes, for the fuzz targets of `fuzz/`: each function takes any bytes and
//! asserts what must hold of what is read from them.

use std::time::Instant;

use fwlab_record::{NodeName, Packet};
use tokio::sync::mpsc::unbounded_channel;

use crate::decoder::Decoder;
use crate::headers::Headers;
use crate::log::Record;
use crate::names::Names;
use crate::settings::ObserverSettings;
use crate::trace::{LegacyPlace, NftMessage};
use crate::{NftRules, capture, conntrack};
use fwlab_fabric::netlink::{Attributes, Messages, Netfilter, Received, flags};

/// Datagrams one after the other: each behind two bytes of its length, lower first, or up to the end of the input.
pub fn datagrams(mut bytes: &[u8]) {
    let (sender, mut events) = unbounded_channel();
    let node = NodeName::server().into();
    let mut decoder = Decoder::new(node, &ObserverSettings::default(), "fwlab ".into(), sender);
    let mut rules = NftRules::default();
    let mut names = Names::default();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (datagram, rest) = rest.split_at(length);
        bytes = rest;
        decoder.messages(datagram, Instant::now());
        let mut read = 0;
        for message in Messages::new(datagram) {
            read += 1;
            if let Some(Netfilter {
                family, attributes, ..
            }) = message.netfilter()
            {
                within(&attributes, datagram);
                let before = rules.len();
                rules.take(family, attributes, &mut names);
                assert!(rules.len() <= before + 1, "a message is one rule at most");
            }
        }
        let mut told = 0;
        while events.try_recv().is_ok() {
            told += 1;
        }
        assert!(told <= read, "{told} events of {read} messages");
        // A datagram that was cut off has the same messages up to the cut.
        let cut = &datagram[..length - length / 3];
        let numbers = |bytes| Messages::new(bytes).map(number).collect::<Vec<_>>();
        let whole = numbers(datagram);
        assert!(whole.starts_with(&numbers(cut)), "a cut has made a message");
    }
    for (chain, handles) in rules.chains() {
        for handle in handles {
            let ordinal = rules.ordinal(chain.family, &chain.table, &chain.chain, *handle);
            assert!(
                ordinal.is_some(),
                "{chain:?} has {handle}, and it is not found"
            );
        }
    }
}

fn number(message: Received<'_>) -> (u16, u16) {
    (message.kind, message.flags)
}

/// Every attribute lies within the bytes, and none in another.
fn within(attributes: &Attributes<'_>, bytes: &[u8]) {
    let mut end = bytes.as_ptr_range().start;
    for (_, value) in attributes.clone() {
        let range = value.as_ptr_range();
        assert!(end <= range.start, "attributes overlap");
        assert!(
            range.end <= bytes.as_ptr_range().end,
            "an attribute is not within its message"
        );
        end = range.end;
    }
}

/// The attributes of a trace message.
pub fn trace(family: u8, bytes: &[u8]) {
    let attributes = Attributes::new(bytes);
    within(&attributes, bytes);
    let Some(message) = NftMessage::read(family, attributes) else {
        return;
    };
    for name in [message.table, message.chain] {
        let range = name.as_bytes().as_ptr_range();
        assert!(bytes.as_ptr_range().start <= range.start && range.end <= bytes.as_ptr_range().end);
        assert!(!name.contains('\0'), "a name goes beyond its end");
    }
    // It may be cut off anywhere.
    for cut in (0..bytes.len()).step_by(7) {
        let _ = NftMessage::read(family, Attributes::new(&bytes[..cut]));
    }
}

/// The attributes of a message of conntrack. Of `kind` the lowest two bits are the number of the message, and the
/// third says that an entry is new.
pub fn conntrack(kind: u8, bytes: &[u8]) {
    within(&Attributes::new(bytes), bytes);
    let flags = if kind & 4 != 0 { flags::CREATE } else { 0 };
    let mut names = Names::default();
    let connection = conntrack::connection(kind & 3, flags, Attributes::new(bytes), &mut names);
    if let Some(connection) = connection {
        let _ = format!("{connection:?} {}", connection.original);
    }
    let expectation = conntrack::expectation(kind & 3, flags, Attributes::new(bytes), &mut names);
    if let Some(expectation) = expectation {
        let _ = format!("{expectation:?} {}", expectation.tuple);
        let _ = expectation.expects(&expectation.tuple);
    }
}

/// The attributes of a record of nfnetlink_log.
pub fn log(family: u8, bytes: &[u8]) {
    let attributes = Attributes::new(bytes);
    within(&attributes, bytes);
    let Some(record) = Record::read(family, attributes) else {
        return;
    };
    assert!(
        !record.prefix.contains('\0'),
        "a prefix goes beyond its end"
    );
    if let Some(place) = LegacyPlace::read(record.prefix) {
        for part in [place.table, place.chain] {
            assert!(record.prefix.contains(part));
        }
    }
    let _ = conntrack::ConntrackLog::read(record.prefix);
}

/// A packet from its IP header on.
pub fn headers(bytes: &[u8]) {
    let headers = Headers::read(bytes);
    if let Some(headers) = headers {
        if let Packet::Tcp { payload, .. } = headers.packet {
            assert!(
                payload <= u32::from(u16::MAX),
                "more than a packet's length can say"
            );
            // Its payload says nothing of the headers.
            if let Some(cut) = bytes.get(..headers.payload_at) {
                assert_eq!(Headers::read(cut), Some(headers));
            }
        } else {
            assert_eq!(headers.payload_at, 0);
        }
        let _ = headers.packet.to_string();
    }
    let (network, transport) = bytes.split_at(bytes.len().min(40));
    let _ = Headers::read_apart(network, transport);
    let port = bytes
        .get(20..22)
        .map_or(21, |port| u16::from_be_bytes([port[0], port[1]]));
    if let Some((packet, payload)) = capture::read(bytes, &[21, port]) {
        assert_eq!(Some(packet), headers.map(|headers| headers.packet));
        if let Packet::Tcp {
            payload: length, ..
        } = packet
        {
            assert!(payload.len() <= length as usize);
        }
        assert!(payload.is_empty() || bytes.windows(payload.len()).any(|part| part == payload));
    }
}
