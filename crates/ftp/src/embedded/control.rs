use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::tls::server_name;
use crate::transcript::Transcript;
use crate::wire::Side;

/// A client's control connection, whose TLS can be put on and taken off between two
/// commands, while suppaftp holds it. Everything that goes through it in the clear
/// is kept in a transcript. Clones are the same connection.
#[derive(Debug, Clone)]
pub(super) struct Control {
    socket: Arc<TcpStream>,
    layer: Arc<Mutex<Layer>>,
    transcript: Arc<Mutex<Transcript>>,
}

/// What lies on the socket. Its lock is held for a poll and never longer.
#[derive(Debug)]
enum Layer {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
    /// A handshake is under way, or has failed: nobody can read or write.
    Between,
}

impl Control {
    pub(super) fn new(socket: TcpStream, transcript: Arc<Mutex<Transcript>>) -> Control {
        let socket = Arc::new(socket);
        Control {
            layer: Arc::new(Mutex::new(Layer::Plain(Socket(Arc::clone(&socket))))),
            socket,
            transcript,
        }
    }

    /// The socket below.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Puts TLS on.
    pub(super) async fn secure(&self, connector: &TlsConnector) -> io::Result<()> {
        *self.layer() = Layer::Between;
        let socket = Socket(Arc::clone(&self.socket));
        let tls = connector.connect(server_name(), socket).await?;
        *self.layer() = Layer::Tls(Box::new(tls));
        Ok(())
    }

    /// Takes TLS off (RFC 4217 section 12.3): tells the server so, and reads until it
    /// has said the same, so that what follows is in the clear both ways.
    pub(super) async fn clear(&self) -> io::Result<()> {
        let layer = std::mem::replace(&mut *self.layer(), Layer::Between);
        if let Layer::Tls(mut tls) = layer {
            tls.shutdown().await?;
            if tls.read(&mut [0]).await? > 0 {
                return Err(io::Error::other("the server goes on under TLS after CCC"));
            }
        }
        *self.layer() = Layer::Plain(Socket(Arc::clone(&self.socket)));
        Ok(())
    }

    fn layer(&self) -> MutexGuard<'_, Layer> {
        // A poll that panicked left a broken TLS session, which says so when it is used.
        self.layer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was said. A server without end is an error.
    fn heard(&self, from: Side, bytes: &[u8]) -> io::Result<()> {
        let mut transcript = self
            .transcript
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        transcript.take(from, bytes);
        transcript.unflooded()
    }

    fn with_layer<T>(
        &self,
        poll: impl FnOnce(Pin<&mut dyn Duplex>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut layer = self.layer();
        let layer: &mut dyn Duplex = match &mut *layer {
            Layer::Plain(socket) => socket,
            Layer::Tls(tls) => tls.as_mut(),
            Layer::Between => return Poll::Ready(Err(io::Error::other("TLS is not up"))),
        };
        poll(Pin::new(layer))
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl AsyncRead for Control {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.with_layer(|layer| layer.poll_read(context, buffer)))?;
        Poll::Ready(self.heard(Side::Server, &buffer.filled()[before..]))
    }
}

impl AsyncWrite for Control {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.with_layer(|layer| layer.poll_write(context, bytes)))?;
        self.heard(Side::Client, &bytes[..written])?;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_layer(|layer| layer.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_layer(|layer| layer.poll_shutdown(context))
    }
}

/// A TCP socket that its owners share.
#[derive(Debug)]
struct Socket(Arc<TcpStream>);

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(context))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Ok(length) => {
                    buffer.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The end of TLS is not the end of the connection; that comes with the last owner.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
