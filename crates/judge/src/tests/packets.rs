//! Packets, and what stops them.

use std::net::SocketAddr;

use fwlab_record::{Backend, ChainId, Family, Flow, Packet, RuleId, RuleOrdinal, TcpFlags};

use crate::StoppedBy;

pub(super) const SYN: u8 = TcpFlags::SYN;
pub(super) const SYN_ACK: u8 = TcpFlags::SYN | TcpFlags::ACK;
pub(super) const ACK: u8 = TcpFlags::ACK;
pub(super) const RST: u8 = TcpFlags::RST | TcpFlags::ACK;

pub(super) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address and port")
}

pub(super) fn flow(from: &str, to: &str) -> Flow {
    Flow {
        from: address(from),
        to: address(to),
    }
}

pub(super) fn control() -> Flow {
    flow("10.0.0.2:40000", "10.0.0.1:21")
}

pub(super) fn tcp(flow: Flow, flags: u8, sequence: u32, payload: u32) -> Packet {
    Packet::Tcp {
        flow,
        flags: TcpFlags(flags),
        sequence,
        acknowledgement: 0,
        payload,
    }
}

/// Each side of each connection has a first sequence number of its own.
pub(super) fn first(flow: Flow) -> u32 {
    u32::from(flow.from.port()) << 16 | u32::from(flow.to.port())
}

pub(super) fn syn(flow: Flow) -> Packet {
    tcp(flow, SYN, first(flow), 0)
}

/// What answers the SYN of that flow.
pub(super) fn syn_ack(flow: Flow) -> Packet {
    let back = flow.reversed();
    tcp(back, SYN_ACK, first(back), 0)
}

fn chain() -> ChainId {
    ChainId {
        family: Family::Ipv4.into(),
        table: "filter".into(),
        chain: "INPUT".into(),
    }
}

pub(super) fn policy() -> StoppedBy {
    StoppedBy::Policy {
        backend: Backend::Nft,
        chain: chain(),
        source_line: None,
        source_file: None,
        statement: "-P INPUT DROP".into(),
    }
}

pub(super) fn rule(ordinal: u32) -> StoppedBy {
    StoppedBy::Rule {
        backend: Backend::Nft,
        rule: RuleId {
            chain: chain(),
            ordinal: RuleOrdinal(ordinal),
        },
        source_line: None,
        source_file: None,
        statement: "-j DROP".into(),
    }
}
