use std::sync::Arc;

use fwlab_ftp::DEVIATIONS;
use fwlab_ftp::deviation::{Asked, ruled_out};
use fwlab_ftp::{
    Certificate, Client, Connection, DataSourcePort, FailureKind, Server, ServerSettings, Support,
    TransferSpec, client, server,
};
use fwlab_record::{DataSetup, Family, Operation, PeerName, Protection};
use libtest_mimic::{Failed, Trial};

use crate::by_hand;
use crate::lab::{Lab, carries, pass, report, server_address, skipped, spec, supported, trial};

const SERVERS: [PeerName; 2] = [PeerName::Libunftp, PeerName::Vsftpd];
pub(crate) const CLIENTS: [PeerName; 4] = [
    PeerName::Suppaftp,
    PeerName::Curl,
    PeerName::Lftp,
    PeerName::Ftplib,
];

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
                    let support = supported(&**server, &**client, &spec, &settings);
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

/// What is recorded of a server and CCC is what it does.
async fn ccc_is_refused(server: Arc<dyn Server>) -> Result<(), Failed> {
    let spec = protected(
        spec(DataSetup::Pasv, Operation::Retr, 1000),
        Protection::Ccc,
    );
    let settings = ServerSettings::for_transfer(&spec);
    let asked = Asked::of(&spec, &settings);
    assert!(!ruled_out(server.name(), &asked, DEVIATIONS).is_yes());
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
