use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::tls::{Layer, Tls};
use crate::transcript::Transcript;
use crate::wire::Side;

/// A client's control connection, whose TLS can be put on and taken off between two
/// commands, while suppaftp holds it. Everything that goes through it in the clear
/// is kept in a transcript. Clones are the same connection.
#[derive(Debug, Clone)]
pub(super) struct Control {
    socket: Arc<TcpStream>,
    /// Its lock is held for a poll and never longer.
    layer: Arc<Mutex<Layer<Socket>>>,
    transcript: Arc<Mutex<Transcript>>,
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
        let layer = std::mem::take(&mut *self.layer());
        let secured = layer.secured(Tls::Client(connector)).await?;
        *self.layer() = secured;
        Ok(())
    }

    /// Takes TLS off.
    pub(super) async fn clear(&self) -> io::Result<()> {
        let layer = std::mem::take(&mut *self.layer());
        let cleared = layer.cleared(Side::Client).await?;
        *self.layer() = cleared;
        Ok(())
    }

    fn layer(&self) -> MutexGuard<'_, Layer<Socket>> {
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
}

impl AsyncRead for Control {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut *self.layer()).poll_read(context, buffer))?;
        Poll::Ready(self.heard(Side::Server, &buffer.filled()[before..]))
    }
}

impl AsyncWrite for Control {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut *self.layer()).poll_write(context, bytes))?;
        self.heard(Side::Client, &bytes[..written])?;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.layer()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.layer()).poll_shutdown(context)
    }
}

/// A TCP socket that its owners share: suppaftp asks for it at any time, whatever lies on it.
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
