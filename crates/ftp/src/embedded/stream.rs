use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use suppaftp::tokio::TokioTlsStream;
use suppaftp::{FtpError, FtpResult};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::control::Control;

/// Any connection of suppaftp's, as it is handed out by our
/// [`Connector`](super::connections::Connector): with TLS or without.
#[derive(Debug)]
pub(super) enum Stream {
    /// The control connection.
    Control(Control),
    /// A data connection in the clear, and whether this side has ended it.
    Plain(TcpStream, bool),
    /// A data connection under TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl TokioTlsStream for Stream {
    type InnerStream = Stream;

    fn tcp_stream(self) -> FtpResult<TcpStream> {
        // suppaftp asks for it when it takes TLS off by itself, which is ours to do.
        Err(FtpError::SecureError("the socket is shared".into()))
    }

    fn get_ref(&self) -> &TcpStream {
        match self {
            Stream::Control(control) => control.socket(),
            Stream::Plain(socket, _) => socket,
            Stream::Tls(tls) => tls.get_ref().0,
        }
    }

    fn mut_ref(&mut self) -> &mut Stream {
        self
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Control(control) => Pin::new(control).poll_read(context, buffer),
            // suppaftp takes this for TLS, and would wait for the server's end of it
            // after an upload. Without TLS there is none to wait for.
            Stream::Plain(_, true) => Poll::Ready(Ok(())),
            Stream::Plain(socket, false) => Pin::new(socket).poll_read(context, buffer),
            Stream::Tls(tls) => Pin::new(tls.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Control(control) => Pin::new(control).poll_write(context, bytes),
            Stream::Plain(socket, _) => Pin::new(socket).poll_write(context, bytes),
            Stream::Tls(tls) => Pin::new(tls.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Control(control) => Pin::new(control).poll_flush(context),
            Stream::Plain(socket, _) => Pin::new(socket).poll_flush(context),
            Stream::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Control(control) => Pin::new(control).poll_shutdown(context),
            Stream::Plain(socket, ended) => {
                *ended = true;
                Pin::new(socket).poll_shutdown(context)
            }
            Stream::Tls(tls) => Pin::new(tls.as_mut()).poll_shutdown(context),
        }
    }
}
