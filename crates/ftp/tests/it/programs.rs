use std::sync::Arc;
use std::time::Duration;

use fwlab_ftp::DEVIATIONS;
use fwlab_ftp::deviation::{Asked, ruled_out};
use fwlab_ftp::{
    Client, Connection, DataSourcePort, FailureKind, PassivePorts, PeerError, Server,
    ServerSettings, Support, TransferSpec, client, server,
};
use fwlab_record::{DataSetup, Family, Operation, PeerName};
use libtest_mimic::{Failed, Trial};

use crate::lab::{Lab, carries, pass, server_address, skipped, spec, supported, trial};
use crate::scripted::{PASSIVE, Step, answer, say, serve};

const SIZES: [u64; 3] = [0, 1, 300_000];

pub(crate) fn trials() -> Vec<Trial> {
    let servers = [PeerName::Vsftpd, PeerName::Libunftp, PeerName::Pyftpdlib];
    let clients = [
        PeerName::Suppaftp,
        PeerName::Curl,
        PeerName::Lftp,
        PeerName::Ftplib,
    ];
    let mut trials = Vec::new();
    for server_name in servers {
        for client_name in clients {
            if server_name.is_embedded() && client_name.is_embedded() {
                continue;
            }
            let name = format!("programs/{server_name}/{client_name}");
            match (server(server_name), client(client_name)) {
                (Ok(server), Ok(client)) => trials.extend(matrix(&name, &server, &client)),
                (Err(missing), _) | (_, Err(missing)) => {
                    trials.push(skipped(name, &missing.to_string()));
                }
            }
        }
    }
    for name in [PeerName::Vsftpd] {
        match server(name) {
            Ok(server) => trials.extend(server_trials(&server)),
            Err(missing) => trials.push(skipped(format!("programs/{name}"), &missing.to_string())),
        }
    }
    for name in [PeerName::Curl, PeerName::Lftp, PeerName::Ftplib] {
        match client(name) {
            Ok(client) => trials.extend(client_trials(&client)),
            Err(missing) => trials.push(skipped(format!("programs/{name}"), &missing.to_string())),
        }
    }
    trials
}

/// Every data setup × operation × size that both sides claim to support.
pub(crate) fn matrix(name: &str, server: &Arc<dyn Server>, client: &Arc<dyn Client>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        for &setup in DataSetup::ALL {
            for &operation in Operation::ALL {
                for size in SIZES {
                    let mut spec = spec(setup, operation, size);
                    spec.server.set_ip(server_address(family));
                    if setup.is_active() {
                        spec.active_ports = Some(39632..=39632);
                    }
                    let settings = ServerSettings {
                        passive_ports: Some(PassivePorts {
                            min: 31240,
                            max: 31240,
                        }),
                        ..ServerSettings::for_transfer(&spec)
                    };
                    let support = supported(&**server, &**client, &spec, &settings);
                    let name = format!("{name}/{family}/{setup}/{operation}/{size}");
                    if support.is_yes() && carries(setup, family) {
                        let (server, client) = (Arc::clone(server), Arc::clone(client));
                        trials.push(trial(name, move || async move {
                            pass(&*server, &*client, &settings, &spec).await.map(drop)
                        }));
                    }
                }
            }
        }
    }
    trials
}

fn server_trials(server: &Arc<dyn Server>) -> Vec<Trial> {
    let name = server.name();
    let with = |case: &str, trial_of: fn(String, Arc<dyn Server>) -> Trial| {
        trial_of(format!("programs/{name}/{case}"), Arc::clone(server))
    };
    vec![
        with("gives-its-version", |name, server| {
            trial(name, move || async move { is_a_version(&server.version()) })
        }),
        with("mlsd-gets-500", |name, server| {
            trial(name, move || mlsd_gets_500(server))
        }),
        with("ports-the-wrong-way-round", |name, server| {
            trial(name, move || wrong_way_round(server))
        }),
        with("dies-of-a-bad-option", |name, server| {
            trial(name, move || bad_option(server))
        }),
        with("taken-port", |name, server| {
            trial(name, move || taken_port(server))
        }),
        with("ends-when-dropped", |name, server| {
            trial(name, move || ends_when_dropped(server))
        }),
        with("source-port", |name, server| {
            trial(name, move || source_port(server))
        }),
    ]
}

fn client_trials(client: &Arc<dyn Client>) -> Vec<Trial> {
    let name = client.name();
    let with = |case: &str, trial_of: fn(String, Arc<dyn Client>) -> Trial| {
        trial_of(format!("programs/{name}/{case}"), Arc::clone(client))
    };
    vec![
        with("gives-its-version", |name, client| {
            trial(name, move || async move { is_a_version(&client.version()) })
        }),
        with("falls-back", |name, client| {
            trial(name, move || falls_back(client))
        }),
        with("nobody-listens", |name, client| {
            trial(name, move || nobody_listens(client))
        }),
        with("bad-servers", |name, client| {
            trial(name, move || bad_servers(client))
        }),
        with("unsupported-is-no-pass", |name, client| {
            trial(name, move || unsupported_is_no_pass(client))
        }),
        with("a-slow-reader", |name, client| {
            trial(name, move || a_slow_reader(client))
        }),
        with("passive-binds-no-active-port", |name, client| {
            trial(name, move || passive_binds_no_active_port(client))
        }),
    ]
}

fn is_a_version(version: &str) -> Result<(), Failed> {
    let dotted = version.split('.').count() >= 2;
    if dotted && version.starts_with(|first: char| first.is_ascii_digit()) {
        Ok(())
    } else {
        Err(format!("`{version}` is no version").into())
    }
}

/// What is recorded of vsftpd and MLSD is what it does.
async fn mlsd_gets_500(server: Arc<dyn Server>) -> Result<(), Failed> {
    let spec = spec(DataSetup::Pasv, Operation::Mlsd, 1);
    let settings = ServerSettings::for_transfer(&spec);
    let asked = Asked::of(&spec, &settings);
    assert!(!ruled_out(server.name(), &asked, DEVIATIONS).is_yes());
    let lab = Lab::build().await;
    let running = server.start(&lab.server, &settings).await?;
    let report = client(PeerName::Suppaftp)?
        .transfer(&lab.client, &spec)
        .await?;
    running.stop().await?;
    assert_eq!(report.final_reply.expect("a reply").code.number(), 500);
    Ok(())
}

/// vsftpd keeps to no range whose bounds are the wrong way round; nothing fails.
async fn wrong_way_round(server: Arc<dyn Server>) -> Result<(), Failed> {
    let spec = spec(DataSetup::Pasv, Operation::Retr, 1000);
    let settings = ServerSettings {
        passive_ports: Some(PassivePorts {
            min: 31250,
            max: 31240,
        }),
        ..ServerSettings::for_transfer(&spec)
    };
    assert_eq!(server.supports(&spec, &settings), Support::Yes);
    let client = client(PeerName::Suppaftp)?;
    pass(&*server, &*client, &settings, &spec).await.map(drop)
}

/// A program that ends at its start is an error, at once.
async fn bad_option(server: Arc<dyn Server>) -> Result<(), Failed> {
    let spec = spec(DataSetup::Pasv, Operation::Retr, 1);
    let mut settings = ServerSettings::for_transfer(&spec);
    settings.options = vec![("no_such_option".into(), "YES".into())];
    let lab = Lab::build().await;
    let begun = std::time::Instant::now();
    let error = server
        .start(&lab.server, &settings)
        .await
        .err()
        .ok_or("it started")?;
    let own = "it ended at once: exit status: 2; \
               500 OOPS: unrecognised variable in config file: no_such_option";
    assert!(error.to_string().contains(own), "{error}");
    assert!(begun.elapsed().as_secs() < 5);
    Ok(())
}

async fn taken_port(server: Arc<dyn Server>) -> Result<(), Failed> {
    let spec = spec(DataSetup::Pasv, Operation::Retr, 1);
    let settings = ServerSettings::for_transfer(&spec);
    let lab = Lab::build().await;
    let _running = server.start(&lab.server, &settings).await?;
    match server.start(&lab.server, &settings).await {
        Err(PeerError::Bind { .. }) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err("two servers on one port".into()),
    }
}

async fn ends_when_dropped(server: Arc<dyn Server>) -> Result<(), Failed> {
    let spec = spec(DataSetup::Pasv, Operation::Retr, 1);
    let settings = ServerSettings::for_transfer(&spec);
    let lab = Lab::build().await;
    drop(server.start(&lab.server, &settings).await?);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while lab
        .server
        .run(|| async { std::net::TcpListener::bind("192.168.0.201:21").is_err() })
        .await?
    {
        if std::time::Instant::now() > end {
            return Err("the port is still taken".into());
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn source_port(server: Arc<dyn Server>) -> Result<(), Failed> {
    for source in [DataSourcePort::Twenty, DataSourcePort::Ephemeral] {
        let spec = spec(DataSetup::Port, Operation::Retr, 1);
        let mut settings = ServerSettings::for_transfer(&spec);
        settings.data_source_port = source;
        let lab = Lab::build().await;
        let running = server.start(&lab.server, &settings).await?;
        let port = crate::by_hand::port_of_an_active_connection(&lab.client, &spec).await?;
        running.stop().await?;
        assert_eq!(
            port == 20,
            source == DataSourcePort::Twenty,
            "from port {port}"
        );
    }
    Ok(())
}

/// A client that turns from EPSV to PASV has not passed in EPSV. curl does turn,
/// lftp with its one try does not.
async fn falls_back(client: Arc<dyn Client>) -> Result<(), Failed> {
    let spec = spec(DataSetup::Epsv, Operation::Retr, 5);
    let data = spec.content.bytes(0..5);
    let lab = Lab::build().await;
    let answers = [("EPSV", "500 no"), ("PASV", PASSIVE), ("RETR", "150 soon")];
    let steps = vec![
        answer(&answers),
        Step::Accept,
        Step::SendData(data),
        Step::CloseData,
        say("226 done"),
        Step::Hear,
        say("221 bye"),
    ];
    serve(&lab.server, steps).await;
    let report = client.transfer(&lab.client, &spec).await?;
    let failure = report.result.expect_err("no transfer in EPSV");
    let used = match &failure.kind {
        FailureKind::Fallback { used, .. } => used.as_slice(),
        FailureKind::Reply(reply) if reply.code.number() == 500 => &[DataSetup::Epsv],
        _ => return Err(format!("{failure:?}\n{}", report.log).into()),
    };
    let expected = match client.name() {
        PeerName::Curl => {
            assert_eq!(
                report.final_reply.expect("PASV went well").code.number(),
                226
            );
            &[DataSetup::Epsv, DataSetup::Pasv][..]
        }
        // It knows EPSV over IPv6 alone, and this is IPv4.
        PeerName::Ftplib => &[DataSetup::Pasv],
        _ => &[DataSetup::Epsv],
    };
    assert_eq!(used, expected);
    Ok(())
}

/// What a client says it cannot do, it does not pass for having done.
async fn unsupported_is_no_pass(client: Arc<dyn Client>) -> Result<(), Failed> {
    let server = server(PeerName::Libunftp)?;
    let mut tried = 0;
    let families = [Family::Ipv4, Family::Ipv6];
    for (family, &setup) in families.into_iter().flat_map(|family| {
        let setups = DataSetup::ALL.iter();
        setups.map(move |setup| (family, setup))
    }) {
        for &operation in Operation::ALL {
            let mut spec = spec(setup, operation, 1);
            spec.server.set_ip(server_address(family));
            // Over IPv6, curl waits for ever when EPRT is refused.
            spec.timeouts.whole = Duration::from_secs(3);
            let settings = ServerSettings::for_transfer(&spec);
            let asked = Asked::of(&spec, &settings);
            let support = client.supports(&spec);
            let support = support.and(|| ruled_out(client.name(), &asked, DEVIATIONS));
            if support.is_yes() {
                continue;
            }
            tried += 1;
            let lab = Lab::build().await;
            let running = server.start(&lab.server, &settings).await?;
            let report = client.transfer(&lab.client, &spec).await?;
            running.stop().await?;
            if let Ok(transferred) = report.result {
                let told = format!("{family} {setup} {operation}: {transferred:?}");
                return Err(format!("{told}\n{}", report.log).into());
            }
        }
    }
    assert!(tried > 0, "every client has something that it cannot do");
    Ok(())
}

async fn nobody_listens(client: Arc<dyn Client>) -> Result<(), Failed> {
    let lab = Lab::build().await;
    let spec = spec(DataSetup::Pasv, Operation::Retr, 1);
    let report = client.transfer(&lab.client, &spec).await?;
    let failure = report.result.expect_err("nobody listens");
    assert_eq!(
        (failure.on, &failure.kind),
        (Connection::Control, &FailureKind::Connect),
        "{}",
        report.log
    );
    Ok(())
}

/// Who connects passively needs none of the ports for active transfers: its control
/// connection may well have taken the only one.
async fn passive_binds_no_active_port(client: Arc<dyn Client>) -> Result<(), Failed> {
    let lab = Lab::build().await;
    let port = 39632;
    // Of two, the kernel gives the first to who connects, and the second to who binds any.
    let range = format!("{port} {}", port + 1);
    lab.client
        .set_sysctl("net.ipv4.ip_local_port_range", &range)
        .await?;
    let mut spec = spec(DataSetup::Pasv, Operation::Retr, 1);
    spec.active_ports = Some(port..=port);
    let settings = ServerSettings::for_transfer(&spec);
    let libunftp = server(PeerName::Libunftp)?;
    let running = libunftp.start(&lab.server, &settings).await?;
    let report = client.transfer(&lab.client, &spec).await?;
    running.stop().await?;
    assert!(report.result.is_ok(), "{:?}: {}", report.result, report.log);
    Ok(())
}

/// Whatever the server does, the client ends, by itself or at the deadline.
async fn bad_servers(client: Arc<dyn Client>) -> Result<(), Failed> {
    for (name, steps) in crate::bad_servers::scripts() {
        let lab = Lab::build().await;
        crate::scripted::serve(&lab.server, steps).await;
        let spec = TransferSpec {
            timeouts: crate::bad_servers::SHORT,
            ..spec(DataSetup::Pasv, Operation::Retr, crate::bad_servers::SIZE)
        };
        let begun = std::time::Instant::now();
        let report = client.transfer(&lab.client, &spec).await?;
        let took = begun.elapsed();
        if took > spec.timeouts.whole * 2 {
            return Err(format!("{name}: {took:?}").into());
        }
        match &report.result {
            Err(_) => {}
            Ok(transferred) if spec.verify(transferred, None).is_err() => {}
            Ok(_) => return Err(format!("{name}: passed\n{}", report.log).into()),
        }
    }
    Ok(())
}

/// A reader that takes its time, where the client claims to be one: it may take what
/// it finds first faster than that.
async fn a_slow_reader(client: Arc<dyn Client>) -> Result<(), Failed> {
    let mut spec = spec(DataSetup::Pasv, Operation::Retr, 2_000_000);
    spec.pace = Some(1_000_000.try_into()?);
    if !client.supports(&spec).is_yes() {
        return Ok(());
    }
    let settings = ServerSettings::for_transfer(&spec);
    let begun = std::time::Instant::now();
    let server = server(PeerName::Libunftp)?;
    pass(&*server, &*client, &settings, &spec).await?;
    let took = begun.elapsed();
    assert!(
        took.as_millis() >= 1000,
        "2 MB at 1 MB a second in {took:?}"
    );
    Ok(())
}
