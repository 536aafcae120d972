//! Odd answers to PASV: what each client makes of them, as observed.

use std::sync::Arc;

use fwlab_ftp::{Client, FailureKind, Server, ServerSettings, client};
use fwlab_record::{DataSetup, Operation, PeerName};
use libtest_mimic::{Failed, Trial};

use crate::lab::{Lab, skipped, spec, trial};
use crate::scripts::scripted_server;

/// The odd answers, and the clients that do not cope with them.
const ODD: [(&str, &str, &[PeerName]); 8] = [
    // RFC 1123 section 4.1.2.6 has a client look for the first digit; suppaftp looks
    // for parentheses.
    (
        "no-parentheses",
        "227 Entering Passive Mode {h1,h2,h3,h4,p1,p2}",
        &[PeerName::Suppaftp],
    ),
    (
        "equals-sign",
        "227 Entering Passive Mode ={h1,h2,h3,h4,p1,p2}",
        &[PeerName::Suppaftp],
    ),
    (
        "stray-digits",
        "227 Entering Passive Mode v2 ({h1,h2,h3,h4,p1,p2})",
        &[],
    ),
    (
        "multi-line",
        "227-hello{crlf}227 Entering Passive Mode ({h1,h2,h3,h4,p1,p2})",
        &[],
    ),
    (
        "multi-line-in-two-segments",
        "227-hello\n227 Entering Passive Mode ({h1,h2,h3,h4,p1,p2})",
        &[],
    ),
    // The first reply is the one to PASV: none of them takes the second for it.
    (
        "glued",
        "200 noop ok{crlf}227 Entering Passive Mode ({h1,h2,h3,h4,p1,p2})",
        &[
            PeerName::Suppaftp,
            PeerName::Curl,
            PeerName::Lftp,
            PeerName::Ftplib,
        ],
    ),
    (
        "split",
        "227 Entering Passive Mode ({h1,h2,h3,h4}{pause 50ms},{p1,p2})",
        &[],
    ),
    (
        "split-slowly",
        "227 Entering Passive Mode ({h1,h2,h3,h4}{pause 1200ms},{p1,p2})",
        &[],
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for name in [
        PeerName::Suppaftp,
        PeerName::Curl,
        PeerName::Lftp,
        PeerName::Ftplib,
    ] {
        match client(name) {
            Err(missing) => {
                trials.push(skipped(format!("odd-replies/{name}"), &missing.to_string()));
            }
            Ok(client) => trials.extend(ODD.into_iter().map(|(case, reply, fails)| {
                let (client, copes) = (Arc::clone(&client), !fails.contains(&name));
                trial(format!("odd-replies/{name}/{case}"), move || {
                    is_as_observed(client, reply, copes)
                })
            })),
        }
    }
    trials
}

async fn is_as_observed(
    client: Arc<dyn Client>,
    reply: &'static str,
    copes: bool,
) -> Result<(), Failed> {
    let server = scripted_server(&format!("PASV\n@listen\n{reply}"));
    let spec = spec(DataSetup::Pasv, Operation::Retr, 300_000);
    let settings = ServerSettings::for_transfer(&spec);
    let lab = Lab::build().await;
    let running = server.start(&lab.server, &settings).await?;
    let report = client.transfer(&lab.client, &spec).await?;
    running.stop().await?;
    match (report.result, copes) {
        (Ok(transferred), true) => Ok(spec.verify(&transferred, None)?),
        // Each in its own words: the reply, no FTP, or a program's exit status.
        (Err(failure), false) => match failure.kind {
            FailureKind::Reply(reply) if [200, 227].contains(&reply.code.number()) => Ok(()),
            FailureKind::NoFtp | FailureKind::Program => Ok(()),
            _ => Err(format!("{failure:?}").into()),
        },
        (Ok(_), false) => Err("it copes now: say so in the table".into()),
        (Err(failure), true) => Err(format!("{failure:?}\n{}", report.log).into()),
    }
}
