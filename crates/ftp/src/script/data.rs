//! Data connections, with TLS on them or without.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::tls::{Ended, server_name};

/// A data connection as bytes go through it.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Duplex for T {}

pub(super) type Data = Box<dyn Duplex>;

/// A data connection, with TLS on it where there is a connector. The FTP client is
/// the TLS client, whoever opened the connection (RFC 4217 section 7).
pub(super) async fn of_client(socket: TcpStream, tls: Option<&TlsConnector>) -> io::Result<Data> {
    Ok(match tls {
        None => Box::new(socket),
        Some(connector) => Box::new(connector.connect(server_name(), socket).await?),
    })
}

/// The same at the server; says too whether a TLS session was resumed.
pub(super) async fn of_server(
    socket: TcpStream,
    tls: Option<&TlsAcceptor>,
) -> io::Result<(Data, bool)> {
    Ok(match tls {
        None => (Box::new(socket), false),
        Some(acceptor) => {
            let tls = acceptor.accept(socket).await?;
            let resumed = tls.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
            (Box::new(Ended(tls)), resumed)
        }
    })
}

/// Ends a data connection, under TLS with word of it. A client that has sent under TLS
/// drains it: reads until the server has ended its side too. What the server sent
/// unasked (TLS session tickets) would otherwise lie unread, and the kernel would reset
/// the connection before the last bytes were there.
pub(super) async fn close(mut data: Data, drain: bool) -> io::Result<()> {
    data.shutdown().await?;
    if drain {
        // How the other side ends its own is not ours to judge.
        let _ = tokio::io::copy(&mut data, &mut tokio::io::sink()).await;
    }
    Ok(())
}
