use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use fwlab_ftp::DEVIATIONS;
use fwlab_ftp::deviation::{Asked, ruled_out};
use fwlab_ftp::{
    Client, Connection, FailureKind, PassiveAddress, Server, ServerSettings, TransferSpec, client,
    server,
};
use fwlab_record::{DataSetup, Family, Operation, PeerName};
use libtest_mimic::{Failed, Trial};

use crate::lab::{Lab, check, pass, report, server_address, skipped, spec, trial};

/// An address that the client node has no route to (RFC 5737).
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for server_name in [PeerName::Libunftp, PeerName::Vsftpd] {
        let server = match server(server_name) {
            Ok(server) => server,
            Err(missing) => {
                let name = format!("addresses/{server_name}");
                trials.push(skipped(name, &missing.to_string()));
                continue;
            }
        };
        let every = Arc::clone(&server);
        trials.push(trial(
            format!("addresses/{server_name}/every-address"),
            move || every_address(every),
        ));
        for client_name in [
            PeerName::Suppaftp,
            PeerName::Curl,
            PeerName::Lftp,
            PeerName::Ftplib,
        ] {
            let name = format!("addresses/{server_name}/{client_name}/another-in-the-227");
            match client(client_name) {
                Ok(client) => {
                    let server = Arc::clone(&server);
                    trials.push(trial(name, move || another_in_the_227(server, client)));
                }
                Err(missing) => trials.push(skipped(name, &missing.to_string())),
            }
        }
        let six = Arc::clone(&server);
        trials.push(trial(
            format!("addresses/{server_name}/four-over-six"),
            move || async move {
                match server_name {
                    PeerName::Vsftpd => four_over_six(six).await,
                    _ => four_over_six_is_not_served(six).await,
                }
            },
        ));
    }
    trials
}

/// A server that announces an address behind which it is not: who believes it does not
/// get there, who ignores it does.
async fn another_in_the_227(
    server: Arc<dyn Server>,
    client: Arc<dyn Client>,
) -> Result<(), Failed> {
    let believing = spec(DataSetup::Pasv, Operation::Retr, 1000);
    let settings = ServerSettings {
        advertised_address: Some(ELSEWHERE),
        ..ServerSettings::for_transfer(&believing)
    };
    let report = report(&*server, &*client, &settings, &believing).await?;
    let failure = report.result.expect_err("nobody is there");
    // curl tries again, without the word that its first try failed on the connection.
    if failure.on != Connection::Data || failure.kind != FailureKind::Connect {
        return Err(format!("{failure:?}\n{}", report.log).into());
    }
    assert_eq!(report.announcements[0].address, Some(ELSEWHERE.into()));
    let ignoring = TransferSpec {
        passive_address: PassiveAddress::Ignored,
        ..believing
    };
    let report = pass(&*server, &*client, &settings, &ignoring).await?;
    assert_eq!(report.announcements[0].address, Some(ELSEWHERE.into()));
    Ok(())
}

/// A server that listens on the unspecified address of IPv6 is reached over both families
/// and serves each as its own; one on that of IPv4 over IPv4.
async fn every_address(server: Arc<dyn Server>) -> Result<(), Failed> {
    let client = client(PeerName::Suppaftp)?;
    let unspecified: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
    for address in unspecified {
        let lab = Lab::build().await;
        let first = spec(DataSetup::Pasv, Operation::Retr, 1000);
        let settings = ServerSettings {
            address,
            ..ServerSettings::for_transfer(&first)
        };
        let mut running = server.start(&lab.server, &settings).await?;
        let mut sessions = vec![
            (Family::Ipv4, DataSetup::Pasv),
            (Family::Ipv4, DataSetup::Epsv),
            (Family::Ipv4, DataSetup::Port),
        ];
        if address.is_ipv6() {
            sessions.push((Family::Ipv6, DataSetup::Epsv));
        }
        for (family, setup) in sessions {
            let mut spec = spec(setup, Operation::Retr, 1000);
            spec.server.set_ip(server_address(family));
            let report = client.transfer(&lab.client, &spec).await?;
            check(&mut *running, &report, &spec)
                .await
                .map_err(|why| format!("{address} {family} {setup}: {why}"))?;
        }
        running.stop().await?;
    }
    Ok(())
}

fn over_six(setup: DataSetup) -> TransferSpec {
    let mut spec = spec(setup, Operation::Retr, 1000);
    spec.server.set_ip(server_address(Family::Ipv6));
    spec
}

/// Over IPv6, vsftpd refuses PORT and announces 0.0.0.0 in its 227; who believes that
/// connects to itself, who ignores it gets there.
async fn four_over_six(server: Arc<dyn Server>) -> Result<(), Failed> {
    let client = client(PeerName::Suppaftp)?;
    let nowhere = Some(Ipv4Addr::UNSPECIFIED.into());
    let port = over_six(DataSetup::Port);
    let settings = ServerSettings::for_transfer(&port);
    assert!(server.supports(&port, &settings).is_yes());
    let refused = report(&*server, &*client, &settings, &port).await?;
    assert_eq!(refused.announcements[0].address, nowhere);
    let progress = refused.progress.expect("a record");
    let answer = progress.setups[0].answer.as_ref().expect("an answer");
    assert_eq!(answer.code.number(), 500);
    let failure = refused.result.expect_err("PORT is refused");
    assert_eq!(failure.kind, FailureKind::Reply(answer.clone()));

    let pasv = over_six(DataSetup::Pasv);
    assert!(server.supports(&pasv, &settings).is_yes());
    let lost = report(&*server, &*client, &settings, &pasv).await?;
    assert_eq!(lost.announcements[0].address, nowhere);
    let failure = lost.result.expect_err("it connects to itself");
    assert_eq!(
        (failure.on, failure.kind),
        (Connection::Data, FailureKind::Connect)
    );
    let ignoring = TransferSpec {
        passive_address: PassiveAddress::Ignored,
        ..pasv
    };
    pass(&*server, &*client, &settings, &ignoring)
        .await
        .map(drop)
}

/// What is recorded of libunftp, PORT and PASV over IPv6 is what it does.
async fn four_over_six_is_not_served(server: Arc<dyn Server>) -> Result<(), Failed> {
    let client = client(PeerName::Suppaftp)?;
    for setup in [DataSetup::Port, DataSetup::Pasv] {
        let spec = over_six(setup);
        let settings = ServerSettings::for_transfer(&spec);
        let asked = Asked::of(&spec, &settings);
        assert!(!ruled_out(server.name(), &asked, DEVIATIONS).is_yes());
        let report = report(&*server, &*client, &settings, &spec).await?;
        match (setup, report.result.expect_err("not over IPv6").kind) {
            (DataSetup::Port, FailureKind::Reply(reply)) if reply.code.number() == 425 => {}
            (DataSetup::Pasv, FailureKind::Closed) => {}
            (_, kind) => return Err(format!("{setup}: {kind:?}").into()),
        }
    }
    Ok(())
}
