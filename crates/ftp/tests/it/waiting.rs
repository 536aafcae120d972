//! Clients that are made to wait, and a server that is.

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::time::Duration;

use fwlab_ftp::{
    Client, DataSourcePort, Libunftp, Moment, Pauses, Server, ServerSettings, Suppaftp,
    TransferSpec,
};
use fwlab_record::{DataSetup, Family, Operation};
use libtest_mimic::{Failed, Trial};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::lab::{Lab, server_address, spec, trial};

/// Longer than a server that does not wait takes to open a data connection, and shorter than one that
/// waits goes on waiting.
const A_WHILE: Duration = Duration::from_millis(300);

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for &setup in DataSetup::ALL {
        for &operation in Operation::ALL {
            let name = format!("waiting/agreed/{setup}/{operation}");
            trials.push(trial(name, move || agreed(setup, operation)));
        }
    }
    trials.push(trial("waiting/gathered".into(), gathered));
    trials.push(trial("waiting/gathered-in-vain".into(), gathered_in_vain));
    trials
}

/// At the moment the setup has its answer, and nothing has made use of it: no connection, no command.
async fn agreed(setup: DataSetup, operation: Operation) -> Result<(), Failed> {
    let lab = Lab::build().await;
    let address = server_address(Family::Ipv4);
    let data = lab
        .server
        .run(move || async move { StdTcpListener::bind((address, 0)) })
        .await??;
    data.set_nonblocking(true)?;
    let passive = data.local_addr()?;
    let (heard, mut commands) = mpsc::unbounded_channel();
    let listening = lab
        .server
        .run(move || async move { TcpListener::bind((address, 21)).await })
        .await??;
    let serving = lab
        .server
        .spawn(move || async move { drop(serve(&listening, passive, &heard).await) })?;
    let (pauses, mut paused) = Pauses::at([Moment::Agreed]);
    let spec = TransferSpec {
        pauses: Some(pauses),
        ..spec(setup, operation, 1000)
    };
    let waited = async {
        let client = paused.recv().await.ok_or("it never waits")?;
        assert_eq!(client.moment, Moment::Agreed);
        let mut last = String::new();
        while let Ok(command) = commands.try_recv() {
            last = command;
        }
        let verb = last.split_whitespace().next();
        assert_eq!(verb, Some(setup.command()), "{last}");
        let opened = data.accept().map_err(|error| error.kind());
        assert_eq!(opened.err(), Some(io::ErrorKind::WouldBlock));
        client.go_on();
        Ok::<_, Failed>(())
    };
    let (report, waited) = tokio::join!(Suppaftp.transfer(&lab.client, &spec), waited);
    serving.abort();
    waited?;
    // The server of this test refuses every transfer, when it comes to that.
    assert!(report?.result.is_err());
    let after = std::iter::from_fn(|| commands.try_recv().ok());
    let transfers = after.filter(|line| line.starts_with(operation.command()));
    assert_eq!(transfers.count(), 1);
    Ok(())
}

/// One session up to the transfer, which is refused.
async fn serve(
    listening: &TcpListener,
    passive: SocketAddr,
    heard: &mpsc::UnboundedSender<String>,
) -> io::Result<()> {
    let (mut control, _) = listening.accept().await?;
    let (lines, mut replies) = control.split();
    let mut lines = BufReader::new(lines).lines();
    replies.write_all(b"220 hello\r\n").await?;
    let port = passive.port();
    while let Some(line) = lines.next_line().await? {
        let reply = match line.split_whitespace().next().unwrap_or_default() {
            "USER" => "331 and?".to_owned(),
            "PASS" => "230 in".to_owned(),
            "TYPE" | "PORT" | "EPRT" => "200 fine".to_owned(),
            "REST" => "350 from there".to_owned(),
            "PASV" => {
                let host = passive.ip().to_string().replace('.', ",");
                format!("227 here ({host},{},{})", port >> 8, port & 255)
            }
            "EPSV" => format!("229 here (|||{port}|)"),
            "QUIT" => "221 bye".to_owned(),
            _ => "550 no".to_owned(),
        };
        // Before the reply: who waits for that one knows that the command is in the list.
        let _ = heard.send(line);
        replies.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// The server connects to the first of two clients only when the second has announced, too.
async fn gathered() -> Result<(), Failed> {
    let lab = Lab::build().await;
    let (spec, settings, mut paused) = two_of();
    let mut running = Libunftp.start(&lab.server, &settings).await?;
    let lab_side = async {
        let (first, second) = (paused.recv().await, paused.recv().await);
        running.gather().await;
        first.ok_or("nobody waits")?.go_on();
        // Had it connected, the session would have come to its next moment.
        let early = timeout(A_WHILE, paused.recv()).await;
        assert!(early.is_err(), "it did not wait for the second: {early:?}");
        second.ok_or("one waits")?.go_on();
        for _ in 0..2 {
            paused.recv().await.ok_or("it went on")?.go_on();
        }
        Ok::<_, Failed>(())
    };
    let (first, second, lab_side) = tokio::join!(
        Suppaftp.transfer(&lab.client, &spec),
        Suppaftp.transfer(&lab.client, &spec),
        lab_side
    );
    lab_side?;
    running.stop().await?;
    for report in [first?, second?] {
        let transferred = report.result.map_err(|failure| failure.to_string())?;
        spec.verify(&transferred, None)?;
    }
    Ok(())
}

/// A client that never announces keeps the server from the other for a while, and not for ever.
async fn gathered_in_vain() -> Result<(), Failed> {
    let lab = Lab::build().await;
    let (spec, settings, mut paused) = two_of();
    let mut running = Libunftp.start(&lab.server, &settings).await?;
    let lab_side = async {
        let (first, second) = (paused.recv().await, paused.recv().await);
        running.gather().await;
        first.ok_or("nobody waits")?.go_on();
        paused.recv().await.ok_or("it went on")?.go_on();
        second.ok_or("one waits")?.go_on();
        paused.recv().await.ok_or("it went on")?.go_on();
        Ok::<_, Failed>(())
    };
    let (first, second, lab_side) = tokio::join!(
        Suppaftp.transfer(&lab.client, &spec),
        Suppaftp.transfer(&lab.client, &spec),
        lab_side
    );
    lab_side?;
    running.stop().await?;
    for report in [first?, second?] {
        report.result.map_err(|failure| failure.to_string())?;
    }
    Ok(())
}

/// What two clients are told, and their server.
fn two_of() -> (
    TransferSpec,
    ServerSettings,
    mpsc::UnboundedReceiver<fwlab_ftp::Paused>,
) {
    let (pauses, paused) = Pauses::at([Moment::LoggedIn, Moment::Agreed]);
    let spec = TransferSpec {
        pauses: Some(pauses),
        ..spec(DataSetup::Port, Operation::Retr, 300_000)
    };
    let settings = ServerSettings {
        data_source_port: DataSourcePort::Ephemeral,
        ..ServerSettings::for_transfer(&spec)
    };
    (spec, settings, paused)
}
