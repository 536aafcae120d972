//! Connections and expectations, from a real helper.

use std::net::SocketAddr;

use fwlab_observe::{Change, ExpectationEvent, Newer, ObserverSettings, What};
use fwlab_record::{Backend, ConntrackState, Family, Tuple};
use fwlab_skipped::{Need, skipped};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::lab::{self, Lab, PORT, in_lab};
use crate::watch::Watch;

const CONTROL: u16 = 21;
const DATA: u16 = 45623;

/// The helper reads a line only when it has seen the end of the one before.
const FIRST: &str = "USER anonymous\r\n";

/// The commands that announce the client's port 45623 in either family.
fn announcement(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "PORT 10,9,0,1,178,55\r\n",
        Family::Ipv6 => "EPRT |2|fd09::1|45623|\r\n",
    }
}

/// A control connection over which the client announces a port, and the server connects to it.
async fn active_transfer(lab: &Lab, family: Family) {
    let address = lab::server(family);
    let (listening, is_listening) = tokio::sync::oneshot::channel();
    let serve = lab.node("server").run(move || async move {
        let listener = TcpListener::bind((address, CONTROL)).await?;
        let _ = listening.send(());
        let (mut control, from) = listener.accept().await?;
        control.write_all(b"220 ready\r\n").await?;
        let mut control = BufReader::new(control);
        let mut lines = String::new();
        for reply in [&b"230 come in\r\n"[..], b"200 done\r\n"] {
            control.read_line(&mut lines).await?;
            control.write_all(reply).await?;
        }
        TcpStream::connect((from.ip(), DATA)).await?;
        std::io::Result::Ok(lines)
    });
    let listen = lab::client(family);
    let transfer = async {
        is_listening.await.expect("the server listens");
        lab.node("client")
            .run(move || async move {
                let data = TcpListener::bind((listen, DATA)).await?;
                let mut control = BufReader::new(TcpStream::connect((address, CONTROL)).await?);
                let mut lines = String::new();
                control.read_line(&mut lines).await?;
                for command in [FIRST, announcement(family)] {
                    control.write_all(command.as_bytes()).await?;
                    control.read_line(&mut lines).await?;
                }
                data.accept().await?;
                std::io::Result::Ok(lines)
            })
            .await
    };
    let (served, transferred) = tokio::join!(serve, transfer);
    let commands = served.expect("the server lives").expect("a session");
    assert_eq!(commands, format!("{FIRST}{}", announcement(family)));
    let lines = transferred.expect("the client lives").expect("a session");
    assert_eq!(lines, "220 ready\r\n230 come in\r\n200 done\r\n");
}

fn expectations(seen: &[What]) -> impl Iterator<Item = &ExpectationEvent> {
    seen.iter().filter_map(|what| match what {
        What::Expectation(event) => Some(event),
        _ => None,
    })
}

fn with_the_helper(backend: Backend, family: Family) {
    in_lab(async |lab| {
        let rules = "*raw\n-A OUTPUT -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n\
                     *filter\n-A INPUT -m conntrack --ctstate RELATED -j ACCEPT\nCOMMIT\n";
        lab.restore("client", backend, family, rules).await;
        let mut watch = Watch::start(&lab, "client").await;
        active_transfer(&lab, family).await;
        let expected = watch
            .until("expectation", |seen| {
                expectations(seen)
                    .find(|event| event.change == Change::New)
                    .cloned()
            })
            .await;
        let (client, server) = (lab::client(family), lab::server(family));
        assert_eq!(expected.helper.as_deref(), Some("ftp"));
        let master = expected.master.flow().expect("TCP");
        assert_eq!(
            (master.from.ip(), master.to),
            (client, SocketAddr::new(server, CONTROL))
        );
        assert_eq!(expected.tuple.to, client);
        assert_eq!(expected.tuple.ports, Some((0, DATA)));

        let data = watch
            .until("expected connection", |seen| {
                seen.iter().find_map(|what| match what {
                    What::Conntrack(event)
                        if event.change == Change::New && event.master.is_some() =>
                    {
                        Some(event.clone())
                    }
                    _ => None,
                })
            })
            .await;
        assert_eq!(data.master, Some(expected.master));
        assert!(
            expected.expects(&data.original),
            "{} {}",
            expected.tuple,
            data.original
        );
        watch
            .until("end of the expectation", |seen| {
                expectations(seen)
                    .find(|event| event.change == Change::Destroy)
                    .map(drop)
            })
            .await;

        // The trace says of the data connection's SYN what the rule matched on.
        watch.drain().await;
        let related = watch
            .steps()
            .filter(|step| &*step.chain == "INPUT" && &*step.table == "filter")
            .find(|step| crate::watch::is_syn_to(&step.packet, DATA))
            .expect("a step of the data connection's SYN");
        if let Some(state) = related.state {
            assert_eq!(state, ConntrackState::Related);
        } else {
            skipped(
                Need::Machine,
                format_args!("this kernel's {backend} trace says nothing of conntrack"),
            );
        }
    });
}

#[test]
fn an_expectation_is_seen_nft() {
    with_the_helper(Backend::Nft, Family::Ipv4);
    with_the_helper(Backend::Nft, Family::Ipv6);
}

#[test]
fn an_expectation_is_seen_legacy() {
    with_the_helper(Backend::Legacy, Family::Ipv4);
    with_the_helper(Backend::Legacy, Family::Ipv6);
}

#[test]
fn without_the_rule_nothing_is_expected() {
    in_lab(async |lab| {
        let rules = "*filter\n-A INPUT -m conntrack --ctstate RELATED -j ACCEPT\nCOMMIT\n";
        lab.restore("client", Backend::Nft, Family::Ipv4, rules)
            .await;
        let mut watch = Watch::start(&lab, "client").await;
        active_transfer(&lab, Family::Ipv4).await;
        watch
            .until("data connection", |seen| {
                seen.iter().find_map(|what| match what {
                    What::Conntrack(event) if event.change == Change::New => {
                        let flow = event.original.flow()?;
                        (flow.to.port() == DATA).then_some(())
                    }
                    _ => None,
                })
            })
            .await;
        watch.drain().await;
        assert_eq!(expectations(&watch.seen).count(), 0);
        let mastered = watch.seen.iter().any(
            |what| matches!(what, What::Conntrack(event) if event.master.is_some() || event.helper.is_some()),
        );
        assert!(!mastered);
    });
}

#[test]
fn a_connection_begins_and_ends() {
    in_lab(async |lab| {
        let rules = "*filter\n-A INPUT -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n";
        lab.restore("server", Backend::Legacy, Family::Ipv4, rules)
            .await;
        let mut watch = Watch::start(&lab, "server").await;
        lab.knock("client", SocketAddr::new(lab::server(Family::Ipv4), PORT));
        // Nobody listens: a SYN, a reset, and the connection is gone.
        let (new, end) = watch
            .until("connection's end", |seen| {
                let change = |change| {
                    seen.iter().find_map(|what| match what {
                        What::Conntrack(event) if event.change == change => Some(event.clone()),
                        _ => None,
                    })
                };
                Some((change(Change::New)?, change(Change::Destroy)?))
            })
            .await;
        assert_eq!(
            new.reply.map(|reply| reply.to),
            Some(lab::client(Family::Ipv4))
        );
        assert_eq!(Tuple::of(new.original.flow().expect("TCP")), new.original);
        assert_eq!(new.original, end.original);
    });
}

#[test]
fn a_kernel_without_conntrack_in_its_trace() {
    in_lab(async |lab| {
        let rules = "*filter\n-A INPUT -m conntrack --ctstate NEW -j DROP\nCOMMIT\n";
        lab.restore("server", Backend::Nft, Family::Ipv4, rules)
            .await;
        let settings = ObserverSettings {
            pretend_without: vec![Newer::TraceConntrack],
            ..ObserverSettings::default()
        };
        let mut watch = Watch::with(&lab, "server", settings).await;
        lab.knock("client", SocketAddr::new(lab::server(Family::Ipv4), PORT));
        let step = watch
            .until("drop", |seen| crate::watch::stopped_syn(seen, PORT, ""))
            .await;
        assert_eq!(step.state, None);
    });
}

#[test]
fn a_packet_that_the_helper_drops() {
    for backend in [Backend::Nft, Backend::Legacy] {
        in_lab(async |lab| {
            let rules = "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n\
                         *filter\n-A FORWARD -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n";
            lab.restore("gateway", backend, Family::Ipv4, rules).await;
            let settings = ObserverSettings {
                control_ports: vec![CONTROL],
                ..ObserverSettings::default()
            };
            let mut watch = Watch::with(&lab, "gateway", settings).await;
            let to = SocketAddr::new(lab::server(Family::Ipv4), CONTROL);
            let (listening, is_listening) = tokio::sync::oneshot::channel();
            let serve = async move || {
                let listener = TcpListener::bind(to).await.expect("a port");
                let _ = listening.send(());
                let (control, _) = listener.accept().await.expect("a connection");
                let mut lines = BufReader::new(control).lines();
                while let Ok(Some(_)) = lines.next_line().await {}
            };
            lab.node("server").spawn(serve).expect("the node lives");
            is_listening.await.expect("the server listens");
            let speak = async move || {
                let mut control = TcpStream::connect(to).await.expect("an answer");
                control.set_nodelay(true).expect("a socket");
                control
                    .write_all(FIRST.as_bytes())
                    .await
                    .expect("a connection");
                // Half a line, in a segment of its own.
                control
                    .write_all(b"PORT 10,9,0,1,178")
                    .await
                    .expect("a connection");
                std::future::pending::<()>().await;
            };
            lab.node("client").spawn(speak).expect("the node lives");
            let dropped = watch
                .until("drop by the helper", |seen| {
                    seen.iter().find_map(|what| match what {
                        What::HelperDrop(dropped) => Some(dropped.clone()),
                        _ => None,
                    })
                })
                .await;
            assert_eq!(&*dropped.helper, "ftp");
            assert!(dropped.reason.contains("PORT"), "{}", dropped.reason);
            let traced = watch
                .steps()
                .filter(|step| Some(step.packet_id) == dropped.packet_id)
                .find(|step| &*step.chain == "FORWARD")
                .expect("the rules let it through");
            assert_eq!((traced.backend, traced.packet), (backend, dropped.packet));
        });
    }
}

#[test]
fn a_packet_that_is_invalid() {
    in_lab(async |lab| {
        let rules = "*filter\n-A INPUT -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n";
        lab.restore("server", Backend::Nft, Family::Ipv4, rules)
            .await;
        lab.node("server")
            .set_sysctl("net.netfilter.nf_conntrack_log_invalid", "255")
            .await
            .expect("a sysctl of the node");
        let mut watch = Watch::start(&lab, "server").await;
        let to = SocketAddr::new(lab::server(Family::Ipv4), 0);
        let send = async move || {
            let tcp = Some(socket2::Protocol::TCP);
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::RAW, tcp)?;
            // A SYN that claims 60 bytes of header and has 20.
            let mut segment = [0; 20];
            segment[2..4].copy_from_slice(&PORT.to_be_bytes());
            segment[12..14].copy_from_slice(&[0xf0, 0x02]);
            socket.send_to(&segment, &to.into())
        };
        let sent = lab.node("client").run(send).await.expect("the node lives");
        assert_eq!(sent.expect("a raw socket"), 20);
        let invalid = watch
            .until("invalid packet", |seen| {
                seen.iter().find_map(|what| match what {
                    What::Invalid(invalid) => Some(invalid.clone()),
                    _ => None,
                })
            })
            .await;
        assert!(invalid.reason.contains("truncated"), "{}", invalid.reason);
        let step = watch
            .until("its drop", |seen| crate::watch::stopped_syn(seen, PORT, ""))
            .await;
        assert_eq!(Some(step.packet_id), invalid.packet_id);
    });
}
