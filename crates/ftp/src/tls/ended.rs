use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A TLS connection that ends where its TCP connection does, with word of it (close_notify) or without. A client whose socket
/// has no room for that word at the moment goes without (lftp), and servers take it so (vsftpd, unless `strict_ssl_read_eof` is
/// set). Whether all has come the content's digest tells.
#[derive(Debug, Default)]
pub(crate) struct Ended<S>(pub(crate) S);

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

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::Certificate;
    use crate::tls::{connector, server_name};

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
