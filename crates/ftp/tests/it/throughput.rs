use std::time::{Duration, Instant};

use fwlab_ftp::{Client, Libunftp, Server, ServerSettings, Suppaftp, TransferSpec};
use fwlab_record::{DataSetup, Operation, Protection};
use libtest_mimic::{Failed, Trial};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::lab::{Lab, skipped, spec, trial};

/// The best of this many runs counts: a busy machine only ever makes things slower.
const RUNS: usize = 5;

pub(crate) fn trials() -> Vec<Trial> {
    let name = "throughput/100-mib-at-half-of-a-plain-copy";
    if cfg!(debug_assertions) {
        return vec![skipped(name.into(), "needs a release build")];
    }
    // One trial: two at once would measure each other.
    vec![trial(name.into(), || async {
        time_of_a_session().await?;
        cost_of_tls().await?;
        half_of_a_plain_copy().await
    })]
}

async fn half_of_a_plain_copy() -> Result<(), Failed> {
    let size = 100 << 20;
    let lab = Lab::build().await;
    let mut plain = Duration::MAX;
    for (operation, setup) in [
        (Operation::Retr, DataSetup::Pasv),
        (Operation::Retr, DataSetup::Port),
        (Operation::Stor, DataSetup::Pasv),
    ] {
        let spec = spec(setup, operation, size);
        let settings = ServerSettings {
            data_source_port: fwlab_ftp::DataSourcePort::Ephemeral,
            ..ServerSettings::for_transfer(&spec)
        };
        let mut running = Libunftp.start(&lab.server, &settings).await?;
        let mut best = Duration::MAX;
        for _ in 0..RUNS {
            // In turn, so that both meet the same machine.
            plain = plain.min(plain_copy(&lab, size).await?);
            let begun = Instant::now();
            let report = Suppaftp.transfer(&lab.client, &spec).await?;
            best = best.min(begun.elapsed());
            let transferred = report.result.map_err(|failure| failure.to_string())?;
            spec.verify(&transferred, running.stored("file.bin").await?)?;
        }
        running.stop().await?;
        eprintln!(
            "{setup} {operation}: {}; plain: {}",
            rate(size, best),
            rate(size, plain)
        );
        if best > plain * 2 {
            return Err(
                format!("{setup} {operation}: {best:?}, and a plain copy {plain:?}").into(),
            );
        }
    }
    Ok(())
}

fn rate(size: u64, took: Duration) -> String {
    let rate = size as f64 / took.as_secs_f64() / 1e9;
    format!("{took:?} for {size} bytes, {rate:.2} GB/s")
}

/// As many bytes over one TCP connection, in pieces of the same length, thrown away.
async fn plain_copy(lab: &Lab, size: u64) -> Result<Duration, Failed> {
    let listener = lab
        .server
        .run(|| async { TcpListener::bind("192.168.0.201:7").await })
        .await??;
    let serving = lab.server.clone();
    let (sent, took) = tokio::join!(
        serving.run(move || async move {
            let (mut stream, _) = listener.accept().await?;
            let piece = vec![7; 256 * 1024];
            let mut left = size as usize;
            while left > 0 {
                let length = left.min(piece.len());
                stream.write_all(&piece[..length]).await?;
                left -= length;
            }
            std::io::Result::Ok(())
        }),
        lab.client.run(move || async move {
            let begun = Instant::now();
            let mut stream = TcpStream::connect("192.168.0.201:7").await?;
            let mut piece = vec![0; 256 * 1024];
            let mut got = 0;
            loop {
                match stream.read(&mut piece).await? {
                    0 => break,
                    length => got += length as u64,
                }
            }
            assert_eq!(got, size);
            std::io::Result::Ok(begun.elapsed())
        })
    );
    sent??;
    Ok(took??)
}

async fn time_of_a_session() -> Result<(), Failed> {
    for setup in [DataSetup::Pasv, DataSetup::Epsv, DataSetup::Port] {
        let spec = spec(setup, Operation::Retr, 300_000);
        let mut times = Vec::new();
        for _ in 0..40 {
            let lab = Lab::build().await;
            let settings = ServerSettings::for_transfer(&spec);
            let started = Instant::now();
            let running = Libunftp.start(&lab.server, &settings).await?;
            let start = started.elapsed();
            let begun = Instant::now();
            let report = Suppaftp.transfer(&lab.client, &spec).await?;
            let took = begun.elapsed();
            report.result.map_err(|failure| failure.to_string())?;
            let stopped = Instant::now();
            running.stop().await?;
            times.push((took, start, stopped.elapsed()));
        }
        times.sort();
        let (took, start, stop) = times[times.len() / 2];
        eprintln!(
            "{setup}: session {took:?}, server start {start:?}, stop {stop:?} (median of 40)"
        );
        // No delayed acknowledgement (40 ms) is waited for, nor any timer.
        assert!(took < Duration::from_millis(20), "{took:?}");
    }
    Ok(())
}

/// All of a cell that TLS could make longer: two nodes, a server, a session.
async fn time_of_a_cell(protection: Protection) -> Result<Duration, Failed> {
    let spec = TransferSpec {
        protection,
        ..spec(DataSetup::Pasv, Operation::Retr, 300_000)
    };
    let settings = ServerSettings::for_transfer(&spec);
    let begun = Instant::now();
    let lab = Lab::build().await;
    let running = Libunftp.start(&lab.server, &settings).await?;
    let report = Suppaftp.transfer(&lab.client, &spec).await?;
    running.stop().await?;
    drop(lab);
    let took = begun.elapsed();
    report.result.map_err(|failure| failure.to_string())?;
    Ok(took)
}

async fn cost_of_tls() -> Result<(), Failed> {
    let (mut plain, mut tls) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        // In turn, so that both meet the same machine.
        plain.push(time_of_a_cell(Protection::Plain).await?);
        tls.push(time_of_a_cell(Protection::Explicit).await?);
    }
    plain.sort();
    tls.sort();
    let (plain, tls) = (plain[plain.len() / 2], tls[tls.len() / 2]);
    eprintln!("a cell: {plain:?}, under TLS {tls:?} (median of 40)");
    assert!(tls < plain * 3, "{tls:?} under TLS, {plain:?} without");
    Ok(())
}
