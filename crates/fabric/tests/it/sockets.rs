use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fwlab_fabric::SocketError;
use fwlab_record::{Flow, NodeName};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{build, can_build, ipv4_pair, pair};

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// `connect` to an address that nobody answers for waits in SYN-SENT for two minutes.
#[tokio::test]
async fn a_destroyed_socket_wakes_its_connect() {
    if !can_build() {
        return;
    }
    let topology = pair(
        &["192.168.0.211/24", "fd00::211/64"],
        &["192.168.0.201/24", "fd00::201/64"],
    );
    let fabric = build(&topology).await;
    let client = fabric.node(&NodeName::client()).expect("a client");
    // The server has no route back to this source, so the SYN goes out and stays alone.
    client
        .tool(fwlab_fabric::ToolCall::new("/sbin/ip").arguments([
            "addr",
            "add",
            "10.9.9.9/32",
            "dev",
            "lo",
        ]))
        .await
        .expect("iproute2 is installed");
    let flow = Flow {
        from: address("10.9.9.9:40000"),
        to: address("192.168.0.201:21"),
    };
    for mapped in [false, true] {
        let (waiting, connecting) = tokio::sync::oneshot::channel();
        client
            .spawn(async move || {
                let connect = async {
                    let socket = if mapped {
                        let socket = TcpSocket::new_v6()?;
                        socket.bind(address("[::ffff:10.9.9.9]:40000"))?;
                        return socket.connect(address("[::ffff:192.168.0.201]:21")).await;
                    } else {
                        TcpSocket::new_v4()?
                    };
                    socket.bind(flow.from)?;
                    socket.connect(flow.to).await
                };
                let _ = waiting.send(connect.await);
            })
            .expect("the node lives");
        let end = Instant::now() + Duration::from_secs(5);
        while !client.destroy_tcp(flow).await.expect("the kernel can") {
            assert!(Instant::now() < end, "no socket in SYN-SENT");
        }
        let result = tokio::time::timeout(Duration::from_secs(1), connecting).await;
        let error = result
            .expect("at once")
            .expect("a result")
            .expect_err("no answer");
        assert_eq!(
            error.kind(),
            io::ErrorKind::ConnectionAborted,
            "mapped: {mapped}"
        );
        assert!(
            !client.destroy_tcp(flow).await.expect("the kernel can"),
            "it is gone"
        );
    }
}

#[tokio::test]
async fn destroying_a_flow_that_is_not_there_spares_the_listener() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let server = fabric.node(&NodeName::server()).expect("a server");
    let listener = server
        .run(async || {
            TcpListener::bind("192.168.0.201:21")
                .await
                .expect("port 21")
        })
        .await
        .expect("the node lives");
    let flow = Flow {
        from: address("192.168.0.201:21"),
        to: address("192.168.0.211:5555"),
    };
    assert!(!server.destroy_tcp(flow).await.expect("the kernel can"));
    let client = fabric.node(&NodeName::client()).expect("a client");
    let connected = client.run(async || TcpStream::connect("192.168.0.201:21").await.is_ok());
    assert!(
        connected.await.expect("the node lives"),
        "the listener still listens"
    );
    drop(listener);
}

#[tokio::test]
async fn a_listener_is_seen_on_one_address_or_on_all() {
    if !can_build() {
        return;
    }
    let topology = pair(
        &["192.168.0.211/24", "fd00::211/64"],
        &["192.168.0.201/24", "fd00::201/64"],
    );
    let fabric = build(&topology).await;
    let server = fabric.node(&NodeName::server()).expect("a server");
    for (port, bind) in [
        (21, "0.0.0.0"),
        (22, "[::]"),
        (23, "192.168.0.201"),
        (24, "[fd00::201]"),
        (25, "127.0.0.1"),
    ] {
        let short = Duration::from_millis(5);
        let none = server.wait_listening(port, short).await;
        assert!(
            matches!(none, Err(SocketError::NotListening { .. })),
            "{none:?}"
        );
        let bind = format!("{bind}:{port}");
        let text = bind.clone();
        let (listener, seen) = tokio::join!(
            server.run(async move || TcpListener::bind(text).await.expect("a free port")),
            server.wait_listening(port, Duration::from_secs(5)),
        );
        seen.unwrap_or_else(|error| panic!("{bind}: {error}"));
        drop(listener);
    }
}
