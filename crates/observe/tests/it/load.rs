//! Many packets, many rules, little room.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use fwlab_fabric::Privilege;
use fwlab_observe::{ObserverSettings, Source, TracePlace};
use fwlab_record::{Backend, Family, Packet};
use socket2::{Domain, Socket, Type};

use crate::lab::{self, Lab, PORT, in_lab};
use crate::watch::{Watch, is_syn_to, stopped_syn};

/// Sends SYNs, each from a port of its own, without ever letting the node's other tasks run.
async fn knock_at_once(lab: &Lab, from: &str, to: SocketAddr, times: usize) {
    let sent = lab.node(from).run(move || async move {
        for _ in 0..times {
            let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), None)?;
            // In progress, or refused by the node's own rules.
            let _ = socket.connect(&to.into());
        }
        std::io::Result::Ok(())
    });
    sent.await.expect("the node lives").expect("sockets");
}

#[test]
fn twenty_thousand_syns_lose_none() {
    const SYNS: usize = 20_000;
    in_lab(async |lab| {
        let rules = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";
        lab.restore("server", Backend::Nft, Family::Ipv4, rules)
            .await;
        let mut watch = Watch::start(&lab, "server").await;
        let to = SocketAddr::new(lab::server(Family::Ipv4), PORT);
        // An ordinary user's receive buffer is a fortieth of root's, so it is read more often.
        let at_once = match Privilege::current().expect("there is a lab") {
            Privilege::Root => SYNS,
            Privilege::UserNamespace => 40,
        };
        for _ in 0..SYNS / at_once {
            knock_at_once(&lab, "client", to, at_once).await;
            watch.drain().await;
        }
        assert!(!watch.has_lost(Source::Netfilter));
        let packets: BTreeSet<_> = watch
            .steps()
            .filter(|step| step.is_drop() && is_syn_to(&step.packet, PORT))
            .map(|step| step.packet_id)
            .collect();
        assert_eq!(packets.len(), SYNS);
    });
}

#[test]
fn what_is_lost_is_said() {
    in_lab(async |lab| {
        let rules = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";
        lab.restore("client", Backend::Nft, Family::Ipv4, rules)
            .await;
        let settings = ObserverSettings {
            receive_buffer: 4096,
            ..ObserverSettings::default()
        };
        let mut watch = Watch::with(&lab, "client", settings).await;
        let to = SocketAddr::new(lab::client(Family::Ipv4), PORT);
        knock_at_once(&lab, "client", to, 200).await;
        watch.drain().await;
        assert!(watch.has_lost(Source::Netfilter));
        // The next packet tells of the captured ones that did not fit.
        knock_at_once(&lab, "client", to, 1).await;
        watch.drain().await;
        assert!(watch.has_lost(Source::Capture));
    });
}

#[test]
fn nothing_is_lost_without_need() {
    in_lab(async |lab| {
        let rules = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";
        lab.restore("client", Backend::Nft, Family::Ipv4, rules)
            .await;
        let mut watch = Watch::start(&lab, "client").await;
        let to = SocketAddr::new(lab::client(Family::Ipv4), PORT);
        knock_at_once(&lab, "client", to, 20).await;
        watch.drain().await;
        assert!(!watch.has_lost(Source::Netfilter));
        assert!(!watch.has_lost(Source::Capture));
    });
}

/// Loads 20,000 rules that match nothing, and one that drops.
async fn load_many_rules(lab: &Lab, backend: Backend) {
    // An ordinary user's netlink send buffer holds no more than so many rules of one nft batch.
    let at_once = match Privilege::current().expect("there is a lab") {
        Privilege::Root => 20_000,
        Privilege::UserNamespace => 500,
    };
    for start in (0..20_000u32).step_by(at_once) {
        let mut rules = String::from("*filter\n");
        for [.., b, c] in (start..).take(at_once).map(u32::to_be_bytes) {
            rules.push_str(&format!("-A INPUT -s 172.16.{b}.{c}/32 -j ACCEPT\n"));
        }
        rules.push_str("COMMIT\n");
        lab.restore("server", backend, Family::Ipv4, &rules).await;
    }
    let last = "*filter\n-A INPUT -p tcp --dport 7777 -j DROP\nCOMMIT\n";
    lab.restore("server", backend, Family::Ipv4, last).await;
}

#[test]
fn twenty_thousand_rules_nft() {
    in_lab(async |lab| {
        load_many_rules(&lab, Backend::Nft).await;
        let mut watch = Watch::start(&lab, "server").await;
        lab.knock("client", SocketAddr::new(lab::server(Family::Ipv4), PORT));
        let step = watch
            .until("drop", |seen| stopped_syn(seen, PORT, ""))
            .await;
        let stop = watch.stop_of(&step, "").await;
        assert_eq!(stop.place, "filter/INPUT rule 20001");
        let rules = watch.observer.nft_rules().await.expect("a listing");
        assert_eq!(rules.len(), 20_001);
    });
}

#[test]
fn twenty_thousand_rules_legacy() {
    in_lab(async |lab| {
        load_many_rules(&lab, Backend::Legacy).await;
        let mut watch = Watch::start(&lab, "server").await;
        lab.knock("client", SocketAddr::new(lab::server(Family::Ipv4), PORT));
        let number = watch
            .until("line", |seen| {
                crate::watch::steps(seen)
                    .filter(|step| is_syn_to(&step.packet, PORT))
                    .find_map(|step| match step.at {
                        TracePlace::Line { number } => Some(number),
                        _ => None,
                    })
            })
            .await;
        assert_eq!(number, 20_001);
    });
}

#[test]
fn every_packet_is_traced_when_asked() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    const BEFORE: usize = 600;
    in_lab(async |lab| {
        let rules = "*filter\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n";
        lab.restore("server", Backend::Nft, Family::Ipv4, rules)
            .await;
        let mut watch = Watch::start(&lab, "server").await;
        let address = SocketAddr::new(lab::server(Family::Ipv4), PORT);
        let (listening, is_listening) = tokio::sync::oneshot::channel();
        let echo = async move || {
            let listener = tokio::net::TcpListener::bind(address)
                .await
                .expect("a port");
            let _ = listening.send(());
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut byte = [0];
            while stream.read_exact(&mut byte).await.is_ok() {
                stream.write_all(&byte).await.expect("an open connection");
            }
        };
        lab.node("server").spawn(echo).expect("the node lives");
        is_listening.await.expect("the server listens");
        let (more, mut asked) = tokio::sync::mpsc::channel::<usize>(1);
        let (done, mut finished) = tokio::sync::mpsc::channel::<()>(1);
        let talk = async move || {
            let mut stream = tokio::net::TcpStream::connect(address)
                .await
                .expect("an answer");
            let mut byte = [1];
            while let Some(times) = asked.recv().await {
                for _ in 0..times {
                    stream.write_all(&byte).await.expect("an open connection");
                    stream.read_exact(&mut byte).await.expect("an echo");
                }
                let _ = done.send(()).await;
            }
        };
        lab.node("client").spawn(talk).expect("the node lives");
        let incoming = |watch: &Watch| {
            let bytes = watch.steps().filter(|step| {
                matches!(step.packet, Packet::Tcp { payload: 1, flow, .. } if flow.to == address)
            });
            bytes
                .map(|step| step.packet_id)
                .collect::<BTreeSet<_>>()
                .len()
        };

        more.send(BEFORE).await.expect("the client lives");
        finished.recv().await.expect("the client lives");
        watch.drain().await;
        let traced = incoming(&watch);
        assert!(
            (10..BEFORE / 2).contains(&traced),
            "the budget let {traced} through"
        );

        watch.observer.trace_everything().await.expect("a rule");
        watch
            .observer
            .trace_everything()
            .await
            .expect("nothing to do");
        more.send(BEFORE).await.expect("the client lives");
        finished.recv().await.expect("the client lives");
        watch.drain().await;
        assert!(!watch.has_lost(Source::Netfilter));
        assert_eq!(incoming(&watch), traced + BEFORE);
    });
}
