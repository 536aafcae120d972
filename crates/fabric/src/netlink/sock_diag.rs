//! The sockets of a namespace (`sock_diag(7)`).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use fwlab_record::Flow;

use super::batch::Batch;
use super::requests::family;
use super::socket::{NetlinkError, NetlinkSocket, Protocol};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const SOCK_DESTROY: u16 = 21;
const TCP_TIME_WAIT: u8 = 6;
const TCP_LISTEN: u8 = 10;

/// A TCP socket as the kernel names it.
struct TcpSocket {
    state: u8,
    cookie: [u8; 8],
}

/// The TCP sockets of the namespace that it was opened in.
pub(crate) struct TcpSockets(NetlinkSocket);

impl TcpSockets {
    pub(crate) fn open() -> io::Result<TcpSockets> {
        NetlinkSocket::open(Protocol::SockDiag).map(TcpSockets)
    }

    /// Ends the socket from `flow.from` to `flow.to`: whoever waits on it sees
    /// `ECONNABORTED`. False when there is none; one in TIME-WAIT is none, since no
    /// program holds it.
    pub(crate) fn destroy(&self, flow: Flow) -> Result<bool, NetlinkError> {
        let flow = Flow {
            from: canonical(flow.from),
            to: canonical(flow.to),
        };
        // By cookie and not by tuple alone: for a tuple that nobody has, the kernel
        // falls back to the listener of that port.
        let Some(found) = self.find(flow)? else {
            return Ok(false);
        };
        if matches!(found.state, TCP_LISTEN | TCP_TIME_WAIT) {
            return Ok(false);
        }
        let mut batch = Batch::default();
        let purpose = format!("end the socket {flow}");
        batch.push(SOCK_DESTROY, 0, purpose, |message| {
            message.raw(&request(flow, found.cookie));
        });
        match self.0.exchange(batch, |_| {}) {
            Err(error) if is_absence(&error) => Ok(false),
            result => result.map(|()| true),
        }
    }

    /// Whether somebody listens on that port of one of these addresses or of all.
    pub(crate) fn is_listening(
        &self,
        port: u16,
        addresses: &[IpAddr],
    ) -> Result<bool, NetlinkError> {
        for address in addresses {
            let anywhere: IpAddr = match address {
                IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            let flow = Flow {
                from: SocketAddr::new(*address, port),
                to: SocketAddr::new(anywhere, 0),
            };
            if self
                .find(flow)?
                .is_some_and(|socket| socket.state == TCP_LISTEN)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn find(&self, flow: Flow) -> Result<Option<TcpSocket>, NetlinkError> {
        const NO_COOKIE: [u8; 8] = [0xff; 8];
        let mut batch = Batch::default();
        let purpose = format!("look up the socket {flow}");
        batch.push(SOCK_DIAG_BY_FAMILY, 0, purpose, |message| {
            message.raw(&request(flow, NO_COOKIE));
        });
        let mut found = None;
        let result = self.0.exchange(batch, |reply| {
            // `struct inet_diag_msg`: state at 1, the cookie last in `id` (4..52).
            let cookie = reply.body.get(44..52).and_then(|c| c.try_into().ok());
            found = reply
                .body
                .get(1)
                .zip(cookie)
                .map(|(&state, cookie)| TcpSocket { state, cookie });
        });
        match result {
            Err(error) if is_absence(&error) => Ok(None),
            result => result.map(|()| found),
        }
    }
}

fn is_absence(error: &NetlinkError) -> bool {
    error.source.raw_os_error() == Some(libc::ENOENT)
}

/// The address as the socket's own side has it: an IPv4 peer of an IPv6 socket is
/// found by its IPv4 address.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// `struct inet_diag_req_v2` for exactly one socket.
fn request(flow: Flow, cookie: [u8; 8]) -> [u8; 56] {
    let mut bytes = [0; 56];
    bytes[0] = family(flow.from.ip());
    bytes[1] = libc::IPPROTO_TCP as u8;
    bytes[4..8].fill(0xff); // any state
    bytes[8..10].copy_from_slice(&flow.from.port().to_be_bytes());
    bytes[10..12].copy_from_slice(&flow.to.port().to_be_bytes());
    for (at, address) in [(12, flow.from.ip()), (28, flow.to.ip())] {
        match address {
            IpAddr::V4(address) => bytes[at..at + 4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => bytes[at..at + 16].copy_from_slice(&address.octets()),
        }
    }
    bytes[48..56].copy_from_slice(&cookie);
    bytes
}
