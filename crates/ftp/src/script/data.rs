//! Data connections, with TLS on them or without.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::tls::server_name;

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

/// A TLS connection that ends where its TCP connection does, with word of it (close_notify) or without. A client whose socket
/// has no room for that word at the moment goes without (lftp), and servers take it so (vsftpd, unless `strict_ssl_read_eof` is
/// set). Whether all has come the content's digest tells.
struct Ended<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Ended<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.0).poll_read(cx, buffer)) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            other => Poll::Ready(other),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ended<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, duplex};

    use super::*;
    use crate::Certificate;
    use crate::tls::connector;

    #[tokio::test]
    async fn a_connection_that_ends_without_a_word_of_tls_has_ended() {
        let (near, far) = duplex(1 << 16);
        let mut configuration = (*Certificate::of_the_lab().server_configuration()).clone();
        configuration.send_tls13_tickets = 0;
        let acceptor = TlsAcceptor::from(Arc::new(configuration));
        let client = async {
            let connector = connector(false, None);
            let mut tls = connector.connect(server_name(), near).await.expect("TLS");
            tls.write_all(b"all of it").await.expect("room");
            tls.flush().await.expect("room");
            // Dropped as it is: no close_notify.
        };
        let server = async {
            let mut tls = Ended(acceptor.accept(far).await.expect("TLS"));
            let mut read = Vec::new();
            tls.read_to_end(&mut read).await.expect("an end");
            read
        };
        let ((), read) = tokio::join!(client, server);
        assert_eq!(read, b"all of it");
    }
}
