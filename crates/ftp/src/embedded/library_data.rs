//! Transfers by suppaftp's own means.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fwlab_record::{DataSetup, Operation};
use suppaftp::FtpError;
use suppaftp::types::{ActivePeerCheck, Mode};
use tokio::time::timeout;

use super::client::{BEGUN, DONE, Ftp, command, flow_through, replied};
use super::connections::Connections;
use super::failure;
use crate::pause::within;
use crate::{
    ClientFailure, Connection, FailureKind, PassiveAddress, Timeouts, TransferSpec, Transferred,
};

/// Has suppaftp agree on data connections as the spec says, with our patience.
pub(super) fn prepared(ftp: Ftp, spec: &TransferSpec, connections: &Arc<Connections>) -> Ftp {
    let connections = Arc::clone(connections);
    let mut ftp = ftp
        .active_mode(spec.timeouts.connect)
        .passive_stream_builder(move |address| {
            let connections = Arc::clone(&connections);
            Box::pin(async move { connections.open_data(address).await })
        });
    ftp.set_mode(match spec.data_setup {
        DataSetup::Pasv => Mode::Passive,
        DataSetup::Epsv => Mode::ExtendedPassive,
        DataSetup::Port | DataSetup::Eprt => Mode::Active,
    });
    // The rules decide who may connect, as with the clients that are programs. That it was another is noted.
    ftp.set_active_peer_check(ActivePeerCheck::Any);
    ftp.set_passive_nat_workaround(spec.passive_address == PassiveAddress::Ignored);
    ftp
}

/// The transfer, from the data setup to the final reply.
pub(super) async fn transfer(
    ftp: &mut Ftp,
    spec: &TransferSpec,
    connections: &Connections,
) -> Result<Transferred, ClientFailure> {
    let Timeouts {
        connect, silence, ..
    } = spec.timeouts;
    let name = spec.content.name();
    if spec.operation == Operation::Rest {
        let offset = usize::try_from(spec.content.half()).expect("at most 100 MiB");
        replied("REST", spec.timeouts, ftp.resume_transfer(offset)).await?;
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
    // The setup, the transfer command and TLS, each with an answer; and a connection.
    let timeouts = connect + silence * 4;
    let mut data = match within(timeouts, spec.pauses.as_ref(), opening).await {
        Some(Ok(data)) => data,
        Some(Err(error)) => {
            let failure = match connections.failure() {
                Some(failure) => failure,
                None => return Err(accepted_or_control(&error, connect)),
            };
            if connections.awaits_reason(&failure) {
                // What it says is in the transcript.
                let _ = timeout(silence, ftp.read_response_in(DONE)).await;
                return Err(connections.refusal().unwrap_or(failure));
            }
            return Err(failure);
        }
        None => {
            let to = format!("{} or {}", spec.data_setup.command(), command(spec));
            return Err(failure::no_reply(&to, silence));
        }
    };
    match flow_through(&mut data, spec).await {
        Ok(transferred) => {
            let finished = replied("the end of the data", spec.timeouts, data.finish()).await;
            match finished {
                Ok(()) => Ok(transferred),
                // suppaftp has read the server's last word then, and gives the error of the data connection, which
                // the server ended when the last bytes were under way.
                Err(failure) if matches!(failure.kind, FailureKind::Broken) => {
                    Err(connections.refusal().unwrap_or(failure))
                }
                Err(failure) => Err(failure),
            }
        }
        Err(failure) if connections.awaits_reason(&failure) => {
            let _ = timeout(silence, data.finish()).await;
            Err(connections.refusal().unwrap_or(failure))
        }
        Err(failure) => Err(failure),
    }
}

/// suppaftp's active mode has one failure on the data connection: nobody came.
/// It is the only one that is a time-out without being the kernel's.
fn accepted_or_control(error: &FtpError, timeouts: Duration) -> ClientFailure {
    match error {
        FtpError::ConnectionError(error)
            if error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none() =>
        {
            failure::connect_deadline(Connection::Data, timeouts)
        }
        error => failure::control(error),
    }
}
