use fwlab_ftp::{
    Client, DataSourcePort, FailureKind, Libunftp, PassivePorts, PeerError, Server, ServerSettings,
    Suppaftp, TransferSpec,
};
use fwlab_record::{DataSetup, Family, Operation};
use libtest_mimic::{Failed, Trial};

use crate::by_hand::port_of_an_active_connection;
use crate::lab::{Lab, pass, server_address, spec, supported, trial};

const SIZES: [u64; 4] = [0, 1, 300_000, 5 << 20];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = matrix();
    trials.extend(seed_ports());
    trials.push(trial("embedded/eprt-gets-500".into(), eprt_gets_500));
    trials.push(trial("embedded/several-sessions".into(), several_sessions));
    trials.push(trial(
        "embedded/stop-frees-the-port".into(),
        stop_frees_the_port,
    ));
    trials.push(trial("embedded/a-slow-reader".into(), a_slow_reader));
    trials.push(trial("embedded/source-port".into(), source_port));
    trials.push(trial("embedded/one-node".into(), one_node));
    trials.push(trial(
        "embedded/a-taken-port-is-the-labs-fault".into(),
        taken_port,
    ));
    trials.push(trial(
        "embedded/a-dropped-session-ends".into(),
        dropped_session,
    ));
    trials
}

/// Every data setup × operation × size × source port that libunftp claims to support.
fn matrix() -> Vec<Trial> {
    let mut trials = Vec::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        for &setup in DataSetup::ALL {
            for &operation in Operation::ALL {
                for size in SIZES {
                    for source in [DataSourcePort::Twenty, DataSourcePort::Ephemeral] {
                        if !setup.is_active() && source == DataSourcePort::Twenty {
                            continue;
                        }
                        let mut spec = spec(setup, operation, size);
                        spec.server.set_ip(server_address(family));
                        let mut settings = ServerSettings::for_transfer(&spec);
                        settings.data_source_port = source;
                        if !supported(&Libunftp, &Suppaftp, &spec, &settings).is_yes() {
                            continue;
                        }
                        let name =
                            format!("embedded/{family}/{setup}/{operation}/{size}/{source:?}");
                        trials.push(trial(name, move || passes(settings, spec)));
                    }
                }
            }
        }
    }
    trials
}

async fn passes(settings: ServerSettings, spec: TransferSpec) -> Result<(), Failed> {
    pass(&Libunftp, &Suppaftp, &settings, &spec).await.map(drop)
}

/// The seed's own ports: 39632 of the client, 31240 of the server.
fn seed_ports() -> Vec<Trial> {
    Operation::ALL
        .iter()
        .flat_map(|&operation| {
            let active = TransferSpec {
                active_ports: Some(39632..=39632),
                ..spec(DataSetup::Port, operation, 300_000)
            };
            let passive =
                [DataSetup::Pasv, DataSetup::Epsv].map(|setup| spec(setup, operation, 300_000));
            std::iter::once(active).chain(passive)
        })
        .map(|spec| {
            let name = format!("embedded/seed-ports/{}/{}", spec.data_setup, spec.operation);
            let settings = ServerSettings {
                passive_ports: Some(PassivePorts {
                    min: 31240,
                    max: 31240,
                }),
                ..ServerSettings::for_transfer(&spec)
            };
            trial(name, move || passes(settings, spec))
        })
        .collect()
}

/// What is recorded of libunftp and EPRT is what it does.
async fn eprt_gets_500() -> Result<(), Failed> {
    let spec = spec(DataSetup::Eprt, Operation::Retr, 1);
    let settings = ServerSettings::for_transfer(&spec);
    assert!(!supported(&Libunftp, &Suppaftp, &spec, &settings).is_yes());
    let lab = Lab::build().await;
    let _running = Libunftp.start(&lab.server, &settings).await?;
    let report = Suppaftp.transfer(&lab.client, &spec).await?;
    let failure = report.result.expect_err("EPRT is refused");
    let FailureKind::Reply(reply) = failure.kind else {
        return Err(format!("{failure:?}").into());
    };
    assert_eq!(reply.code.number(), 500);
    assert_eq!(report.final_reply, Some(reply));
    Ok(())
}

/// One server serves one session after the other, and two at a time.
async fn several_sessions() -> Result<(), Failed> {
    let spec = spec(DataSetup::Pasv, Operation::Retr, 300_000);
    let settings = ServerSettings::for_transfer(&spec);
    let lab = Lab::build().await;
    let running = Libunftp.start(&lab.server, &settings).await?;
    let one = async || -> Result<(), Failed> {
        let report = Suppaftp.transfer(&lab.client, &spec).await?;
        let transferred = report.result.map_err(|failure| failure.to_string())?;
        Ok(spec.verify(&transferred, None)?)
    };
    one().await?;
    let (first, second) = tokio::join!(one(), one());
    first?;
    second?;
    Ok(running.stop().await?)
}

/// Nothing of a stopped server is left: its port can be taken again at once.
async fn stop_frees_the_port() -> Result<(), Failed> {
    let spec = spec(DataSetup::Pasv, Operation::Retr, 1);
    let settings = ServerSettings::for_transfer(&spec);
    let lab = Lab::build().await;
    for _ in 0..3 {
        let running = Libunftp.start(&lab.server, &settings).await?;
        assert!(
            Libunftp.start(&lab.server, &settings).await.is_err(),
            "the port is taken"
        );
        running.stop().await?;
    }
    // A server that is dropped is gone too, as soon as its node comes round to it.
    drop(Libunftp.start(&lab.server, &settings).await?);
    lab.server
        .run(|| async { tokio::task::yield_now().await })
        .await?;
    let running = Libunftp.start(&lab.server, &settings).await?;
    Ok(running.stop().await?)
}

/// A reader that takes its time gets every byte.
async fn a_slow_reader() -> Result<(), Failed> {
    let mut spec = spec(DataSetup::Pasv, Operation::Retr, 300_000);
    spec.pace = Some(1_000_000.try_into().unwrap());
    let settings = ServerSettings::for_transfer(&spec);
    let begun = std::time::Instant::now();
    pass(&Libunftp, &Suppaftp, &settings, &spec).await?;
    assert!(
        begun.elapsed().as_millis() >= 300,
        "300 kB at 1 MB a second"
    );
    Ok(())
}

/// Active data connections come from the port that the settings name.
async fn source_port() -> Result<(), Failed> {
    for source in [DataSourcePort::Twenty, DataSourcePort::Ephemeral] {
        let spec = spec(DataSetup::Port, Operation::Retr, 1);
        let mut settings = ServerSettings::for_transfer(&spec);
        settings.data_source_port = source;
        let lab = Lab::build().await;
        let _running = Libunftp.start(&lab.server, &settings).await?;
        let port = port_of_an_active_connection(&lab.client, &spec).await?;
        assert_eq!(
            port == 20,
            source == DataSourcePort::Twenty,
            "from port {port}"
        );
        let range = lab
            .server
            .run(async || std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range"));
        let range = range.await??;
        let ends: Vec<u16> = range
            .split_whitespace()
            .map(|end| end.parse())
            .collect::<Result<_, _>>()?;
        // `prefer different parity for start/end values`, the kernel says to the host otherwise.
        assert_ne!(ends[0] % 2, ends[1] % 2, "{range}");
    }
    Ok(())
}

/// Client and server side by side in one node, over loopback.
async fn one_node() -> Result<(), Failed> {
    for &setup in DataSetup::ALL {
        let mut spec = spec(setup, Operation::Retr, 300_000);
        spec.server.set_ip([127, 0, 0, 1].into());
        let mut settings = ServerSettings {
            alone_in_node: false,
            ..ServerSettings::for_transfer(&spec)
        };
        if setup.is_active() {
            assert!(
                !Libunftp.supports(&spec, &settings).is_yes(),
                "port 20 needs a node"
            );
            settings.data_source_port = DataSourcePort::Ephemeral;
        }
        if !supported(&Libunftp, &Suppaftp, &spec, &settings).is_yes() {
            continue;
        }
        let lab = Lab::build().await;
        let running = Libunftp.start(&lab.server, &settings).await?;
        let report = Suppaftp.transfer(&lab.server, &spec).await?;
        running.stop().await?;
        let transferred = report.result.map_err(|failure| failure.to_string())?;
        spec.verify(&transferred, None)?;
    }
    Ok(())
}

/// Dropping a transfer's future ends its session: the server's next one is served.
async fn dropped_session() -> Result<(), Failed> {
    let mut slow = spec(DataSetup::Pasv, Operation::Retr, 5 << 20);
    slow.pace = Some(1000.try_into()?);
    let settings = ServerSettings::for_transfer(&slow);
    let lab = Lab::build().await;
    let running = Libunftp.start(&lab.server, &settings).await?;
    let timeouts = std::time::Duration::from_millis(200);
    let dropped = tokio::time::timeout(timeouts, Suppaftp.transfer(&lab.client, &slow)).await;
    assert!(dropped.is_err(), "it would take an hour");
    let quick = TransferSpec { pace: None, ..slow };
    let report = Suppaftp.transfer(&lab.client, &quick).await?;
    running.stop().await?;
    let transferred = report.result.map_err(|failure| failure.to_string())?;
    Ok(quick.verify(&transferred, None)?)
}

/// A port of the client's own that is taken says nothing about a firewall.
async fn taken_port() -> Result<(), Failed> {
    let spec = TransferSpec {
        active_ports: Some(39632..=39632),
        ..spec(DataSetup::Port, Operation::Retr, 1)
    };
    let settings = ServerSettings::for_transfer(&spec);
    let lab = Lab::build().await;
    let _running = Libunftp.start(&lab.server, &settings).await?;
    let _taken = lab
        .client
        .run(|| async { std::net::TcpListener::bind("192.168.0.211:39632") })
        .await??;
    match Suppaftp.transfer(&lab.client, &spec).await {
        Err(PeerError::Bind { address, .. }) => {
            assert_eq!(address.port(), 39632);
            Ok(())
        }
        other => Err(format!("{other:?}").into()),
    }
}
