//! TCP sockets of the embedded client.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

use crate::TransferSpec;

/// Connects to an address.
pub(super) async fn open(
    address: SocketAddr,
    receive_buffer: Option<u32>,
) -> io::Result<TcpStream> {
    let socket = socket_for(address.ip())?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A socket of an address's family.
pub(crate) fn socket_for(address: IpAddr) -> io::Result<TcpSocket> {
    match address {
        IpAddr::V4(_) => TcpSocket::new_v4(),
        IpAddr::V6(_) => TcpSocket::new_v6(),
    }
}

/// A slow reader must not have the kernel read ahead for it.
pub(crate) fn receive_buffer(spec: &TransferSpec) -> Option<u32> {
    spec.pace.map(|_| 32 * 1024)
}
