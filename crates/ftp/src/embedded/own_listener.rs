//! Active data connections that suppaftp has no way to announce.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use fwlab_model::{DataSetup, Operation};
use suppaftp::tokio::AsyncFtpStream;
use suppaftp::types::Response;
use suppaftp::{FtpError, Status};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::client::{BEGUN, End, command, flow_through, receive_buffer, replied, socket_for};
use super::failure;
use crate::wire::{ExtendedPort, HostPort, Reply};
use crate::{ClientFailure, Connection, Patience, TransferSpec, Transferred};

const DONE: &[Status] = &[Status::ClosingDataConnection, Status::RequestedFileActionOk];

/// Whether suppaftp itself cannot announce what the spec asks for.
pub(super) fn is_needed(spec: &TransferSpec) -> bool {
    match spec.data_setup {
        DataSetup::Port => spec.active_ports.is_some(),
        DataSetup::Eprt => spec.active_ports.is_some() || spec.server.is_ipv4(),
        DataSetup::Pasv | DataSetup::Epsv => false,
    }
}

/// The transfer through a listener of this crate's, on exactly the ports of the spec.
pub(super) async fn transfer(
    ftp: &mut AsyncFtpStream,
    spec: &TransferSpec,
    final_reply: &mut Option<Reply>,
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
        (_, address) => format!("EPRT {}", ExtendedPort(address)),
    };
    // A server that connects at once, before it answers, needs a connection's patience too.
    let setup_patience = Patience {
        silence: spec.patience.silence + spec.patience.connect,
        ..spec.patience
    };
    replied(
        &setup,
        setup_patience,
        ftp.custom_command(&setup, &[Status::CommandOk]),
    )
    .await?;
    if spec.operation == Operation::Rest {
        let rest = format!("REST {}", spec.content.half());
        replied(
            &rest,
            spec.patience,
            ftp.custom_command(&rest, &[Status::RequestFilePending]),
        )
        .await?;
    }
    let line = command(spec);
    replied(&line, setup_patience, ftp.custom_command(&line, BEGUN)).await?;
    let (mut data, early) = accept(ftp, &listener, spec).await?;
    let transferred = flow_through(&mut data, spec).await?;
    drop(data);
    let response = match early {
        Some(response) => response,
        None => {
            replied(
                "the end of the data",
                spec.patience,
                ftp.read_response_in(DONE),
            )
            .await?
        }
    };
    *final_reply = Some(failure::reply(&response));
    Ok(transferred)
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

/// Waits for the server's data connection, or for what it says instead.
async fn accept(
    ftp: &mut AsyncFtpStream,
    listener: &TcpListener,
    spec: &TransferSpec,
) -> Result<(TcpStream, Option<Response>), ClientFailure> {
    let server = spec.server.ip();
    let patience = spec.patience.connect;
    let waiting = async {
        tokio::select! {
            biased;
            accepted = accept_from(listener, server) => accepted.map(|data| (data, None)),
            // suppaftp keeps what it read of a reply when this branch loses.
            response = ftp.read_response_in(DONE) => match response {
                // A short transfer can be over before it is accepted.
                Ok(response) => accept_from(listener, server)
                    .await
                    .map(|data| (data, Some(response))),
                Err(FtpError::UnexpectedResponse(response)) => {
                    Err(failure::refused(failure::reply(&response)))
                }
                Err(error) => Err(failure::control(&error)),
            },
        }
    };
    match timeout(patience, waiting).await {
        Ok(outcome) => outcome,
        Err(_) => Err(failure::connect_deadline(Connection::Data, patience)),
    }
}

/// The first connection from the server's address; suppaftp's own active mode
/// passes over others in the same way.
async fn accept_from(listener: &TcpListener, server: IpAddr) -> Result<TcpStream, ClientFailure> {
    loop {
        let (data, from) = listener
            .accept()
            .await
            .map_err(|error| failure::connect(Connection::Data, &error))?;
        if from.ip() == server {
            return Ok(data);
        }
    }
}
