use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use super::place::Source;
use crate::embedded::socket_for;

/// No port could be bound.
#[derive(Debug, thiserror::Error)]
#[error("{address} could not be bound")]
pub(super) struct NotBound {
    pub(super) address: SocketAddr,
    pub(super) source: io::Error,
}

/// Listens on the first port that is free; port 0 is any.
pub(super) fn listen(
    address: IpAddr,
    ports: RangeInclusive<u16>,
    receive_buffer: Option<u32>,
) -> Result<TcpListener, NotBound> {
    let mut latest = NotBound {
        address: SocketAddr::new(address, *ports.start()),
        source: io::ErrorKind::AddrNotAvailable.into(),
    };
    for port in ports {
        let address = SocketAddr::new(address, port);
        match listen_on(address, receive_buffer) {
            Ok(listener) => return Ok(listener),
            Err(source) => latest = NotBound { address, source },
        }
    }
    Err(latest)
}

fn listen_on(address: SocketAddr, receive_buffer: Option<u32>) -> io::Result<TcpListener> {
    let socket = socket_for(address.ip())?;
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        SockRef::from(&socket).set_only_v6(true)?;
    }
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(address)?;
    socket.listen(64)
}

/// Why a connection is not open.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOpen {
    /// It could not be begun from there: nothing of the network's.
    #[error(transparent)]
    NotBound(#[from] NotBound),
    /// The network, or the other side.
    #[error("{to}: {source}")]
    Failed { to: SocketAddr, source: io::Error },
}

/// Connects, from a certain port or address where one is given.
pub(super) async fn connect(
    from: Option<Source>,
    own: IpAddr,
    to: SocketAddr,
    receive_buffer: Option<u32>,
) -> Result<TcpStream, NotOpen> {
    let failed = |source| NotOpen::Failed { to, source };
    let socket = socket_for(to.ip()).map_err(failed)?;
    if let Some(Source { address, port }) = from {
        let address = SocketAddr::new(address.unwrap_or(own), port.unwrap_or(0));
        let bound = socket
            .set_reuseaddr(true)
            .and_then(|()| socket.bind(address));
        bound.map_err(|source| NotBound { address, source })?;
    }
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes).map_err(failed)?;
    }
    let stream = socket.connect(to).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}
