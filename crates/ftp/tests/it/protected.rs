use std::sync::Arc;
use std::time::Duration;

use fwlab_ftp::{
    Certificate, Client, ClientReport, Connection, DataSourcePort, FailureKind, Patience, PeerName,
    Server, ServerSettings, Support, TransferSpec, client, server,
};
use fwlab_model::{DataSetup, Family, Operation, Protection};
use libtest_mimic::{Failed, Trial};

use crate::bad_servers::SHORT;
use crate::by_hand;
use crate::lab::{Lab, carries, pass, report, server_address, skipped, spec, trial};
use crate::secured::{self, Manner};

const SERVERS: [PeerName; 2] = [PeerName::Libunftp, PeerName::Vsftpd];
const CLIENTS: [PeerName; 3] = [PeerName::Suppaftp, PeerName::Curl, PeerName::Lftp];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for server_name in SERVERS {
        for client_name in CLIENTS {
            let name = format!("protected/{server_name}/{client_name}");
            match (server(server_name), client(client_name)) {
                (Ok(server), Ok(client)) => trials.extend(matrix(&name, &server, &client)),
                (Err(missing), _) | (_, Err(missing)) => {
                    trials.push(skipped(name, &missing.to_string()));
                }
            }
        }
    }
    for name in SERVERS {
        match server(name) {
            Ok(server) => trials.extend(server_trials(&server)),
            Err(missing) => trials.push(skipped(format!("protected/{name}"), &missing.to_string())),
        }
    }
    for name in CLIENTS {
        match client(name) {
            Ok(client) => trials.extend(client_trials(&client)),
            Err(missing) => trials.push(skipped(format!("protected/{name}"), &missing.to_string())),
        }
    }
    trials
}

fn server_trials(server: &Arc<dyn Server>) -> Vec<Trial> {
    let name = server.name();
    let with = |case: &str, trial_of: fn(String, Arc<dyn Server>) -> Trial| {
        trial_of(format!("protected/{name}/{case}"), Arc::clone(server))
    };
    let mut trials = vec![
        with("a-certificate-of-the-users", |name, server| {
            trial(name, move || own_certificate(server))
        }),
        with("plain-is-not-let-in", |name, server| {
            trial(name, move || plain_is_not_let_in(server))
        }),
        with("ccc-is-refused", |name, server| {
            trial(name, move || ccc_is_refused(server))
        }),
    ];
    if name == PeerName::Libunftp {
        trials.push(with("a-broken-handshake", |name, server| {
            trial(name, move || broken_handshake(server))
        }));
        trials.push(Trial::test(
            "protected/libunftp/a-broken-handshake-is-not-told",
            broken_handshake_is_not_told,
        ));
        trials.push(with("no-implicit-tls", |name, server| {
            trial(name, move || no_implicit_tls(server))
        }));
    }
    trials
}

fn client_trials(client: &Arc<dyn Client>) -> Vec<Trial> {
    let name = client.name();
    let with = |case: &str, trial_of: fn(String, Arc<dyn Client>) -> Trial| {
        trial_of(format!("protected/{name}/{case}"), Arc::clone(client))
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

/// The same transfer under a protection, at the port that goes with it.
pub(crate) fn protected(spec: TransferSpec, protection: Protection) -> TransferSpec {
    let mut spec = TransferSpec { protection, ..spec };
    if protection == Protection::Implicit {
        spec.server.set_port(990);
    }
    spec
}

/// Every protection × family × data setup × operation that both sides claim to support.
pub(crate) fn matrix(name: &str, server: &Arc<dyn Server>, client: &Arc<dyn Client>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for protection in [Protection::Explicit, Protection::Implicit, Protection::Ccc] {
        for family in [Family::Ipv4, Family::Ipv6] {
            for &setup in DataSetup::ALL {
                for &operation in Operation::ALL {
                    let mut spec = protected(spec(setup, operation, 300_000), protection);
                    spec.server.set_ip(server_address(family));
                    let mut settings = ServerSettings::for_transfer(&spec);
                    if setup.is_active() && operation != Operation::Retr {
                        settings.data_source_port = DataSourcePort::Ephemeral;
                    }
                    let support = server
                        .supports(&spec, &settings)
                        .and(|| client.supports(&spec));
                    if support == Support::Yes && carries(setup, family) {
                        let name = format!("{name}/{protection}/{family}/{setup}/{operation}");
                        let (server, client) = (Arc::clone(server), Arc::clone(client));
                        trials.push(trial(name, move || passes(server, client, settings, spec)));
                    }
                }
            }
        }
    }
    trials
}

/// It passes, and the client can tell what was said, TLS or not.
async fn passes(
    server: Arc<dyn Server>,
    client: Arc<dyn Client>,
    settings: ServerSettings,
    spec: TransferSpec,
) -> Result<(), Failed> {
    let report = pass(&*server, &*client, &settings, &spec).await?;
    let progress = report.progress.ok_or("it has no record")?;
    assert!(progress.is_complete(), "{progress:?}");
    assert_eq!(progress.secured, spec.protection != Protection::Implicit);
    assert_eq!(report.final_reply, progress.completion);
    assert_eq!(report.announcements.len(), 1, "{:?}", report.announcements);
    assert_eq!(report.announcements[0].setup, spec.data_setup);
    Ok(())
}

/// A server with a certificate that a user gave.
async fn own_certificate(server: Arc<dyn Server>) -> Result<(), Failed> {
    let made = rcgen::generate_simple_self_signed(["ftp.example.net".to_owned()])?;
    let text = made.signing_key.serialize_pem() + &made.cert.pem();
    let spec = protected(
        spec(DataSetup::Epsv, Operation::Retr, 1000),
        Protection::Explicit,
    );
    let settings = ServerSettings {
        certificate: Some(Certificate::from_pem(&text)?),
        ..ServerSettings::for_transfer(&spec)
    };
    let client = client(PeerName::Suppaftp)?;
    pass(&*server, &*client, &settings, &spec).await.map(drop)
}

/// What a server offers it demands: nothing plain passes for protected.
async fn plain_is_not_let_in(server: Arc<dyn Server>) -> Result<(), Failed> {
    let plain = spec(DataSetup::Pasv, Operation::Retr, 1000);
    let settings = ServerSettings {
        protection: Protection::Explicit,
        ..ServerSettings::for_transfer(&plain)
    };
    let report = report(&*server, &*client(PeerName::Suppaftp)?, &settings, &plain).await?;
    let failure = report.result.expect_err("it is not let in");
    let FailureKind::Reply(reply) = &failure.kind else {
        return Err(format!("{failure:?}").into());
    };
    assert!(reply.code.number() >= 500, "{reply}");
    let progress = report.progress.expect("a record");
    assert_eq!(progress.latest.as_ref(), Some(reply));
    assert!(!progress.is_logged_in());
    Ok(())
}

/// What [`Server::supports`] says of CCC is what it does.
async fn ccc_is_refused(server: Arc<dyn Server>) -> Result<(), Failed> {
    let spec = protected(
        spec(DataSetup::Pasv, Operation::Retr, 1000),
        Protection::Ccc,
    );
    let settings = ServerSettings::for_transfer(&spec);
    assert!(!server.supports(&spec, &settings).is_yes());
    let report = report(&*server, &*client(PeerName::Suppaftp)?, &settings, &spec).await?;
    let failure = report.result.expect_err("no CCC");
    assert_eq!(failure.on, Connection::Control);
    match &failure.kind {
        FailureKind::Reply(reply) if reply.code.is_negative() => Ok(()),
        _ => Err(format!("{failure:?}").into()),
    }
}

/// A data connection that is closed in place of a handshake ends, and nothing else does.
async fn broken_handshake(server: Arc<dyn Server>) -> Result<(), Failed> {
    let spec = protected(
        spec(DataSetup::Pasv, Operation::Retr, 1000),
        Protection::Explicit,
    );
    let made = rcgen::generate_simple_self_signed(["server".to_owned()])?;
    let text = made.cert.pem() + &made.signing_key.serialize_pem();
    let settings = ServerSettings {
        certificate: Some(Certificate::from_pem(&text)?),
        ..ServerSettings::for_transfer(&spec)
    };
    let lab = Lab::build().await;
    let running = server.start(&lab.server, &settings).await?;
    let believed = made.cert.der().clone();
    by_hand::break_a_data_handshake(&lab.client, &spec, believed).await?;
    let report = client(PeerName::Suppaftp)?
        .transfer(&lab.client, &spec)
        .await?;
    running.stop().await?;
    let transferred = report.result.map_err(|failure| failure.to_string())?;
    Ok(spec.verify(&transferred, None)?)
}

/// The same in a process of its own, which says nothing of it.
fn broken_handshake_is_not_told() -> Result<(), Failed> {
    let ended = std::process::Command::new(std::env::current_exe()?)
        .args(["--exact", "protected/libunftp/a-broken-handshake"])
        .output()?;
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    if ended.status.success() && told.is_empty() {
        Ok(())
    } else {
        Err(format!("{}: {told}", ended.status).into())
    }
}

/// What [`Server::supports`] says of implicit TLS is what libunftp does; and a handshake
/// that fails on the control connection is told from a connection that does.
async fn no_implicit_tls(server: Arc<dyn Server>) -> Result<(), Failed> {
    let spec = protected(
        spec(DataSetup::Pasv, Operation::Retr, 1000),
        Protection::Implicit,
    );
    let settings = ServerSettings::for_transfer(&spec);
    assert!(!server.supports(&spec, &settings).is_yes());
    let report = report(&*server, &*client(PeerName::Suppaftp)?, &settings, &spec).await?;
    let failure = report.result.expect_err("no TLS before AUTH");
    assert_eq!(
        (failure.on, failure.kind),
        (Connection::Control, FailureKind::Tls)
    );
    Ok(())
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
            if !client.supports(&reusing).is_yes() {
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
const FEW_SECONDS: Patience = Patience {
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
        patience: FEW_SECONDS,
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
            patience: SHORT,
            ..protected(spec(setup, Operation::Retr, 1000), Protection::Explicit)
        };
        let settings = ServerSettings::for_transfer(&spec);
        if client.supports(&spec).is_yes() {
            continue;
        }
        let report = report(&*server, &*client, &settings, &spec).await?;
        if let Ok(transferred) = report.result {
            return Err(format!("{setup}: {transferred:?}\n{}", report.log).into());
        }
    }
    Ok(())
}
