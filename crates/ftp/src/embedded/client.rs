use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use fwlab_fabric::Node;
use fwlab_record::{Operation, PeerName, Protection};
use suppaftp::tokio::ImplAsyncFtpStream;
use suppaftp::types::{FileType, FtpResult};
use suppaftp::{FtpError, Status};
use tokio::time::timeout;

use super::connections::{Connections, Connector};
use super::stream::Stream;
use super::{custom_listener, failure, flow, library_data};
use crate::listing::listed_files;
use crate::pause::within;
use crate::reserve::reserve_ports;
use crate::tls::NAME;
use crate::transcript::Transcript;
use crate::{
    Client, ClientFailure, ClientReport, Connection, FailureKind, Moment, Pauses, PeerError,
    Support, Timeouts, TransferSpec, Transferred,
};

const PEER: PeerName = PeerName::Suppaftp;

/// The version of suppaftp that the workspace's lock file holds; a test compares.
const VERSION: &str = "12.2.1";

pub(super) const BEGUN: &[Status] = &[Status::AboutToSend, Status::AlreadyOpen];
pub(super) const DONE: &[Status] = &[Status::ClosingDataConnection, Status::RequestedFileActionOk];

/// suppaftp, with connections of this crate's.
pub(super) type Ftp = ImplAsyncFtpStream<Stream>;

/// suppaftp as a client inside the lab.
///
/// PASV, EPSV, PORT over IPv4 and EPRT over IPv6 are suppaftp's own. For EPRT
/// over IPv4, PORT over IPv6, for active ports that the spec fixes, and where the client
/// is to wait between PORT and the transfer command, suppaftp has no way: then the listener is this crate's and suppaftp speaks on the control
/// connection.
///
/// TLS is rustls's, under suppaftp on both connections. It takes every certificate
/// that the server has the key for, whatever its name: whom it talks to is not what
/// a lab asks.
///
/// Over IPv6, PORT announces 0.0.0.0, for want of an address that it could carry,
/// and the address in a 227 is believed as it stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Suppaftp;

#[async_trait]
impl Client for Suppaftp {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        VERSION.into()
    }

    fn supports(&self, _: &TransferSpec) -> Support {
        Support::Yes
    }

    async fn transfer(&self, node: &Node, spec: &TransferSpec) -> Result<ClientReport, PeerError> {
        if let Some(ports) = spec.listened_ports() {
            reserve_ports(node, ports)
                .await
                .map_err(|source| PeerError::Sysctl { peer: PEER, source })?;
        }
        let mut spec = spec.clone();
        spec.pauses = spec.pauses.as_ref().map(Pauses::of_a_session);
        node.run(move || async move { fwlab_fabric::by_ordinary_user(report(&spec)).await })
            .await
            .map_err(|source| PeerError::Node { peer: PEER, source })?
    }
}

/// Why a session ended early.
pub(super) enum End {
    /// Something was done to it: the report's.
    Failed(ClientFailure),
    /// Its own port could not be bound: the lab's fault.
    Bind {
        /// The address, and the last port that was tried.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl From<ClientFailure> for End {
    fn from(failure: ClientFailure) -> End {
        End::Failed(failure)
    }
}

async fn report(spec: &TransferSpec) -> Result<ClientReport, PeerError> {
    let transcript = Arc::new(Mutex::new(Transcript::default()));
    let whole = spec.timeouts.whole;
    let session = session(spec, Arc::clone(&transcript));
    let result = match within(whole, spec.pauses.as_ref(), session).await {
        Some(Ok(transferred)) => Ok(transferred),
        Some(Err(End::Failed(failure))) => Err(failure),
        Some(Err(End::Bind { address, source })) => {
            return Err(PeerError::Bind {
                peer: PEER,
                address,
                source,
            });
        }
        None => Err(failure::session_deadline(whole)),
    };
    let transcript =
        std::mem::take(&mut *transcript.lock().unwrap_or_else(PoisonError::into_inner));
    let (progress, announcements) = transcript.into_parts();
    let final_reply = match &result {
        Err(ClientFailure {
            kind: FailureKind::Reply(reply),
            ..
        }) => Some(reply.clone()),
        _ => progress.completion.clone(),
    };
    Ok(ClientReport {
        result,
        final_reply,
        progress: Some(progress),
        announcements,
        log: String::new(),
    })
}

/// Connects, logs in, transfers, quits. A session that fails is dropped: it may
/// be out of step.
async fn session(
    spec: &TransferSpec,
    transcript: Arc<Mutex<Transcript>>,
) -> Result<Transferred, End> {
    let timeouts = spec.timeouts;
    let connections = Arc::new(Connections::new(spec, transcript));
    let ftp = connect(spec, &connections).await?;
    let mut ftp = library_data::prepared(ftp, spec, &connections);
    protect(&mut ftp, spec, &connections).await?;
    replied(
        "USER and PASS",
        timeouts,
        ftp.login(spec.login.user(), spec.login.password()),
    )
    .await?;
    if spec.protection == Protection::Ccc {
        let ccc = ftp.custom_command("CCC", &[Status::CommandOk]);
        replied("CCC", timeouts, ccc).await?;
        connections.clear_control().await?;
    }
    replied("TYPE", timeouts, ftp.transfer_type(FileType::Binary)).await?;
    connections.pause(Moment::LoggedIn).await;
    let transferred = if custom_listener::is_needed(spec) {
        custom_listener::transfer(&mut ftp, spec, &connections).await?
    } else {
        library_data::transfer(&mut ftp, spec, &connections).await?
    };
    // The transfer is over: a server that goes without a goodbye takes nothing from it.
    let _ = timeout(timeouts.silence, ftp.quit()).await;
    Ok(transferred)
}

/// Opens the control connection and reads the greeting.
///
/// suppaftp's way for implicit TLS is the one in which it reads and writes through a
/// stream of ours from the first byte; what lies below that stream, TLS or not, is
/// for [`Connections`] to say.
async fn connect(
    spec: &TransferSpec,
    connections: &Arc<Connections>,
) -> Result<Ftp, ClientFailure> {
    let Timeouts {
        connect, silence, ..
    } = spec.timeouts;
    let connector = Connector(Arc::clone(connections));
    let mut greeted = pin!(Ftp::connect_secure_implicit(spec.server, connector, NAME));
    let opened = async {
        tokio::select! {
            biased;
            greeted = &mut greeted => Some(greeted),
            () = connections.opened() => None,
        }
    };
    let greeted = match timeout(connect, opened).await {
        Ok(Some(greeted)) => greeted,
        Ok(None) => {
            // TLS has an end of its own to its patience, which comes before this one.
            let timeouts = match spec.protection {
                Protection::Implicit => silence * 2,
                _ => silence,
            };
            match timeout(timeouts, greeted).await {
                Ok(greeted) => greeted,
                Err(_) => return Err(failure::no_reply("the connection", timeouts)),
            }
        }
        Err(_) => return Err(failure::connect_deadline(Connection::Control, connect)),
    };
    greeted.map_err(|error| match (connections.failure(), error) {
        (Some(failure), _) => failure,
        (None, FtpError::ConnectionError(error)) if connections.control().is_none() => {
            failure::connect(Connection::Control, &error)
        }
        (None, error) => failure::control(&error),
    })
}

/// Puts TLS on the control connection where the client must ask for it, and asks for
/// it on data connections (RFC 4217 sections 4 and 9).
async fn protect(
    ftp: &mut Ftp,
    spec: &TransferSpec,
    connections: &Connections,
) -> Result<(), ClientFailure> {
    let timeouts = spec.timeouts;
    if matches!(spec.protection, Protection::Explicit | Protection::Ccc) {
        let auth = ftp.custom_command("AUTH TLS", &[Status::AuthOk]);
        replied("AUTH TLS", timeouts, auth).await?;
        connections.secure_control().await?;
    }
    if spec.protection.protects_data() {
        for line in ["PBSZ 0", "PROT P"] {
            let said = ftp.custom_command(line, &[Status::CommandOk]);
            replied(line, timeouts, said).await?;
        }
    }
    Ok(())
}

/// Waits for a step of the control connection, a reply's worth of patience.
pub(super) async fn replied<T>(
    to: &str,
    timeouts: Timeouts,
    step: impl Future<Output = FtpResult<T>>,
) -> Result<T, ClientFailure> {
    match timeout(timeouts.silence, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failure::control(&error)),
        Err(_) => Err(failure::no_reply(to, timeouts.silence)),
    }
}

/// The transfer command's line.
pub(crate) fn command(spec: &TransferSpec) -> String {
    let verb = spec.operation.command();
    if spec.operation.is_listing() {
        verb.into()
    } else {
        format!("{verb} {}", spec.content.name())
    }
}

/// What the operation moves over the data connection.
pub(super) async fn flow_through(
    data: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin),
    spec: &TransferSpec,
) -> Result<Transferred, ClientFailure> {
    let silence = spec.timeouts.silence;
    let moved = spec.moved();
    match spec.operation {
        Operation::Retr | Operation::Rest => {
            let expected = moved.end - moved.start;
            let (bytes, digest) =
                flow::receive(data, expected, silence, spec.pace, spec.pauses.as_ref()).await?;
            Ok(Transferred::Received { bytes, digest })
        }
        Operation::Stor | Operation::Appe => {
            let bytes =
                flow::send(data, &spec.content, moved, silence, spec.pauses.as_ref()).await?;
            Ok(Transferred::Sent { bytes })
        }
        Operation::List | Operation::Mlsd => {
            let listing = flow::receive_listing(data, silence).await?;
            Ok(Transferred::Listed {
                files: listed_files(spec.operation, &listing),
            })
        }
    }
}
