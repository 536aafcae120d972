//! The conntrack table of a namespace (`nfnetlink_conntrack.h`).

use std::io;
use std::net::{IpAddr, SocketAddr};

use fwlab_record::Flow;

use super::batch::Batch;
use super::body::Body;
use super::netfilter::{family, kind, subsystem};
use super::socket::{NetlinkError, NetlinkSocket, Protocol};

/// `IPCTNL_MSG_CT_GET`.
const GET: u16 = kind(subsystem::CONNTRACK, 1);
/// `IPCTNL_MSG_CT_DELETE`, which without a tuple deletes all.
const DELETE: u16 = kind(subsystem::CONNTRACK, 2);

const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_ADDRESSES: u16 = 1;
const TUPLE_PROTOCOL: u16 = 2;
const PROTOCOL_NUMBER: u16 = 1;
const PORT_FROM: u16 = 2;
const PORT_TO: u16 = 3;

/// The conntrack table of the namespace that it was opened in.
pub(crate) struct Conntrack(NetlinkSocket);

impl Conntrack {
    pub(crate) fn open() -> io::Result<Conntrack> {
        NetlinkSocket::open(Protocol::Netfilter).map(Conntrack)
    }

    /// Forgets every connection.
    pub(crate) fn flush(&self) -> Result<(), NetlinkError> {
        let mut batch = Batch::default();
        let purpose = "flush the conntrack table";
        batch.netfilter(DELETE, 0, family::UNSPECIFIED, purpose, |_| {});
        self.0.exchange(batch, |_| {})
    }

    /// Whether the TCP connection whose first packet goes this way is known. One whose time is up
    /// is not: asking for it makes the kernel clear it away.
    pub(crate) fn knows(&self, flow: Flow) -> Result<bool, NetlinkError> {
        let mut batch = Batch::default();
        let purpose = format!("look up the connection {flow}");
        let family = match flow.from {
            SocketAddr::V4(_) => family::IPV4,
            SocketAddr::V6(_) => family::IPV6,
        };
        batch.netfilter(GET, 0, family, purpose, |body| {
            body.nested(TUPLE_ORIGINAL, |tuple| write(tuple, flow));
        });
        match self.0.exchange(batch, |_| {}) {
            Ok(()) => Ok(true),
            Err(error) if error.source.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn write(tuple: &mut Body, flow: Flow) {
    tuple.nested(TUPLE_ADDRESSES, |addresses| {
        for (at, address) in [(1, flow.from.ip()), (2, flow.to.ip())] {
            match address {
                IpAddr::V4(address) => addresses.bytes(at, &address.octets()),
                IpAddr::V6(address) => addresses.bytes(at + 2, &address.octets()),
            };
        }
    });
    tuple.nested(TUPLE_PROTOCOL, |protocol| {
        protocol
            .bytes(PROTOCOL_NUMBER, &[6])
            .bytes(PORT_FROM, &flow.from.port().to_be_bytes())
            .bytes(PORT_TO, &flow.to.port().to_be_bytes());
    });
}
