use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use fwlab_fabric::Node;
use fwlab_model::{DataSetup, Operation};
use suppaftp::tokio::{AsyncFtpStream, AsyncNoTlsStream, TransferStream};
use suppaftp::types::{FileType, FtpResult, Mode};
use suppaftp::{FtpError, Status};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{failure, flow, own_listener};
use crate::listing::listed_files;
use crate::reserve::reserve_ports;
use crate::wire::Reply;
use crate::{
    Client, ClientFailure, ClientReport, Connection, FailureKind, Patience, PeerError, PeerName,
    Support, TransferSpec, Transferred,
};

const PEER: PeerName = PeerName::Suppaftp;

/// The version of suppaftp that the workspace's lock file holds; a test compares.
const VERSION: &str = "12.2.1";

pub(super) const BEGUN: &[Status] = &[Status::AboutToSend, Status::AlreadyOpen];
/// suppaftp as a client inside the lab.
///
/// PASV, EPSV, PORT over IPv4 and EPRT over IPv6 are suppaftp's own. For EPRT
/// over IPv4, and for active ports that the spec fixes, suppaftp has no way: then
/// the listener is this crate's and suppaftp speaks on the control connection.
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

    fn supports(&self, transfer: &TransferSpec) -> Support {
        transfer.possible()
    }

    async fn transfer(&self, node: &Node, spec: &TransferSpec) -> Result<ClientReport, PeerError> {
        if let Some(ports) = spec
            .active_ports
            .clone()
            .filter(|_| spec.data_setup.is_active())
        {
            reserve_ports(node, ports)
                .await
                .map_err(|source| PeerError::Sysctl { peer: PEER, source })?;
        }
        let spec = spec.clone();
        node.run(move || async move { report(&spec).await })
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
    let mut final_reply = None;
    let whole = spec.patience.whole;
    let result = match timeout(whole, session(spec, &mut final_reply)).await {
        Ok(Ok(transferred)) => Ok(transferred),
        Ok(Err(End::Failed(failure))) => Err(failure),
        Ok(Err(End::Bind { address, source })) => {
            return Err(PeerError::Bind {
                peer: PEER,
                address,
                source,
            });
        }
        Err(_) => Err(failure::session_deadline(whole)),
    };
    if let Err(ClientFailure {
        kind: FailureKind::Reply(reply),
        ..
    }) = &result
    {
        final_reply = Some(reply.clone());
    }
    Ok(ClientReport {
        result,
        final_reply,
        progress: None,
        announcements: Vec::new(),
        log: String::new(),
    })
}

/// Connects, logs in, transfers, quits. A session that fails is dropped: it may
/// be out of step.
async fn session(spec: &TransferSpec, final_reply: &mut Option<Reply>) -> Result<Transferred, End> {
    let patience = spec.patience;
    let control = connect(spec.server, patience.connect, Connection::Control).await?;
    let ftp = replied(
        "the connection",
        patience,
        AsyncFtpStream::connect_with_stream(control),
    )
    .await?;
    let data_failure = Arc::default();
    let mut ftp = with_data_connections(ftp, spec, Arc::clone(&data_failure));
    replied(
        "USER and PASS",
        patience,
        ftp.login(spec.login.user(), spec.login.password()),
    )
    .await?;
    replied("TYPE", patience, ftp.transfer_type(FileType::Binary)).await?;
    let transferred = if own_listener::is_needed(spec) {
        own_listener::transfer(&mut ftp, spec, final_reply).await?
    } else {
        through_suppaftp(&mut ftp, spec, &data_failure).await?
    };
    // The transfer is over: a server that goes without a goodbye takes nothing from it.
    let _ = timeout(patience.silence, ftp.quit()).await;
    Ok(transferred)
}

type DataFailure = Arc<OnceLock<ClientFailure>>;

/// Has suppaftp open its passive data connections with our patience and pace; what
/// becomes of them is told apart from what becomes of the control connection.
fn with_data_connections(
    ftp: AsyncFtpStream,
    spec: &TransferSpec,
    data_failure: DataFailure,
) -> AsyncFtpStream {
    let patience = spec.patience.connect;
    let receive_buffer = receive_buffer(spec);
    let mut ftp = ftp
        .active_mode(patience)
        .passive_stream_builder(move |address| {
            let data_failure = Arc::clone(&data_failure);
            Box::pin(async move {
                let opening = open(address, receive_buffer);
                let failure = match timeout(patience, opening).await {
                    Ok(Ok(stream)) => return Ok(stream),
                    Ok(Err(error)) => failure::connect(Connection::Data, &error),
                    Err(_) => failure::connect_deadline(Connection::Data, patience),
                };
                let words = failure.words.clone();
                // Set once: the session ends with its first failure.
                let _ = data_failure.set(failure);
                Err(FtpError::ConnectionError(io::Error::other(words)))
            })
        });
    ftp.set_mode(match spec.data_setup {
        DataSetup::Pasv => Mode::Passive,
        DataSetup::Epsv => Mode::ExtendedPassive,
        DataSetup::Port | DataSetup::Eprt => Mode::Active,
    });
    ftp
}

/// A slow reader must not have the kernel read ahead for it.
pub(super) fn receive_buffer(spec: &TransferSpec) -> Option<u32> {
    spec.pace.map(|_| 32 * 1024)
}

async fn connect(
    address: SocketAddr,
    patience: Duration,
    on: Connection,
) -> Result<TcpStream, ClientFailure> {
    match timeout(patience, open(address, None)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(failure::connect(on, &error)),
        Err(_) => Err(failure::connect_deadline(on, patience)),
    }
}

async fn open(address: SocketAddr, receive_buffer: Option<u32>) -> io::Result<TcpStream> {
    let socket = socket_for(address.ip())?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(super) fn socket_for(address: IpAddr) -> io::Result<TcpSocket> {
    match address {
        IpAddr::V4(_) => TcpSocket::new_v4(),
        IpAddr::V6(_) => TcpSocket::new_v6(),
    }
}

/// Waits for a step of the control connection, a reply's worth of patience.
pub(super) async fn replied<T>(
    to: &str,
    patience: Patience,
    step: impl Future<Output = FtpResult<T>>,
) -> Result<T, ClientFailure> {
    match timeout(patience.silence, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failure::control(&error)),
        Err(_) => Err(failure::no_reply(to, patience.silence)),
    }
}

/// The transfer command's line.
pub(super) fn command(spec: &TransferSpec) -> String {
    let verb = spec.operation.command();
    if spec.operation.is_listing() {
        verb.into()
    } else {
        format!("{verb} {}", spec.content.name())
    }
}

/// The whole transfer by suppaftp's own means.
async fn through_suppaftp(
    ftp: &mut AsyncFtpStream,
    spec: &TransferSpec,
    data_failure: &DataFailure,
) -> Result<Transferred, ClientFailure> {
    let Patience {
        connect, silence, ..
    } = spec.patience;
    let name = spec.content.name();
    if spec.operation == Operation::Rest {
        let offset = usize::try_from(spec.content.half()).expect("at most 100 MiB");
        replied("REST", spec.patience, ftp.resume_transfer(offset)).await?;
    }
    let opening = async {
        match spec.operation {
            Operation::Stor => ftp.put_with_stream(name).await,
            Operation::Appe => ftp.append_with_stream(name).await,
            _ => ftp
                .custom_data_command(command(spec), BEGUN)
                .await
                .map(|(_, data)| data),
        }
    };
    // The setup, a connection and the transfer command: three replies and a connection.
    let mut data = match timeout(connect + silence * 3, opening).await {
        Ok(Ok(data)) => data,
        Ok(Err(error)) => {
            return Err(data_failure
                .get()
                .cloned()
                .unwrap_or_else(|| accepted_or_control(&error, connect)));
        }
        Err(_) => {
            let to = format!("{} or {}", spec.data_setup.command(), command(spec));
            return Err(failure::no_reply(&to, silence));
        }
    };
    let transferred = flow_through(&mut data, spec).await?;
    finish(data, spec.patience).await?;
    Ok(transferred)
}

/// suppaftp's active mode has one failure on the data connection: nobody came.
/// It is the only one that is a time-out without being the kernel's.
fn accepted_or_control(error: &FtpError, patience: Duration) -> ClientFailure {
    match error {
        FtpError::ConnectionError(error)
            if error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none() =>
        {
            failure::connect_deadline(Connection::Data, patience)
        }
        error => failure::control(error),
    }
}

async fn finish(
    data: TransferStream<AsyncNoTlsStream>,
    patience: Patience,
) -> Result<(), ClientFailure> {
    replied("the end of the data", patience, data.finish()).await
}

/// What the operation moves over the data connection.
pub(super) async fn flow_through(
    data: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin),
    spec: &TransferSpec,
) -> Result<Transferred, ClientFailure> {
    let silence = spec.patience.silence;
    let moved = spec.moved();
    match spec.operation {
        Operation::Retr | Operation::Rest => {
            let expected = moved.end - moved.start;
            let (bytes, digest) = flow::receive(data, expected, silence, spec.pace).await?;
            Ok(Transferred::Received { bytes, digest })
        }
        Operation::Stor | Operation::Appe => {
            let bytes = flow::send(data, &spec.content, moved, silence).await?;
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
