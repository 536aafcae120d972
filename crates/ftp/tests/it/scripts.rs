//! Scripted peers against each other and against all others.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fwlab_ftp::script::{Hosts, Script, ScriptedClient, ScriptedServer};
use fwlab_ftp::wire::Side;
use fwlab_ftp::{
    Client, ClientFailure, ClientReport, FailureKind, PassivePorts, Server, ServerSettings,
    Support, TransferSpec, client, server,
};
use fwlab_record::{DataSetup, Family, NodeName, Operation, PeerName, Protection};
use libtest_mimic::{Failed, Trial};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::lab::{Lab, pass, server_address, skipped, spec, supported, trial};
use crate::script_targets::port_to_a_third_host;

/// Everything as a well-behaved server does it.
const WELL_BEHAVED: &str = "220 fwlab";

/// Everything as a well-behaved client does it.
pub(crate) const PLAIN: &str = "@login\n@setup\n@transfer\nQUIT";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = well_behaved();
    trials.extend(odd_commands());
    trials.extend(crate::odd_replies::trials());
    trials.extend(crate::script_targets::trials());
    trials.extend([
        trial("scripts/no-script-no-cell".into(), no_script),
        trial("scripts/two-segments-are-two".into(), two_segments),
        trial("scripts/two-commands-in-one-segment".into(), one_segment),
        trial("scripts/425-at-once".into(), says_425_at_once),
        trial("scripts/never-answers".into(), never_answers),
        trial("scripts/each-coming-of-a-verb".into(), each_coming),
        trial("scripts/a-failure-names-its-line".into(), names_the_line),
        trial(
            "scripts/no-pass-without-the-end".into(),
            no_pass_without_the_end,
        ),
        trial("scripts/taken-port".into(), taken_port),
        trial("scripts/tls-by-hand".into(), tls_by_hand),
        trial("scripts/session-reuse".into(), session_reuse),
    ]);
    trials
}

fn hosts() -> Hosts {
    let address = |text: &str| -> IpAddr { text.parse().expect("an address") };
    [
        (NodeName::client(), address("192.168.0.211")),
        (NodeName::server(), server_address(Family::Ipv4)),
        (NodeName::gateway(), address("192.168.0.77")),
    ]
    .into_iter()
    .collect()
}

fn script(side: Side, text: &str) -> Arc<Script> {
    match Script::parse(side, text, 1) {
        Ok(script) => Arc::new(script),
        Err(mistakes) => panic!("{text}: {mistakes:?}"),
    }
}

pub(crate) fn scripted_server(text: &str) -> ScriptedServer {
    ScriptedServer::new(script(Side::Server, text), hosts())
}

pub(crate) fn scripted_client(text: &str) -> ScriptedClient {
    ScriptedClient::new(script(Side::Client, text), hosts())
}

/// The embedded servers and the programs, where they are.
fn servers() -> Vec<Result<Arc<dyn Server>, (PeerName, String)>> {
    [PeerName::Libunftp, PeerName::Vsftpd]
        .into_iter()
        .map(|name| server(name).map_err(|missing| (name, missing.to_string())))
        .collect()
}

/// What no script names is done as others do it: with every other peer, in every
/// setup and operation.
fn well_behaved() -> Vec<Trial> {
    let mut trials = Vec::new();
    let scripted: Arc<dyn Server> = Arc::new(scripted_server(WELL_BEHAVED));
    for name in [PeerName::Suppaftp, PeerName::Curl, PeerName::Lftp] {
        let case = format!("scripts/well-behaved-server/{name}");
        trials.extend(match client(name) {
            Ok(client) => both_matrices(&case, &scripted, &client),
            Err(missing) => vec![skipped(case, &missing.to_string())],
        });
    }
    let plain: Arc<dyn Client> = Arc::new(scripted_client(PLAIN));
    for server in servers() {
        trials.extend(match server {
            Ok(server) => {
                let case = format!("scripts/well-behaved-client/{}", server.name());
                both_matrices(&case, &server, &plain)
            }
            Err((name, why)) => {
                vec![skipped(format!("scripts/well-behaved-client/{name}"), &why)]
            }
        });
    }
    let case = "scripts/well-behaved-pair";
    trials.extend(both_matrices(case, &scripted, &plain));
    trials
}

/// In the clear and under every protection.
fn both_matrices(name: &str, server: &Arc<dyn Server>, client: &Arc<dyn Client>) -> Vec<Trial> {
    let mut trials = crate::programs::matrix(name, server, client);
    // Of the sizes one will do: what goes through is not the script's affair.
    trials.retain(|trial| trial.name().ends_with("/300000"));
    trials.extend(crate::protected::matrix(name, server, client));
    trials
}

/// Commands that no well-behaved client sends so, and that servers take all the same.
fn odd_commands() -> Vec<Trial> {
    let scripts = [
        (
            "split-setup",
            "@login\n{setup verb}{pause 50ms} {setup argument}\n2yz\n@transfer\nQUIT\n221",
        ),
        (
            "pipelined-setup",
            "@login\nNOOP{crlf}{setup}\n200\n2yz\n@transfer\nQUIT\n221",
        ),
        (
            "lower-case",
            "@lower-case\n@login\n@setup\n@transfer\nQUIT\n221",
        ),
        (
            "split-port",
            "@login\n@listen\nPO{pause 50ms}RT {h1,h2,h3,h4,p1,p2}\n200\n@transfer\nQUIT",
        ),
        (
            "step-by-step",
            "220\nUSER anonymous\n331\nPASS x\n230\nTYPE I\n200\n@listen\n\
             EPRT |1|{address}|{port}|\n200\nRETR {file}\n150\n@accept\n@receive\n226\nQUIT\n221",
        ),
        (
            "step-by-step-passive",
            "220\nUSER anonymous\n331\nPASS x\n230\nTYPE I\n200\n\
             PASV\n227\n@connect\nSTOR {file}\n150\n@send\n226\nQUIT\n221",
        ),
    ];
    let own: Arc<dyn Server> = Arc::new(scripted_server(WELL_BEHAVED));
    let mut trials = Vec::new();
    for server in servers().into_iter().chain([Ok(own)]) {
        let server = match server {
            Ok(server) => server,
            Err((name, why)) => {
                trials.push(skipped(format!("scripts/odd-commands/{name}"), &why));
                continue;
            }
        };
        for (name, text) in scripts {
            for &setup in DataSetup::ALL {
                let client = scripted_client(text);
                let operations = [Operation::Retr, Operation::Stor, Operation::Rest];
                for operation in operations {
                    let spec = spec(setup, operation, 300_000);
                    let settings = ServerSettings::for_transfer(&spec);
                    let both = supported(&*server, &client, &spec, &settings);
                    if !both.is_yes() {
                        continue;
                    }
                    let (server, client) = (Arc::clone(&server), client.clone());
                    let case = format!(
                        "scripts/odd-commands/{}/{name}/{setup}/{operation}",
                        server.name()
                    );
                    trials.push(trial(case, move || async move {
                        pass(&*server, &client, &settings, &spec).await.map(drop)
                    }));
                }
            }
        }
        let bounce = Arc::clone(&server);
        let case = format!("scripts/port-to-a-third-host/{}", server.name());
        trials.push(trial(case, move || port_to_a_third_host(bounce)));
    }
    trials
}

pub(crate) async fn report(
    server: &dyn Server,
    client: &dyn Client,
    settings: &ServerSettings,
    spec: &TransferSpec,
) -> Result<ClientReport, Failed> {
    let lab = Lab::build().await;
    let running = server.start(&lab.server, settings).await?;
    let report = client.transfer(&lab.client, spec).await?;
    running.stop().await?;
    Ok(report)
}

pub(crate) fn failure_of(report: ClientReport) -> Result<ClientFailure, Failed> {
    match report.result {
        Ok(transferred) => Err(format!("it passed: {transferred:?}").into()),
        Err(failure) => Ok(failure),
    }
}

async fn no_script() -> Result<(), Failed> {
    let spec = spec(DataSetup::Pasv, Operation::Retr, 1);
    let settings = ServerSettings::for_transfer(&spec);
    let server = server(PeerName::ScriptedServer)?.supports(&spec, &settings);
    assert!(server.to_string().contains("[server]"), "{server}");
    let client = client(PeerName::ScriptedClient)?.supports(&spec);
    assert!(client.to_string().contains("[client]"), "{client}");
    let stranger = ScriptedClient::new(
        script(Side::Client, "@login\n@connect to third:80"),
        hosts(),
    );
    let stranger = stranger.supports(&spec);
    assert!(stranger.to_string().contains("`third`"), "{stranger}");
    Ok(())
}

/// What a server that reads without thinking gets from a script's lines, read by read.
async fn reads(text: &str) -> Result<Vec<(Instant, String)>, Failed> {
    let lab = Lab::build().await;
    let heard = lab.server.run(|| async {
        let listener = TcpListener::bind("192.168.0.201:21").await?;
        std::io::Result::Ok(tokio::spawn(async move {
            let (mut control, _) = listener.accept().await?;
            control.write_all(b"220 a\r\n").await?;
            let (mut reads, mut piece) = (Vec::new(), [0; 512]);
            loop {
                let length = control.read(&mut piece).await?;
                if length == 0 {
                    return std::io::Result::Ok(reads);
                }
                let text = String::from_utf8_lossy(&piece[..length]).into_owned();
                reads.push((Instant::now(), text));
            }
        }))
    });
    let heard = heard.await??;
    let spec = spec(DataSetup::Port, Operation::Retr, 1);
    scripted_client(text).transfer(&lab.client, &spec).await?;
    Ok(heard.await??)
}

async fn two_segments() -> Result<(), Failed> {
    let reads = reads("220\n@listen 2000\nPO{pause 500ms}RT {h1,h2,h3,h4,p1,p2}\n@close").await?;
    let texts: Vec<&str> = reads.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["PO", "RT 192,168,0,211,7,208\r\n"]);
    let pause = reads[1].0 - reads[0].0;
    // Two reads are a little nearer to each other, or farther apart, than two writes.
    assert!(pause >= Duration::from_millis(450), "{pause:?}");
    Ok(())
}

async fn one_segment() -> Result<(), Failed> {
    let reads = reads("220\n@listen 2000\nNOOP{crlf}EPRT |1|{address}|{port}|\n@close").await?;
    let texts: Vec<&str> = reads.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["NOOP\r\nEPRT |1|192.168.0.211|2000|\r\n"]);
    Ok(())
}

async fn says_425_at_once() -> Result<(), Failed> {
    let server = scripted_server("RETR\n425 no");
    for setup in [DataSetup::Port, DataSetup::Epsv] {
        let spec = spec(setup, Operation::Retr, 1);
        let settings = ServerSettings::for_transfer(&spec);
        let clients: [&dyn Client; 2] = [
            &fwlab_ftp::Suppaftp,
            &scripted_client("@login\n@setup\n@transfer"),
        ];
        for client in clients {
            let failure = failure_of(report(&server, client, &settings, &spec).await?)?;
            let FailureKind::Reply(reply) = &failure.kind else {
                return Err(format!("{failure:?}").into());
            };
            assert_eq!(reply.to_string(), "425 no");
        }
    }
    Ok(())
}

async fn never_answers() -> Result<(), Failed> {
    let spec = TransferSpec {
        timeouts: crate::bad_servers::SHORT,
        ..spec(DataSetup::Pasv, Operation::Retr, 1)
    };
    let settings = ServerSettings::for_transfer(&spec);
    for text in ["@silence", "PASV\n@silence", "RETR\n@silence"] {
        let server = scripted_server(text);
        let clients: [&dyn Client; 2] = [&fwlab_ftp::Suppaftp, &scripted_client(PLAIN)];
        for client in clients {
            let failure = failure_of(report(&server, client, &settings, &spec).await?)?;
            assert_eq!(failure.kind, FailureKind::Deadline, "{text}: {failure}");
        }
    }
    Ok(())
}

/// The first answer is for the first coming, the last for all that follow.
async fn each_coming() -> Result<(), Failed> {
    let server = scripted_server("NOOP\n200 one\nNOOP\n250 two");
    let client = scripted_client("@login\nNOOP\n200\nNOOP\n250\nnoop\n250\n@setup\n@transfer");
    let spec = spec(DataSetup::Eprt, Operation::Stor, 1000);
    let settings = ServerSettings::for_transfer(&spec);
    pass(&server, &client, &settings, &spec).await.map(drop)
}

async fn names_the_line() -> Result<(), Failed> {
    let spec = TransferSpec {
        timeouts: crate::bad_servers::SHORT,
        ..spec(DataSetup::Pasv, Operation::Retr, 1)
    };
    let settings = ServerSettings::for_transfer(&spec);
    for (server, client, words) in [
        (
            WELL_BEHAVED,
            "@login\n\nPASV\n229",
            "line 4 of the script, `229`: 229 was to come, and 227 Entering Passive Mode",
        ),
        (
            "PASV\n227 nowhere",
            "@login\nPASV\n227\n@connect",
            "line 4 of the script, `@connect`: no reply has announced where to connect to",
        ),
        (
            "PASV\n227 (192,168,0,201,0,1)",
            PLAIN,
            "line 3 of the script, `@transfer`: Connection refused",
        ),
        (
            "PASV\n@say hello",
            PLAIN,
            "line 2 of the script, `@setup`: `hello` is not a reply",
        ),
        (
            "PASV\n@close",
            PLAIN,
            "line 2 of the script, `@setup`: the server closed the connection",
        ),
        (
            "USER\n530 no",
            PLAIN,
            "line 1 of the script, `@login`: 530 no",
        ),
    ] {
        let client = scripted_client(client);
        let report = report(&scripted_server(server), &client, &settings, &spec).await?;
        let failure = failure_of(report)?;
        assert!(failure.words.starts_with(words), "{failure}");
    }
    Ok(())
}

/// A script that does not come to the end of a transfer has transferred nothing.
async fn no_pass_without_the_end() -> Result<(), Failed> {
    let spec = TransferSpec {
        timeouts: crate::bad_servers::SHORT,
        ..spec(DataSetup::Port, Operation::Retr, 1000)
    };
    let settings = ServerSettings::for_transfer(&spec);
    let begin = "@login\n@listen\nPORT {h1,h2,h3,h4,p1,p2}\n200\nRETR {file}\n150\n";
    for (server, client) in [
        (WELL_BEHAVED, format!("{begin}@accept\n@receive")),
        (WELL_BEHAVED, format!("{begin}226")),
        (WELL_BEHAVED, format!("{begin}@accept\n@receive\nQUIT")),
        (
            "RETR\n@open\n150 a\n@send\n426 b",
            format!("{begin}@accept\n@receive\n426"),
        ),
        (
            "RETR\n@open\n150 a\n@send\n@silence",
            format!("{begin}@accept\n@receive\n226"),
        ),
        (WELL_BEHAVED, "@login\n@close".to_owned()),
    ] {
        let client_peer = scripted_client(&client);
        let report = report(&scripted_server(server), &client_peer, &settings, &spec).await?;
        failure_of(report).map_err(|passed| format!("{client}: {passed:?}"))?;
    }
    Ok(())
}

/// A port of a script's own that is taken says nothing about a firewall.
async fn taken_port() -> Result<(), Failed> {
    let spec = spec(DataSetup::Pasv, Operation::Retr, 1);
    let settings = ServerSettings {
        passive_ports: Some(PassivePorts {
            min: 31240,
            max: 31240,
        }),
        ..ServerSettings::for_transfer(&spec)
    };
    let lab = Lab::build().await;
    let mut running = scripted_server(WELL_BEHAVED)
        .start(&lab.server, &settings)
        .await?;
    let taken = lab
        .server
        .run(|| async { std::net::TcpListener::bind("192.168.0.201:31240") })
        .await??;
    let report = fwlab_ftp::Suppaftp.transfer(&lab.client, &spec).await?;
    let failure = failure_of(report)?;
    assert_eq!(failure.kind, FailureKind::Closed, "{failure}");
    let words = running.recent_log().await;
    assert!(words.contains("31240"), "{words}");
    drop(taken);
    let client = scripted_client("@login\n@listen 8080\n@accept");
    let active = TransferSpec {
        data_setup: DataSetup::Port,
        ..spec
    };
    let _taken = lab
        .client
        .run(|| async { std::net::TcpListener::bind("192.168.0.211:8080") })
        .await??;
    match client.transfer(&lab.client, &active).await {
        Err(fwlab_ftp::PeerError::Bind { address, .. }) => assert_eq!(address.port(), 8080),
        other => return Err(format!("{other:?}").into()),
    }
    Ok(running.stop().await?)
}

/// AUTH and CCC line by line, on either side, with the setup right after CCC and after
/// a NOOP.
async fn tls_by_hand() -> Result<(), Failed> {
    let secured = "220\nAUTH TLS\n234\n@tls\nPBSZ 0\n200\nPROT P\n200\n\
                   USER anonymous\n331\nPASS x\n230\n";
    let rest = "{setup}\n2yz\n@transfer\nQUIT\n221";
    let explicit = format!("{secured}{rest}");
    let at_once = format!("{secured}CCC\n200\n@clear\n{rest}");
    let after_noop = format!("{secured}CCC\n200\n@clear\nNOOP\n200\n{rest}");
    let late = format!("@login\nNOOP\n200\nCCC\n200\n@clear\n{rest}");
    for server in [WELL_BEHAVED, "220 a\nAUTH\n234 b\n@tls\nCCC\n200 c\n@clear"] {
        let server = scripted_server(server);
        for (client, protection) in [
            (&explicit, Protection::Explicit),
            (&at_once, Protection::Ccc),
            (&after_noop, Protection::Ccc),
            (&late, Protection::Ccc),
        ] {
            for setup in [DataSetup::Port, DataSetup::Epsv] {
                let spec = TransferSpec {
                    protection,
                    ..spec(setup, Operation::Stor, 300_000)
                };
                let client = scripted_client(client);
                assert_eq!(client.supports(&spec), Support::Yes);
                let settings = ServerSettings::for_transfer(&spec);
                let report = pass(&server, &client, &settings, &spec).await?;
                assert!(report.progress.expect("a record").secured);
            }
        }
    }
    Ok(())
}

/// A server that demands it refuses a data connection with a session of its own.
async fn session_reuse() -> Result<(), Failed> {
    let server = scripted_server(WELL_BEHAVED);
    let clients: [&dyn Client; 2] = [&fwlab_ftp::Suppaftp, &scripted_client(PLAIN)];
    for client in clients {
        for (reuse, setup) in [(true, DataSetup::Epsv), (false, DataSetup::Port)] {
            let spec = TransferSpec {
                protection: Protection::Explicit,
                session_reuse: reuse,
                ..spec(setup, Operation::Retr, 300_000)
            };
            let settings = ServerSettings {
                require_session_reuse: true,
                ..ServerSettings::for_transfer(&spec)
            };
            if reuse {
                pass(&server, client, &settings, &spec).await?;
                continue;
            }
            let failure = failure_of(report(&server, client, &settings, &spec).await?)?;
            let FailureKind::Reply(reply) = &failure.kind else {
                return Err(format!("{}: {failure:?}", client.name()).into());
            };
            assert_eq!(reply.code.number(), 522, "{reply}");
        }
    }
    Ok(())
}
