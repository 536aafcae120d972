//! What lies on a control connection's socket: nothing, or TLS, which can be put on
//! and taken off between two lines.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::tls::server_name;
use crate::wire::Side;

/// The layers of a control connection.
#[derive(Debug)]
pub(super) enum Layer {
    Plain(TcpStream),
    Tls(Box<TlsStream<Records>>),
    /// A handshake is under way, or has failed: nobody can read or write.
    Between,
}

/// Which side of TLS to be, and how.
pub(super) enum Tls<'a> {
    Client(&'a TlsConnector),
    Server(&'a TlsAcceptor),
}

impl Layer {
    /// Puts TLS on.
    pub(super) async fn secure(&mut self, tls: Tls<'_>) -> io::Result<()> {
        let Layer::Plain(socket) = std::mem::replace(self, Layer::Between) else {
            return Err(io::Error::other("TLS is on already"));
        };
        let records = Records::of(socket);
        let stream: TlsStream<Records> = match tls {
            Tls::Client(connector) => connector.connect(server_name(), records).await?.into(),
            Tls::Server(acceptor) => acceptor.accept(records).await?.into(),
        };
        *self = Layer::Tls(Box::new(stream));
        Ok(())
    }

    /// Takes TLS off (RFC 4217 section 12.3): each side tells the other that it ends, so
    /// that what follows is in the clear both ways. The client is the first: lftp takes
    /// a server's end of TLS that comes with the reply to CCC for that of the connection.
    pub(super) async fn clear(&mut self, side: Side) -> io::Result<()> {
        let Layer::Tls(mut tls) = std::mem::replace(self, Layer::Between) else {
            return Err(io::Error::other("there is no TLS to take off"));
        };
        if side == Side::Client {
            tls.shutdown().await?;
        }
        if tls.read(&mut [0]).await? > 0 {
            return Err(io::Error::other("the other side goes on under TLS"));
        }
        if side == Side::Server {
            tls.shutdown().await?;
        }
        let records = match *tls {
            TlsStream::Client(tls) => tls.into_inner().0,
            TlsStream::Server(tls) => tls.into_inner().0,
        };
        *self = Layer::Plain(records.socket);
        Ok(())
    }

    /// Reads what has come.
    pub(super) async fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        match self {
            Layer::Plain(socket) => socket.read(piece).await,
            // Who ends without a word of it has ended all the same.
            Layer::Tls(tls) => match tls.read(piece).await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                read => read,
            },
            Layer::Between => Err(not_up()),
        }
    }

    /// Writes a segment: one write of the socket, or one TLS record of it.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Layer::Plain(socket) => socket.write_all(bytes).await,
            Layer::Tls(tls) => {
                tls.write_all(bytes).await?;
                tls.flush().await
            }
            Layer::Between => Err(not_up()),
        }
    }
}

fn not_up() -> io::Error {
    io::Error::other("TLS is not up")
}

/// A socket that is read one TLS record at a time (RFC 8446 section 5.1: a header of
/// five bytes, the last two of which are the length of the rest). What the other side
/// says in the clear right after the end of its TLS stays unread, for who comes after.
#[derive(Debug)]
pub(super) struct Records {
    socket: TcpStream,
    /// How much of a header was read, and what.
    header: ([u8; 5], usize),
    /// How much of the record behind the header is to come.
    rest: usize,
}

impl Records {
    fn of(socket: TcpStream) -> Records {
        Records {
            socket,
            header: ([0; 5], 0),
            rest: 0,
        }
    }

    /// Takes note of bytes that were read: of a header or of a record, never of both.
    fn note(&mut self, bytes: &[u8]) {
        if self.rest > 0 {
            self.rest -= bytes.len();
            return;
        }
        let (header, known) = &mut self.header;
        header[*known..*known + bytes.len()].copy_from_slice(bytes);
        *known += bytes.len();
        if *known == header.len() {
            *known = 0;
            self.rest = usize::from(u16::from_be_bytes([header[3], header[4]]));
        }
    }
}

impl AsyncRead for Records {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let room = match this.rest {
            0 => this.header.0.len() - this.header.1,
            rest => rest,
        };
        let room = room.min(buffer.remaining());
        let mut piece = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut this.socket).poll_read(context, &mut piece))?;
        let length = piece.filled().len();
        this.note(piece.filled());
        buffer.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Records {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    /// The end of TLS is not the end of the connection; that comes with the socket's.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Certificate;
    use crate::tls::connector;

    /// A client that says the end of its TLS and the next command in one breath.
    #[tokio::test]
    async fn what_follows_tls_at_once_is_not_lost() -> io::Result<()> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let mut layer = Layer::Plain(listener.accept().await?.0);
        let acceptor = TlsAcceptor::from(Certificate::of_the_lab().server_configuration());
        let connector = connector(false, None);
        let (client, secured) = tokio::join!(
            connector.connect(server_name(), client),
            layer.secure(Tls::Server(&acceptor)),
        );
        secured?;
        let mut client = client?;
        client.get_mut().1.send_close_notify();
        client.flush().await?;
        client.get_mut().0.write_all(b"NOOP\r\n").await?;
        layer.clear(Side::Server).await?;
        let mut piece = [0; 64];
        let length = layer.read(&mut piece).await?;
        assert_eq!(&piece[..length], b"NOOP\r\n");
        layer.write(b"200 ok\r\n").await?;
        // The client's TLS has the server's end of it to read, and nothing more.
        let (mut socket, _) = client.into_inner();
        let mut heard = Vec::new();
        while !heard.ends_with(b"200 ok\r\n") {
            let length = socket.read(&mut piece).await?;
            assert!(length > 0, "the server closed the connection");
            heard.extend_from_slice(&piece[..length]);
        }
        Ok(())
    }
}
