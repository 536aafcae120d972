use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use fwlab_record::Protection;
use suppaftp::tokio::AsyncTlsConnector;
use suppaftp::{FtpError, FtpResult};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::control::Control;
use super::failure;
use super::sockets::{open, receive_buffer};
use super::stream::Stream;
use crate::tls::{connector, server_name};
use crate::transcript::Transcript;
use crate::{ClientFailure, Connection, FailureKind, Moment, Pauses, Timeouts, TransferSpec};

/// The connections of one session: suppaftp has each of them from here, with TLS on
/// it or without.
pub(super) struct Connections {
    timeouts: Timeouts,
    protection: Protection,
    tls: TlsConnector,
    receive_buffer: Option<u32>,
    control: OnceLock<Control>,
    opened: Notify,
    transcript: Arc<Mutex<Transcript>>,
    pauses: Option<Pauses>,
    /// What failed here, for which suppaftp has no words. Set once: the session ends
    /// with its first failure.
    failure: OnceLock<ClientFailure>,
    /// Patience ended in a handshake: the server has nothing to say of it.
    stalled: AtomicBool,
}

impl Connections {
    pub(super) fn new(spec: &TransferSpec, transcript: Arc<Mutex<Transcript>>) -> Connections {
        Connections {
            timeouts: spec.timeouts,
            protection: spec.protection,
            tls: connector(spec.session_reuse, spec.tls_secrets.as_ref()),
            receive_buffer: receive_buffer(spec),
            control: OnceLock::new(),
            opened: Notify::new(),
            transcript,
            pauses: spec.pauses.clone(),
            failure: OnceLock::new(),
            stalled: AtomicBool::new(false),
        }
    }

    /// Ends when the control connection is open, be it readable or not.
    pub(super) async fn opened(&self) {
        self.opened.notified().await;
    }

    /// The control connection, when it was opened.
    pub(super) fn control(&self) -> Option<&Control> {
        self.control.get()
    }

    /// What failed on a connection, and is more than suppaftp tells of it.
    pub(super) fn failure(&self) -> Option<ClientFailure> {
        self.failure.get().cloned()
    }

    /// Puts TLS on the control connection.
    pub(super) async fn secure_control(&self) -> Result<(), ClientFailure> {
        self.control_step(async |control| control.secure(&self.tls).await)
            .await
    }

    /// Takes TLS off the control connection.
    pub(super) async fn clear_control(&self) -> Result<(), ClientFailure> {
        self.control_step(async |control| control.clear().await)
            .await
    }

    async fn control_step(
        &self,
        step: impl AsyncFnOnce(&Control) -> io::Result<()>,
    ) -> Result<(), ClientFailure> {
        let control = self.control.get().expect("it is open before any step");
        let silence = self.timeouts.silence;
        match timeout(silence, step(control)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failure::tls(Connection::Control, &error)),
            Err(_) => Err(failure::tls_deadline(Connection::Control, silence)),
        }
    }

    /// Puts TLS on a data connection, where the protection asks for it. The FTP client
    /// is the TLS client, whoever opened the connection (RFC 4217 section 7).
    pub(super) async fn data(&self, socket: TcpStream) -> Result<Stream, ClientFailure> {
        if !self.protection.protects_data() {
            return Ok(Stream::Plain(socket, false));
        }
        let silence = self.timeouts.silence;
        match timeout(silence, self.tls.connect(server_name(), socket)).await {
            Ok(Ok(tls)) => Ok(Stream::Tls(Box::new(tls))),
            Ok(Err(error)) => Err(failure::tls(Connection::Data, &error)),
            Err(_) => {
                self.stalled.store(true, Ordering::Relaxed);
                Err(failure::tls_deadline(Connection::Data, silence))
            }
        }
    }

    /// Waits at a moment, where the client is to.
    pub(super) async fn pause(&self, moment: Moment) {
        let Some(pauses) = &self.pauses else { return };
        if let Some(control) = self.control.get() {
            // A moment is a quiet one: the acknowledgement of the last reply goes now, not 40 ms
            // later. Where it cannot, it comes in the middle of the pause.
            let _ = control.socket().set_quickack(true);
        }
        pauses.wait(moment).await;
    }

    /// Opens a passive data connection. Before that it is agreed on, and not yet used.
    pub(super) async fn open_data(&self, address: SocketAddr) -> FtpResult<TcpStream> {
        self.pause(Moment::Agreed).await;
        let timeouts = self.timeouts.connect;
        let failure = match timeout(timeouts, open(address, self.receive_buffer)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure::connect(Connection::Data, &error),
            Err(_) => failure::connect_deadline(Connection::Data, timeouts),
        };
        Err(self.note(failure))
    }

    /// Whether this failure may have its reason in a reply that is still to come: a
    /// server that refuses a data connection for its TLS first ends it (522).
    pub(super) fn awaits_reason(&self, failure: &ClientFailure) -> bool {
        self.protection.protects_data()
            && failure.on == Connection::Data
            && matches!(failure.kind, FailureKind::Broken | FailureKind::Tls)
            && !self.stalled.load(Ordering::Relaxed)
    }

    /// The server's last word on the transfer, when that is a no.
    pub(super) fn refusal(&self) -> Option<ClientFailure> {
        let transcript = self
            .transcript
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let reply = transcript.progress().completion.clone()?;
        reply.code.is_negative().then(|| failure::refused(reply))
    }

    /// Keeps a failure, and gives what suppaftp is told in its place.
    fn note(&self, failure: ClientFailure) -> FtpError {
        let words = failure.words.clone();
        let _ = self.failure.set(failure);
        FtpError::ConnectionError(io::Error::other(words))
    }

    async fn connect(&self, socket: TcpStream) -> Result<Stream, ClientFailure> {
        if self.control.get().is_some() {
            return self.data(socket).await;
        }
        socket
            .set_nodelay(true)
            .map_err(|error| failure::connect(Connection::Control, &error))?;
        let control = Control::new(socket, Arc::clone(&self.transcript));
        let control = self.control.get_or_init(|| control).clone();
        self.opened.notify_one();
        if self.protection == Protection::Implicit {
            self.secure_control().await?;
        }
        Ok(Stream::Control(control))
    }
}

/// What suppaftp asks for connections with TLS. Its first one is the control
/// connection.
pub(super) struct Connector(pub(super) Arc<Connections>);

#[async_trait]
impl AsyncTlsConnector for Connector {
    type Stream = Stream;

    async fn connect(&self, _: &str, socket: TcpStream) -> FtpResult<Stream> {
        let connected = self.0.connect(socket).await;
        connected.map_err(|failure| self.0.note(failure))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connector").finish_non_exhaustive()
    }
}
