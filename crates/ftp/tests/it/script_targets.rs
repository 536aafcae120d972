//! Scripts that connect from, or to, another address or port than peers do.

use std::sync::Arc;

use fwlab_ftp::{Client, DataSourcePort, FailureKind, Server, ServerSettings, client};
use fwlab_record::{DataSetup, Operation, PeerName};
use libtest_mimic::{Failed, Trial};
use tokio::net::TcpListener;

use crate::lab::{Lab, OTHER_ADDRESS, pass, spec, trial};
use crate::scripts::{PLAIN, failure_of, report, scripted_client, scripted_server};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("scripts/attack-from-port-20".into(), attack_from_port_20),
        trial("scripts/from-another-address".into(), from_another_address),
        trial("scripts/client-to-a-written-target".into(), written_target),
    ]
}

/// vsftpd says no to it, as administrators expect; libunftp tries, and then says no; a
/// server that checks nothing tries too.
pub(crate) async fn port_to_a_third_host(server: Arc<dyn Server>) -> Result<(), Failed> {
    let text = "@login\n{setup to gateway:8080}\n200\nRETR {file}\n150\nQUIT";
    let spec = spec(DataSetup::Port, Operation::Retr, 1);
    let settings = ServerSettings::for_transfer(&spec);
    let report = report(&*server, &scripted_client(text), &settings, &spec).await?;
    let final_reply = report.final_reply.clone();
    let failure = failure_of(report)?;
    let FailureKind::Reply(reply) = &failure.kind else {
        return Err(format!("{failure:?}").into());
    };
    let (code, line) = match server.name() {
        PeerName::Vsftpd => (500, "line 3"),
        // Nobody has 192.168.0.77.
        PeerName::Libunftp => (425, "line 3"),
        _ => (425, "line 5"),
    };
    assert_eq!(reply.code.number(), code, "{failure}");
    assert!(failure.words.starts_with(line), "{failure}");
    assert_eq!(final_reply.as_ref(), Some(reply));
    Ok(())
}

/// Nothing announces the connection: the server comes from port 20 to a port of its
/// choice. Without a firewall it gets there, and that it came from 20 is seen there.
async fn attack_from_port_20() -> Result<(), Failed> {
    let server = scripted_server("RETR\n150 a\n@connect from 20 to client:8080\n@send\n226 b");
    let client = scripted_client("@login\n@listen 8080\nRETR {file}\n1yz\n@accept\n@receive\n226");
    let spec = spec(DataSetup::Port, Operation::Retr, 300_000);
    let settings = ServerSettings {
        data_source_port: DataSourcePort::Ephemeral,
        ..ServerSettings::for_transfer(&spec)
    };
    pass(&server, &client, &settings, &spec).await?;
    let lab = Lab::build().await;
    let running = server.start(&lab.server, &settings).await?;
    let from = lab.client.run(|| async {
        let listener = TcpListener::bind("192.168.0.211:8080").await?;
        std::io::Result::Ok(tokio::spawn(async move { listener.accept().await }))
    });
    let from = from.await??;
    let asks = scripted_client("@login\nRETR {file}\n1yz\n226");
    asks.transfer(&lab.client, &spec).await?;
    let (_, from) = from.await??;
    running.stop().await?;
    assert_eq!(from.to_string(), "192.168.0.201:20");
    Ok(())
}

/// A data connection from another address of the server is taken: whether one may come from there is the rules' part.
async fn from_another_address() -> Result<(), Failed> {
    let text = format!("RETR\n@connect from {OTHER_ADDRESS}\n150 a\n@send\n226 b");
    let server = scripted_server(&text);
    for setup in [DataSetup::Port, DataSetup::Eprt] {
        let spec = spec(setup, Operation::Retr, 1000);
        let settings = ServerSettings::for_transfer(&spec);
        let suppaftp = client(PeerName::Suppaftp)?;
        let clients: [&dyn Client; 2] = [&*suppaftp, &scripted_client(PLAIN)];
        for client in clients {
            pass(&server, client, &settings, &spec).await?;
        }
    }
    Ok(())
}

async fn written_target() -> Result<(), Failed> {
    let server = scripted_server("220 a\n@listen 2000\nRETR\n@accept\n150 a\n@send\n226 b");
    let client =
        scripted_client("@login\n@connect to server:2000\nRETR {file}\n150\n@receive\n226");
    let spec = spec(DataSetup::Epsv, Operation::Retr, 300_000);
    let settings = ServerSettings::for_transfer(&spec);
    pass(&server, &client, &settings, &spec).await.map(drop)
}
