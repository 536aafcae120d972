use std::sync::Arc;
use std::time::Duration;

use fwlab_ftp::{
    Client, ClientReport, Connection, DataSourcePort, FailureKind, ServerSettings, Support,
    Timeouts, TransferSpec, client, server,
};
use fwlab_record::{DataSetup, Operation, PeerName, Protection};
use libtest_mimic::{Failed, Trial};

use crate::bad_servers::SHORT;
use crate::lab::{Lab, pass, report, skipped, spec, supported, trial};
use crate::protected::{CLIENTS, protected};
use crate::secured::{self, Manner};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for name in CLIENTS {
        match client(name) {
            Ok(client) => trials.extend(client_trials(&client)),
            Err(missing) => {
                trials.push(skipped(format!("tls-clients/{name}"), &missing.to_string()))
            }
        }
    }
    trials
}

fn client_trials(client: &Arc<dyn Client>) -> Vec<Trial> {
    let name = client.name();
    let with = |case: &str, trial_of: fn(String, Arc<dyn Client>) -> Trial| {
        trial_of(format!("tls-clients/{name}/{case}"), Arc::clone(client))
    };
    let mut trials = vec![
        with("session-reuse", |name, client| {
            trial(name, move || session_reuse(client))
        }),
        with("ccc", |name, client| trial(name, move || ccc(client))),
        with("failures", |name, client| {
            trial(name, move || failures(client))
        }),
        with("unsupported-is-no-pass", |name, client| {
            trial(name, move || unsupported_is_no_pass(client))
        }),
    ];
    if name == PeerName::Suppaftp {
        trials.push(with("ccc-that-does-not-clear", |name, client| {
            trial(name, move || ccc_that_does_not_clear(client))
        }));
    }
    trials
}

/// vsftpd demands that the data connection resumes the control connection's session: who
/// does passes, who does not is refused (522), in every data setup.
async fn session_reuse(client: Arc<dyn Client>) -> Result<(), Failed> {
    let Ok(server) = server(PeerName::Vsftpd) else {
        return Ok(());
    };
    let mut tried = 0;
    for &setup in DataSetup::ALL {
        for operation in [Operation::Retr, Operation::Stor] {
            let reusing = protected(spec(setup, operation, 300_000), Protection::Explicit);
            let settings = ServerSettings {
                require_session_reuse: true,
                data_source_port: DataSourcePort::Ephemeral,
                ..ServerSettings::for_transfer(&reusing)
            };
            if !supported(&*server, &*client, &reusing, &settings).is_yes() {
                continue;
            }
            tried += 1;
            pass(&*server, &*client, &settings, &reusing).await?;
            let forgetful = TransferSpec {
                session_reuse: false,
                ..reusing
            };
            let report = report(&*server, &*client, &settings, &forgetful).await?;
            let failure = report.result.expect_err("it is refused");
            match &failure.kind {
                FailureKind::Reply(reply) => {
                    assert_eq!(reply.code.number(), 522, "{setup} {operation}");
                    assert_eq!(report.final_reply.as_ref(), Some(reply));
                }
                // A program may go before it has read what the server says of it.
                FailureKind::Broken
                    if !client.name().is_embedded() && failure.on == Connection::Data => {}
                _ => {
                    let told = format!("{setup} {operation}: {failure:?}\n{}", report.log);
                    return Err(told.into());
                }
            }
        }
    }
    assert!(tried >= 4, "{tried}");
    Ok(())
}

/// To curl, the patience for a connection is one for the TLS of a data connection too,
/// counted from the beginning of the session.
const FEW_SECONDS: Timeouts = Timeouts {
    connect: Duration::from_secs(3),
    silence: Duration::from_secs(1),
    whole: Duration::from_secs(8),
};

/// The report of one RETR of 1000 bytes from a server of that manner.
async fn from_secured(
    client: &dyn Client,
    manner: Manner,
    protection: Protection,
) -> Result<(ClientReport, TransferSpec), Failed> {
    let spec = TransferSpec {
        timeouts: FEW_SECONDS,
        ..protected(spec(DataSetup::Pasv, Operation::Retr, 1000), protection)
    };
    assert_eq!(client.supports(&spec), Support::Yes);
    let lab = Lab::build().await;
    secured::serve(&lab.server, manner, spec.content.bytes(0..1000)).await;
    let report = client.transfer(&lab.client, &spec).await?;
    Ok((report, spec))
}

/// After the login the control connection is in the clear, and the data is not.
async fn ccc(client: Arc<dyn Client>) -> Result<(), Failed> {
    if client.name() == PeerName::Lftp {
        let asked = protected(
            spec(DataSetup::Pasv, Operation::Retr, 1000),
            Protection::Ccc,
        );
        assert!(!client.supports(&asked).is_yes(), "servers do not bear it");
        return Ok(());
    }
    let (report, spec) = from_secured(&*client, Manner::Good, Protection::Ccc).await?;
    let transferred = report
        .result
        .map_err(|failure| format!("{failure:?}\n{}", report.log))?;
    spec.verify(&transferred, None)?;
    let progress = report.progress.expect("a record");
    assert!(progress.is_complete());
    assert_eq!(report.announcements.len(), 1);
    assert_eq!(report.announcements[0].port, 31240);
    Ok(())
}

async fn ccc_that_does_not_clear(client: Arc<dyn Client>) -> Result<(), Failed> {
    let (report, _) = from_secured(&*client, Manner::KeepsTls, Protection::Ccc).await?;
    let failure = report.result.expect_err("the server goes on under TLS");
    assert_eq!(
        (failure.on, failure.kind),
        (Connection::Control, FailureKind::Tls)
    );
    Ok(())
}

/// A handshake that fails is told from a connection that is not opened, and from a
/// server that says why.
async fn failures(client: Arc<dyn Client>) -> Result<(), Failed> {
    let cases = [
        (Manner::NonsenseOnControl, Connection::Control),
        (Manner::NonsenseOnData, Connection::Data),
    ];
    for (manner, on) in cases {
        let (report, _) = from_secured(&*client, manner, Protection::Explicit).await?;
        let failure = report.result.expect_err("no TLS");
        if (failure.on, &failure.kind) != (on, &FailureKind::Tls) {
            return Err(format!("{manner:?}: {failure:?}\n{}", report.log).into());
        }
    }
    let (report, _) = from_secured(&*client, Manner::SilentOnData, Protection::Explicit).await?;
    let failure = report.result.expect_err("no TLS");
    let waited = matches!(failure.kind, FailureKind::Tls | FailureKind::Deadline);
    if failure.on != Connection::Data || !waited {
        return Err(format!("silent: {failure:?}\n{}", report.log).into());
    }
    let (report, _) = from_secured(&*client, Manner::Refuses, Protection::Explicit).await?;
    let failure = report.result.expect_err("it is refused");
    match &failure.kind {
        FailureKind::Reply(reply) if reply.code.number() == 522 => Ok(()),
        // A program may go before it has read what the server says of it.
        FailureKind::Tls if !client.name().is_embedded() && failure.on == Connection::Data => {
            Ok(())
        }
        _ => Err(format!("refused: {failure:?}\n{}", report.log).into()),
    }
}

/// What a client says it cannot do under TLS, it does not pass for having done.
async fn unsupported_is_no_pass(client: Arc<dyn Client>) -> Result<(), Failed> {
    let Ok(server) = server(PeerName::Vsftpd) else {
        return Ok(());
    };
    for &setup in DataSetup::ALL {
        let spec = TransferSpec {
            timeouts: SHORT,
            ..protected(spec(setup, Operation::Retr, 1000), Protection::Explicit)
        };
        let settings = ServerSettings::for_transfer(&spec);
        if supported(&*server, &*client, &spec, &settings).is_yes() {
            continue;
        }
        let report = report(&*server, &*client, &settings, &spec).await?;
        if let Ok(transferred) = report.result {
            return Err(format!("{setup}: {transferred:?}\n{}", report.log).into());
        }
    }
    Ok(())
}
