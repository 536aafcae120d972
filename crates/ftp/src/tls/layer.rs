//! What lies on a control connection's socket: nothing, or TLS, which can be put on
//! and taken off between two lines.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::record_wise::RecordWise;
use super::server_name;
use crate::wire::Side;

/// The layers of a control connection.
#[derive(Debug, Default)]
pub(crate) enum Layer<S> {
    Plain(S),
    Tls(Box<TlsStream<RecordWise<S>>>),
    /// A handshake is under way, or has failed: nobody can read or write.
    #[default]
    Between,
}

/// Which side of TLS to be, and how.
pub(crate) enum Tls<'a> {
    Client(&'a TlsConnector),
    Server(&'a TlsAcceptor),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Layer<S> {
    /// Puts TLS on. Its owner has nothing in its place meanwhile, and keeps it so after a failure.
    pub(crate) async fn secured(self, tls: Tls<'_>) -> io::Result<Layer<S>> {
        let Layer::Plain(socket) = self else {
            return Err(io::Error::other("TLS is on already"));
        };
        let records = RecordWise::of(socket);
        let stream: TlsStream<_> = match tls {
            Tls::Client(connector) => connector.connect(server_name(), records).await?.into(),
            Tls::Server(acceptor) => acceptor.accept(records).await?.into(),
        };
        Ok(Layer::Tls(Box::new(stream)))
    }

    /// Takes TLS off (RFC 4217 section 12.3): each side tells the other that it ends, so
    /// that what follows is in the clear both ways. The client is the first: lftp takes
    /// a server's end of TLS that comes with the reply to CCC for that of the connection.
    pub(crate) async fn cleared(self, side: Side) -> io::Result<Layer<S>> {
        let Layer::Tls(mut tls) = self else {
            return Err(io::Error::other("there is no TLS to end"));
        };
        if side == Side::Client {
            tls.shutdown().await?;
        }
        if tls.read(&mut [0]).await? > 0 {
            let words = match side {
                Side::Client => "the server goes on under TLS after CCC",
                Side::Server => "the client goes on under TLS after CCC",
            };
            return Err(io::Error::other(words));
        }
        if side == Side::Server {
            tls.shutdown().await?;
        }
        let records = match *tls {
            TlsStream::Client(tls) => tls.into_inner().0,
            TlsStream::Server(tls) => tls.into_inner().0,
        };
        Ok(Layer::Plain(records.into_inner()))
    }

    fn top<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut dyn Duplex>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let top: &mut dyn Duplex = match self {
            Layer::Plain(socket) => socket,
            Layer::Tls(tls) => tls.as_mut(),
            Layer::Between => return Poll::Ready(Err(io::Error::other("TLS is not up"))),
        };
        poll(Pin::new(top))
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Layer<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().top(|top| top.poll_read(context, buffer))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Layer<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().top(|top| top.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().top(|top| top.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().top(|top| top.poll_shutdown(context))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::Certificate;
    use crate::tls::connector;

    /// Two ends of a connection, secured.
    async fn secured() -> io::Result<(Layer<TcpStream>, Layer<TcpStream>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let client = Layer::Plain(TcpStream::connect(listener.local_addr()?).await?);
        let server = Layer::Plain(listener.accept().await?.0);
        let acceptor = TlsAcceptor::from(Certificate::of_the_lab().server_configuration());
        let connector = connector(false, None);
        tokio::try_join!(
            client.secured(Tls::Client(&connector)),
            server.secured(Tls::Server(&acceptor)),
        )
    }

    /// A side that says the end of its TLS and the next line in one breath.
    async fn ends_and_says(layer: Layer<TcpStream>, line: &[u8]) -> io::Result<TcpStream> {
        let Layer::Tls(mut tls) = layer else {
            return Err(io::Error::other("it is not secured"));
        };
        match &mut *tls {
            TlsStream::Client(tls) => tls.get_mut().1.send_close_notify(),
            TlsStream::Server(tls) => tls.get_mut().1.send_close_notify(),
        }
        tls.flush().await?;
        let mut socket = match *tls {
            TlsStream::Client(tls) => tls.into_inner().0.into_inner(),
            TlsStream::Server(tls) => tls.into_inner().0.into_inner(),
        };
        socket.write_all(line).await?;
        Ok(socket)
    }

    async fn hears(mut layer: Layer<TcpStream>, line: &[u8]) -> io::Result<Layer<TcpStream>> {
        let mut piece = [0; 64];
        let length = layer.read(&mut piece).await?;
        assert_eq!(&piece[..length], line);
        Ok(layer)
    }

    #[tokio::test]
    async fn what_a_client_says_behind_tls_at_once_is_not_lost() -> io::Result<()> {
        let (client, server) = secured().await?;
        let mut socket = ends_and_says(client, b"NOOP\r\n").await?;
        let server = server.cleared(Side::Server).await?;
        let mut server = hears(server, b"NOOP\r\n").await?;
        server.write_all(b"200 ok\r\n").await?;
        // The client's TLS has the server's end of it to read, and nothing more.
        let mut heard = Vec::new();
        let mut piece = [0; 64];
        while !heard.ends_with(b"200 ok\r\n") {
            let length = socket.read(&mut piece).await?;
            assert!(length > 0, "the server closed the connection");
            heard.extend_from_slice(&piece[..length]);
        }
        Ok(())
    }

    #[tokio::test]
    async fn what_a_server_says_behind_tls_at_once_is_not_lost() -> io::Result<()> {
        let (client, server) = secured().await?;
        let _socket = ends_and_says(server, b"220 go on\r\n").await?;
        let client = client.cleared(Side::Client).await?;
        hears(client, b"220 go on\r\n").await?;
        Ok(())
    }

    #[tokio::test]
    async fn nobody_speaks_while_tls_is_neither_on_nor_off() -> io::Result<()> {
        let mut layer = Layer::<TcpStream>::default();
        let error = layer
            .write_all(b"NOOP\r\n")
            .await
            .expect_err("it is between");
        assert_eq!(error.to_string(), "TLS is not up");
        let (client, _server) = secured().await?;
        let connector = connector(false, None);
        let twice = client.secured(Tls::Client(&connector)).await;
        let error = twice.expect_err("it is on");
        assert_eq!(error.to_string(), "TLS is on already");
        Ok(())
    }
}
