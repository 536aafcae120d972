//! Captured packets: what was said, by whom, over which interface.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use fwlab_observe::{CapturedPacket, Direction, ObserverSettings, What};
use fwlab_record::{Backend, Family, Packet};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::lab::{self, Lab, PORT, in_lab};
use crate::watch::Watch;

fn settings() -> ObserverSettings {
    ObserverSettings {
        control_ports: vec![2121, PORT],
        ..ObserverSettings::default()
    }
}

fn captured(seen: &[What]) -> impl Iterator<Item = &CapturedPacket> {
    seen.iter().filter_map(|what| match what {
        What::Captured(packet) => Some(packet),
        _ => None,
    })
}

/// Sends bytes to the server, which sends as many others back.
async fn exchange(lab: &Lab, address: SocketAddr, there: Vec<u8>, back: Vec<u8>) {
    let (listening, is_listening) = tokio::sync::oneshot::channel();
    let length = there.len();
    let length_back = back.len();
    let serve = lab.node("server").run(move || async move {
        let listener = TcpListener::bind(address).await?;
        let _ = listening.send(());
        let (mut stream, _) = listener.accept().await?;
        let mut read = vec![0; length];
        stream.read_exact(&mut read).await?;
        stream.write_all(&back).await?;
        stream.shutdown().await?;
        stream.read_to_end(&mut read).await?;
        std::io::Result::Ok(())
    });
    let send = async {
        is_listening.await.expect("the server listens");
        lab.node("client")
            .run(move || async move {
                let mut stream = TcpStream::connect(address).await?;
                stream.write_all(&there).await?;
                let mut read = Vec::new();
                stream.read_to_end(&mut read).await?;
                assert_eq!(read.len(), length_back);
                std::io::Result::Ok(())
            })
            .await
    };
    let (served, sent) = tokio::join!(serve, send);
    served.expect("the server lives").expect("a connection");
    sent.expect("the client lives").expect("a connection");
}

/// Puts together what went to a port, or came from it, in one direction over one interface.
fn stream(seen: &[What], direction: Direction, interface: &str, to_port: bool) -> Vec<u8> {
    let mut pieces = BTreeMap::new();
    let mut start = None;
    for packet in captured(seen) {
        let Packet::Tcp {
            flow,
            flags,
            sequence,
            payload,
            ..
        } = packet.packet
        else {
            continue;
        };
        let towards = flow.to.port() == PORT;
        if packet.direction != direction
            || packet.interface.to_string() != interface
            || towards != to_port
        {
            continue;
        }
        assert_eq!(packet.payload.len(), payload as usize);
        if flags.is_syn() || flags.is_syn_ack() {
            start = Some(sequence.wrapping_add(1));
        } else if let Some(start) = start {
            let at = sequence.wrapping_sub(start) as usize;
            for (offset, byte) in packet.payload.iter().enumerate() {
                pieces.insert(at + offset, *byte);
            }
        }
    }
    assert_eq!(
        pieces.keys().last().map_or(0, |last| last + 1),
        pieces.len(),
        "a gap"
    );
    pieces.into_values().collect()
}

fn payloads_both_ways(family: Family) {
    in_lab(async |lab| {
        // Large enough for segments that only the network card would cut.
        let there: Vec<u8> = (0..200_000u32).map(|at| (at % 251) as u8).collect();
        let back: Vec<u8> = (0..150_000u32).map(|at| (at % 241) as u8).collect();
        let mut watch = Watch::with(&lab, "gateway", settings()).await;
        let address = SocketAddr::new(lab::server(family), PORT);
        exchange(&lab, address, there.clone(), back.clone()).await;
        watch.drain().await;
        assert!(!watch.has_lost(fwlab_observe::Source::Capture));
        let largest = captured(&watch.seen)
            .map(|packet| packet.payload.len())
            .max();
        assert!(largest > Some(1500), "only small segments: {largest:?}");
        for (direction, interface) in [(Direction::In, "left"), (Direction::Out, "right")] {
            assert!(
                stream(&watch.seen, direction, interface, true) == there,
                "{interface}"
            );
        }
        for (direction, interface) in [(Direction::In, "right"), (Direction::Out, "left")] {
            assert!(
                stream(&watch.seen, direction, interface, false) == back,
                "{interface}"
            );
        }
    });
}

#[test]
fn payloads_ipv4() {
    payloads_both_ways(Family::Ipv4);
}

#[test]
fn payloads_ipv6() {
    payloads_both_ways(Family::Ipv6);
}

#[test]
fn other_flows_are_headers_without_payload() {
    in_lab(async |lab| {
        let mut watch = Watch::start(&lab, "server").await;
        let address = SocketAddr::new(lab::server(Family::Ipv4), PORT);
        exchange(&lab, address, vec![1; 5000], vec![2; 5000]).await;
        watch.drain().await;
        let flags: Vec<u8> = captured(&watch.seen)
            .map(|packet| match packet.packet {
                Packet::Tcp { flags, .. } => flags.0,
                _ => panic!("only TCP went this way: {packet:?}"),
            })
            .collect();
        assert!(flags.len() >= 4, "SYN, SYN-ACK and two FINs: {flags:?}");
        assert!(flags.iter().all(|flags| flags & 0x07 != 0), "{flags:?}");
        assert!(captured(&watch.seen).all(|packet| packet.payload.is_empty()));
    });
}

#[test]
fn an_icmp_error_tells_what_it_is_about() {
    for family in [Family::Ipv4, Family::Ipv6] {
        in_lab(async |lab| {
            let rules = "*filter\n-A FORWARD -p tcp -j REJECT\nCOMMIT\n";
            lab.restore("gateway", Backend::Nft, family, rules).await;
            let mut watch = Watch::start(&lab, "client").await;
            lab.knock("client", SocketAddr::new(lab::server(family), PORT));
            let (kind, about) = watch
                .until("ICMP error", |seen| {
                    captured(seen).find_map(|packet| match packet.packet {
                        Packet::Icmp {
                            kind,
                            about: Some(about),
                            ..
                        } => Some((kind, about)),
                        _ => None,
                    })
                })
                .await;
            assert_eq!(kind, if family == Family::Ipv4 { 3 } else { 1 });
            assert_eq!(about.to, SocketAddr::new(lab::server(family), PORT));
        });
    }
}
