use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fwlab_fabric::Node;
use fwlab_ftp::wire::Command;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use crate::scripted::PASSIVE;

/// What a server that grants AUTH, PROT and CCC makes of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It serves the transfer.
    Good,
    /// It answers the client's hello on the control connection with nonsense.
    NonsenseOnControl,
    /// It answers the client's hello on the data connection with nonsense.
    NonsenseOnData,
    /// It closes the data connection in place of a handshake, and says 522.
    Refuses,
    /// It says nothing on the data connection.
    SilentOnData,
    /// It grants CCC, and goes on under TLS.
    KeepsTls,
}

/// Serves one session that fetches these bytes in PASV or EPSV. A session that its
/// client leaves is over; the node outlives it.
pub(crate) async fn serve(node: &Node, manner: Manner, bytes: Vec<u8>) {
    node.run(move || async move {
        let control = TcpListener::bind("192.168.0.201:21")
            .await
            .expect("port 21");
        let data = TcpListener::bind("192.168.0.201:31240")
            .await
            .expect("port 31240");
        tokio::spawn(async move {
            if let Ok((stream, _)) = control.accept().await {
                let session = Session {
                    manner,
                    bytes,
                    data,
                    acceptor: acceptor(),
                };
                let _ = session.play(stream).await;
            }
        });
    })
    .await
    .expect("the node is there");
}

fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["test".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let configuration = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks both versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("they go together");
    TlsAcceptor::from(Arc::new(configuration))
}

struct Session {
    manner: Manner,
    bytes: Vec<u8>,
    data: TcpListener,
    acceptor: TlsAcceptor,
}

enum Control {
    Plain(TcpStream),
    Tls(Box<TlsStream<Records>>),
}

/// A connection that is read to the end of a TLS record and never beyond: a client may
/// go on in the clear right behind its last record.
struct Records {
    stream: TcpStream,
    header: Vec<u8>,
    left: usize,
}

impl Records {
    fn of(stream: TcpStream) -> Records {
        Records {
            stream,
            header: Vec::new(),
            left: 0,
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
        let wanted = match this.left {
            // Type, version and length (RFC 8446 section 5.1).
            0 => 5 - this.header.len(),
            left => left,
        };
        let mut part = buffer.take(wanted);
        ready!(Pin::new(&mut this.stream).poll_read(context, &mut part))?;
        let read = part.filled().to_vec();
        buffer.advance(read.len());
        if this.left > 0 {
            this.left -= read.len();
        } else {
            this.header.extend(read);
            if let [_, _, _, high, low] = this.header[..] {
                this.left = usize::from(u16::from_be_bytes([high, low]));
                this.header.clear();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Records {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Control {
    fn stream(&mut self) -> &mut dyn Stream {
        match self {
            Control::Plain(stream) => stream,
            Control::Tls(stream) => stream,
        }
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        let stream = self.stream();
        stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        stream.flush().await
    }

    async fn hear(&mut self) -> io::Result<Command> {
        let mut line = Vec::new();
        loop {
            match self.stream().read_u8().await? {
                b'\n' => break,
                byte => line.push(byte),
            }
        }
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        Ok(Command::parse(line).expect("clients send commands"))
    }
}

impl Session {
    async fn play(self, stream: TcpStream) -> io::Result<()> {
        let mut control = Control::Plain(stream);
        control.say("220 secured").await?;
        loop {
            let command = control.hear().await?;
            let secure = matches!(control, Control::Tls(_));
            let reply = match command.verb().as_str() {
                "AUTH" => {
                    control.say("234 go on").await?;
                    control = self.secured(control).await?;
                    continue;
                }
                "CCC" if secure => {
                    control.say("200 in the clear").await?;
                    if self.manner != Manner::KeepsTls {
                        control = cleared(control).await?;
                    }
                    continue;
                }
                "RETR" => {
                    control.say("150 soon").await?;
                    let reply = self.transfer().await?;
                    control.say(reply).await?;
                    continue;
                }
                "USER" if secure => "331 password",
                "PASS" if secure => "230 in",
                "PBSZ" | "PROT" if secure => "200 ok",
                "TYPE" => "200 binary",
                "PWD" => "257 \"/\"",
                "FEAT" => "211-Features\r\n EPSV\r\n AUTH TLS\r\n PBSZ\r\n PROT\r\n CCC\r\n211 End",
                "PASV" => PASSIVE.trim_end(),
                "EPSV" => "229 ok (|||31240|)",
                "QUIT" => "221 bye",
                _ => "502 no",
            };
            control.say(reply).await?;
        }
    }

    async fn secured(&self, control: Control) -> io::Result<Control> {
        let Control::Plain(mut stream) = control else {
            return Err(io::Error::other("AUTH under TLS"));
        };
        if self.manner == Manner::NonsenseOnControl {
            stream.write_all(&[b'x'; 64]).await?;
            // Until the client goes.
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
        }
        let tls = self.acceptor.accept(Records::of(stream)).await?;
        Ok(Control::Tls(Box::new(tls)))
    }

    async fn transfer(&self) -> io::Result<&'static str> {
        let (mut data, _) = self.data.accept().await?;
        match self.manner {
            Manner::NonsenseOnData => {
                data.write_all(&[b'x'; 64]).await?;
                tokio::io::copy(&mut data, &mut tokio::io::sink()).await?;
            }
            Manner::SilentOnData => {
                tokio::io::copy(&mut data, &mut tokio::io::sink()).await?;
            }
            Manner::Refuses => {
                // Closed on what was not read, it would be a reset, or the end, as chance has it.
                let _hello = data.read(&mut vec![0; 16_384]).await?;
                drop(data);
                return Ok("522 TLS session reuse required");
            }
            Manner::Good | Manner::KeepsTls | Manner::NonsenseOnControl => {
                let mut data = self.acceptor.accept(data).await?;
                data.write_all(&self.bytes).await?;
                data.shutdown().await?;
                return Ok("226 done");
            }
        }
        // Nothing more is said: the client has what it needs to know.
        std::future::pending().await
    }
}

/// Ends TLS both ways, and goes on without it.
async fn cleared(control: Control) -> io::Result<Control> {
    let Control::Tls(mut tls) = control else {
        return Err(io::Error::other("CCC without TLS"));
    };
    tls.get_mut().1.send_close_notify();
    tls.flush().await?;
    while tls.read(&mut [0; 64]).await? > 0 {}
    Ok(Control::Plain(tls.into_inner().0.stream))
}
