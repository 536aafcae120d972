use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use super::links::ip;
use crate::netlink::{Attributes, Batch, NetlinkSocket, Protocol, family, flags, kind, subsystem};

/// A connection that the kernel tracks, as its first packet had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Connection {
    pub(super) protocol: u8,
    pub(super) from: IpAddr,
    pub(super) from_port: u16,
    pub(super) to: IpAddr,
    pub(super) to_port: u16,
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "protocol {} {} port {} → {} port {}",
            self.protocol, self.from, self.from_port, self.to, self.to_port
        )
    }
}

/// The namespace's tracked connections; none where the kernel does not tell.
pub(super) fn connections() -> BTreeSet<Connection> {
    const IPCTNL_MSG_CT_GET: u8 = 1;
    const CTA_TUPLE_ORIG: u16 = 1;
    let mut found = BTreeSet::new();
    let Ok(socket) = NetlinkSocket::open(Protocol::Netfilter) else {
        return found;
    };
    let mut batch = Batch::default();
    let get = kind(subsystem::CONNTRACK, IPCTNL_MSG_CT_GET);
    let purpose = "list connections";
    batch.netfilter(get, flags::DUMP, family::UNSPECIFIED, purpose, |_| {});
    // A refusal shows as no connections, the same before and after.
    drop(socket.exchange(batch, |reply| {
        let tuple = Attributes::after(reply.body, 4).find(CTA_TUPLE_ORIG);
        found.extend(tuple.and_then(connection));
    }));
    found
}

fn connection(tuple: &[u8]) -> Option<Connection> {
    const CTA_TUPLE_IP: u16 = 1;
    const CTA_TUPLE_PROTO: u16 = 2;
    const CTA_IP_V4_SRC: u16 = 1;
    const CTA_IP_V4_DST: u16 = 2;
    const CTA_IP_V6_SRC: u16 = 3;
    const CTA_IP_V6_DST: u16 = 4;
    const CTA_PROTO_NUM: u16 = 1;
    const CTA_PROTO_SRC_PORT: u16 = 2;
    const CTA_PROTO_DST_PORT: u16 = 3;
    let addresses = Attributes::new(tuple).find(CTA_TUPLE_IP)?;
    let protocol = Attributes::new(tuple).find(CTA_TUPLE_PROTO)?;
    let address = |four, six| {
        let found = Attributes::new(addresses).find(four);
        ip(found.or_else(|| Attributes::new(addresses).find(six))?)
    };
    let port = |kind| {
        let bytes = Attributes::new(protocol).find(kind)?;
        Some(u16::from_be_bytes(bytes.get(..2)?.try_into().ok()?))
    };
    Some(Connection {
        protocol: *Attributes::new(protocol).find(CTA_PROTO_NUM)?.first()?,
        from: address(CTA_IP_V4_SRC, CTA_IP_V6_SRC)?,
        from_port: port(CTA_PROTO_SRC_PORT).unwrap_or(0),
        to: address(CTA_IP_V4_DST, CTA_IP_V6_DST)?,
        to_port: port(CTA_PROTO_DST_PORT).unwrap_or(0),
    })
}
