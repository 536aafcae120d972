use fwlab_ftp::{
    Client, DataSourcePort, FailureKind, Libunftp, PassivePorts, Server, ServerSettings, Suppaftp,
    TransferSpec,
};
use fwlab_model::{DataSetup, Family, Operation};
use libtest_mimic::{Failed, Trial};

use crate::by_hand::port_of_an_active_connection;
use crate::lab::{Lab, pass, server_address, spec, trial};

const SIZES: [u64; 4] = [0, 1, 300_000, 5 << 20];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = matrix();
    trials.extend(seed_ports());
    trials.push(trial("embedded/eprt-gets-500".into(), eprt_gets_500));
    trials.push(trial("embedded/several-sessions".into(), several_sessions));
    trials.push(trial("embedded/stop-frees-the-port".into(), stop_frees_the_port));
    trials.push(trial("embedded/a-slow-reader".into(), a_slow_reader));
    trials.push(trial("embedded/source-port".into(), source_port));
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
                        if !Libunftp.supports(&spec, &settings).is_yes() {
                            continue;
                        }
                        let name = format!("embedded/{family}/{setup}/{operation}/{size}/{source:?}");
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
            let passive = [DataSetup::Pasv, DataSetup::Epsv]
                .map(|setup| spec(setup, operation, 300_000));
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

/// What [`Libunftp::supports`] says of EPRT is what libunftp does.
async fn eprt_gets_500() -> Result<(), Failed> {
    let spec = spec(DataSetup::Eprt, Operation::Retr, 1);
    let settings = ServerSettings::for_transfer(&spec);
    assert!(!Libunftp.supports(&spec, &settings).is_yes());
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
        assert!(Libunftp.start(&lab.server, &settings).await.is_err(), "the port is taken");
        running.stop().await?;
    }
    // A server that is dropped is gone too, as soon as its node comes round to it.
    drop(Libunftp.start(&lab.server, &settings).await?);
    lab.server.run(|| async { tokio::task::yield_now().await }).await?;
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
    assert!(begun.elapsed().as_millis() >= 300, "300 kB at 1 MB a second");
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
        assert_eq!(port == 20, source == DataSourcePort::Twenty, "from port {port}");
    }
    Ok(())
}
