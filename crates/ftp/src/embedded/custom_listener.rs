//! Active data connections that suppaftp has no way to announce.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::ops::RangeInclusive;

use fwlab_record::{DataSetup, Operation};
use suppaftp::{FtpError, Status};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::client::{BEGUN, DONE, End, Ftp, command, flow_through, replied};
use super::connections::Connections;
use super::failure;
use super::sockets::{receive_buffer, socket_for};
use super::stream::Stream;
use crate::wire::{ExtendedPort, HostPort};
use crate::{ClientFailure, Connection, Moment, Timeouts, TransferSpec, Transferred};

/// Whether suppaftp itself cannot announce what the spec asks for.
pub(super) fn is_needed(spec: &TransferSpec) -> bool {
    // suppaftp announces and sends the transfer command in one go.
    let waits = || {
        let pauses = spec.pauses.as_ref();
        pauses.is_some_and(|pauses| pauses.are_at(Moment::Agreed))
    };
    let fixed = spec.active_ports.is_some();
    match spec.data_setup {
        DataSetup::Port => fixed || spec.server.is_ipv6() || waits(),
        DataSetup::Eprt => fixed || spec.server.is_ipv4() || waits(),
        DataSetup::Pasv | DataSetup::Epsv => false,
    }
}

/// The transfer through a listener of this crate's, on exactly the ports of the spec.
pub(super) async fn transfer(
    ftp: &mut Ftp,
    spec: &TransferSpec,
    connections: &Connections,
) -> Result<Transferred, End> {
    let local = ftp
        .get_ref()
        .await
        .local_addr()
        .map_err(|error| failure::connect(Connection::Control, &error))?
        .ip();
    let listener = listen(
        local,
        spec.active_ports.clone().unwrap_or(0..=0),
        receive_buffer(spec),
    )?;
    let announced = listener
        .local_addr()
        .map_err(|error| failure::connect(Connection::Data, &error))?;
    let setup = match (spec.data_setup, announced) {
        (DataSetup::Port, SocketAddr::V4(address)) => format!("PORT {}", HostPort(address)),
        (DataSetup::Port, SocketAddr::V6(address)) => {
            // It has no room for the address. Such clients of the field send this one.
            let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, address.port());
            format!("PORT {}", HostPort(nowhere))
        }
        (_, address) => format!("EPRT {}", ExtendedPort(address)),
    };
    // A server that connects at once, before it answers, needs a connection's patience too.
    let setup_timeouts = Timeouts {
        silence: spec.timeouts.silence + spec.timeouts.connect,
        ..spec.timeouts
    };
    replied(
        &setup,
        setup_timeouts,
        ftp.custom_command(&setup, &[Status::CommandOk]),
    )
    .await?;
    connections.pause(Moment::Agreed).await;
    if spec.operation == Operation::Rest {
        let rest = format!("REST {}", spec.content.half());
        replied(
            &rest,
            spec.timeouts,
            ftp.custom_command(&rest, &[Status::RequestFilePending]),
        )
        .await?;
    }
    let line = command(spec);
    replied(&line, setup_timeouts, ftp.custom_command(&line, BEGUN)).await?;
    let (data, early) = accept(ftp, &listener, spec).await?;
    let moved = async {
        let mut data = connections.data(data).await?;
        let transferred = flow_through(&mut data, spec).await?;
        close(data, spec).await;
        Ok(transferred)
    };
    match moved.await {
        Ok(transferred) if early => Ok(transferred),
        Ok(transferred) => {
            let end = ftp.read_response_in(DONE);
            replied("the end of the data", spec.timeouts, end).await?;
            Ok(transferred)
        }
        Err(failure) if connections.awaits_reason(&failure) => {
            // What it says is in the transcript.
            let _ = timeout(spec.timeouts.silence, ftp.read_response_in(DONE)).await;
            Err(connections.refusal().unwrap_or(failure).into())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Ends a data connection as TLS wants it: with word of it, and after an upload only
/// when the server has ended its side. What the server sent unasked (its session
/// tickets) would otherwise lie unread, and the kernel would reset the connection
/// before the last bytes were there. The final reply tells how it went.
async fn close(mut data: Stream, spec: &TransferSpec) {
    if !matches!(data, Stream::Tls(_)) {
        return;
    }
    let ending = async {
        data.shutdown().await?;
        if spec.operation.is_upload() {
            tokio::io::copy(&mut data, &mut tokio::io::sink()).await?;
        }
        io::Result::Ok(())
    };
    let _ = timeout(spec.timeouts.silence, ending).await;
}

/// Listens on the first port that is free.
fn listen(
    address: IpAddr,
    ports: RangeInclusive<u16>,
    receive_buffer: Option<u32>,
) -> Result<TcpListener, End> {
    let mut tried = SocketAddr::new(address, *ports.start());
    let mut latest = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for port in ports {
        tried.set_port(port);
        match listen_on(tried, receive_buffer) {
            Ok(listener) => return Ok(listener),
            Err(error) => latest = error,
        }
    }
    Err(End::Bind {
        address: tried,
        source: latest,
    })
}

fn listen_on(address: SocketAddr, receive_buffer: Option<u32>) -> io::Result<TcpListener> {
    let socket = socket_for(address.ip())?;
    socket.set_reuseaddr(true)?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(address)?;
    socket.listen(4)
}

/// Waits for the server's data connection, or for what it says instead; gives too
/// whether the final reply came before it.
async fn accept(
    ftp: &mut Ftp,
    listener: &TcpListener,
    spec: &TransferSpec,
) -> Result<(TcpStream, bool), ClientFailure> {
    let timeouts = spec.timeouts.connect;
    let waiting = async {
        tokio::select! {
            biased;
            accepted = accept_first(listener) => accepted.map(|data| (data, false)),
            // suppaftp keeps what it read of a reply when this branch loses.
            response = ftp.read_response_in(DONE) => match response {
                // A short transfer can be over before it is accepted.
                Ok(_) => accept_first(listener).await.map(|data| (data, true)),
                Err(FtpError::UnexpectedResponse(response)) => {
                    Err(failure::refused(failure::reply(&response)))
                }
                Err(error) => Err(failure::control(&error)),
            },
        }
    };
    match timeout(timeouts, waiting).await {
        Ok(outcome) => outcome,
        Err(_) => Err(failure::connect_deadline(Connection::Data, timeouts)),
    }
}

/// The first connection, whoever it is from: the rules decide that.
async fn accept_first(listener: &TcpListener) -> Result<TcpStream, ClientFailure> {
    let accepted = listener.accept().await;
    let (data, _) = accepted.map_err(|error| failure::connect(Connection::Data, &error))?;
    Ok(data)
}
