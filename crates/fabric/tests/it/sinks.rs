//! Routes that lead out of an interface to nobody.

use std::io::ErrorKind;
use std::time::Duration;

use fwlab_fabric::{Node, ToolCall, find_tool};
use fwlab_model::{NextHop, RouteSpec, Topology};
use fwlab_record::{InterfaceName, NodeName};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::links::node;
use crate::support::{build, can_build, net, trio};

/// Longer than any answer takes, and than a second SYN needs to be sent.
const SILENCE: Duration = Duration::from_millis(1500);

fn swallowed(to: &str, interface: &str) -> RouteSpec {
    RouteSpec {
        to: net(to),
        via: NextHop::Sink(InterfaceName::new(interface).expect("an interface name")),
    }
}

/// The trio, whose server has no route to the client, and whose gateway has the Internet
/// on its outside.
fn behind_nat() -> Topology {
    let mut topology = trio();
    let everything = |interface| {
        ["0.0.0.0/0", "::/0"]
            .map(|to| swallowed(to, interface))
            .to_vec()
    };
    topology.nodes[1].routes = everything("outside");
    topology.nodes[2].routes = everything("eth0");
    topology
}

/// How many SYNs a node sees on its way out, of each family, counted by its own nf_tables.
struct Counted<'a>(&'a Node);

impl<'a> Counted<'a> {
    async fn on(node: &'a Node, interface: &str) -> Counted<'a> {
        let script = format!(
            "table inet count {{\nchain out {{\ntype filter hook postrouting priority 300\n\
             oifname {interface} tcp flags syn counter\n}}\n}}\n"
        );
        nft(node, &["-f", "-"], &script).await;
        Counted(node)
    }

    async fn packets(&self) -> u64 {
        let listing = nft(self.0, &["list", "table", "inet", "count"], "").await;
        let (_, rest) = listing.split_once("packets ").expect("a counter");
        let number = rest.split_whitespace().next().expect("a number");
        number.parse().expect("a number")
    }
}

async fn nft(node: &Node, arguments: &[&str], script: &str) -> String {
    let call = ToolCall::new(find_tool("nft").expect("nft is installed"))
        .arguments(arguments.iter().map(|&word| word.to_owned()))
        .stdin(script.as_bytes().to_vec());
    let output = node.tool(call).await.expect("nft runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("nft writes UTF-8")
}

/// Connects, and tells what came of it before the silence was long enough.
async fn connect(from: &Node, to: &'static str) -> Option<std::io::Result<()>> {
    from.run(async move || {
        let connecting = TcpStream::connect(to.parse::<std::net::SocketAddr>().expect("both"));
        let outcome = timeout(SILENCE, connecting).await.ok()?;
        Some(outcome.map(drop))
    })
    .await
    .expect("the node lives")
}

#[tokio::test]
async fn a_connect_into_a_sink_leaves_and_is_never_answered() {
    if !can_build() {
        return;
    }
    let fabric = build(&behind_nat()).await;
    let server = node(&fabric, &NodeName::server());
    let gateway = node(&fabric, &NodeName::gateway());
    let left = Counted::on(server, "eth0").await;
    let through = Counted::on(gateway, "inside").await;
    for to in ["10.0.1.2:21", "[fd00:1::2]:21"] {
        let before = left.packets().await;
        let outcome = connect(server, to).await;
        assert!(outcome.is_none(), "{to}: {outcome:?}");
        assert_eq!(left.packets().await - before, 2, "{to}: a SYN, and again");
        assert_eq!(through.packets().await, 0, "{to}: the gateway takes none");
    }
}

#[tokio::test]
async fn a_forwarded_packet_is_swallowed_too() {
    if !can_build() {
        return;
    }
    let fabric = build(&behind_nat()).await;
    let client = node(&fabric, &NodeName::client());
    let gateway = node(&fabric, &NodeName::gateway());
    let left = Counted::on(gateway, "outside").await;
    for to in ["192.168.7.10:21", "[2001:db8::1]:21"] {
        let before = left.packets().await;
        // An ICMP error would end it.
        let outcome = connect(client, to).await;
        assert!(outcome.is_none(), "{to}: {outcome:?}");
        assert_eq!(left.packets().await - before, 2, "{to}: a SYN, and again");
    }
}

/// What is on a link of the node is reached all the same.
#[tokio::test]
async fn a_sink_swallows_nothing_that_leads_somewhere() {
    if !can_build() {
        return;
    }
    let fabric = build(&behind_nat()).await;
    let gateway = node(&fabric, &NodeName::gateway());
    let server = node(&fabric, &NodeName::server());
    for to in ["10.0.2.1:21", "[fd00:2::1]:21"] {
        let _listener = gateway
            .run(async move || TcpListener::bind(to).await.expect("an address of the node"))
            .await
            .expect("the node lives");
        let start = Instant::now();
        let outcome = connect(server, to).await;
        assert!(matches!(outcome, Some(Ok(()))), "{to}: {outcome:?}");
        assert!(start.elapsed() < Duration::from_secs(1), "{to}");
    }
    let refused = connect(server, "10.0.2.1:22").await;
    assert!(
        matches!(&refused, Some(Err(error)) if error.kind() == ErrorKind::ConnectionRefused),
        "{refused:?}"
    );
}
