//! The conntrack table of a namespace (`nfnetlink_conntrack.h`).

use std::io;
use std::net::{IpAddr, SocketAddr};

use fwlab_record::Flow;

use super::batch::{Batch, Message};
use super::socket::{NetlinkError, NetlinkSocket, Protocol};

const SUBSYSTEM: u16 = 1 << 8;
/// `IPCTNL_MSG_CT_GET`.
const GET: u16 = SUBSYSTEM | 1;
/// `IPCTNL_MSG_CT_DELETE`, which without a tuple deletes all.
const DELETE: u16 = SUBSYSTEM | 2;

const NESTED: u16 = 1 << 15;
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
        let mut batch = Batch::new();
        let purpose = "flush the conntrack table";
        batch.push(DELETE, libc::NLM_F_REQUEST, purpose, |message| {
            // Any family.
            message.raw(&[0; 4]);
        });
        self.0.exchange(batch, |_| {})
    }

    /// Whether the TCP connection whose first packet goes this way is known. One whose time is up
    /// is not: asking for it makes the kernel clear it away.
    pub(crate) fn knows(&self, flow: Flow) -> Result<bool, NetlinkError> {
        let mut batch = Batch::new();
        let purpose = format!("look up the connection {flow}");
        batch.push(GET, libc::NLM_F_REQUEST, purpose, |message| {
            let family = match flow.from {
                SocketAddr::V4(_) => libc::AF_INET,
                SocketAddr::V6(_) => libc::AF_INET6,
            };
            message.raw(&[u8::try_from(family).expect("a family is a byte"), 0, 0, 0]);
            message.nest(TUPLE_ORIGINAL | NESTED, |tuple| write(tuple, flow));
        });
        match self.0.exchange(batch, |_| {}) {
            Ok(()) => Ok(true),
            Err(error) if error.source.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn write(tuple: &mut Message<'_>, flow: Flow) {
    tuple.nest(TUPLE_ADDRESSES | NESTED, |addresses| {
        for (at, address) in [(1, flow.from.ip()), (2, flow.to.ip())] {
            match address {
                IpAddr::V4(address) => addresses.attribute(at, &address.octets()),
                IpAddr::V6(address) => addresses.attribute(at + 2, &address.octets()),
            };
        }
    });
    tuple.nest(TUPLE_PROTOCOL | NESTED, |protocol| {
        protocol
            .attribute(PROTOCOL_NUMBER, &[6])
            .attribute(PORT_FROM, &flow.from.port().to_be_bytes())
            .attribute(PORT_TO, &flow.to.port().to_be_bytes());
    });
}
