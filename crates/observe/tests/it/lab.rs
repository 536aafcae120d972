//! Client, gateway and server, and rules for them.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use fwlab_fabric::{Fabric, Node, ToolCall};
use fwlab_model::{LinkEnd, LinkSpec, NextHop, NodeSpec, RouteSpec, Topology};
use fwlab_record::{Backend, Family, InterfaceName, NodeName};
use fwlab_skipped::{Need, skipped};

/// The port that tests connect to.
pub(crate) const PORT: u16 = 7777;

pub(crate) struct Lab {
    fabric: Fabric,
}

/// Runs a test in a lab of its own; says so where there is no lab to be had.
pub(crate) fn in_lab<F: Future<Output = ()>>(test: impl FnOnce(Lab) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        match Fabric::build(&topology()).await {
            Ok(fabric) => test(Lab { fabric }).await,
            Err(fwlab_fabric::FabricError::Privilege(why)) => skipped(Need::Lab, why),
            Err(error) => panic!("the lab was not built: {error:?}"),
        }
    });
}

fn topology() -> Topology {
    let end = |node: NodeName, interface: &str, addresses: [&str; 2]| LinkEnd {
        node,
        interface: InterfaceName::new(interface).expect("a name"),
        addresses: addresses
            .map(|net| net.parse().expect("a network"))
            .to_vec(),
    };
    let node = |name: NodeName, forwards: bool, routes: &[[&str; 2]]| {
        let routes = routes.iter().map(|[to, via]| RouteSpec {
            to: to.parse().expect("a network"),
            via: NextHop::Neighbour(via.parse().expect("an address")),
        });
        NodeSpec {
            forwards,
            routes: routes.collect(),
            ..NodeSpec::new(name)
        }
    };
    Topology {
        nodes: vec![
            node(
                NodeName::client(),
                false,
                &[["0.0.0.0/0", "10.9.0.2"], ["::/0", "fd09::2"]],
            ),
            node(NodeName::gateway(), true, &[]),
            node(
                NodeName::server(),
                false,
                &[["0.0.0.0/0", "10.9.1.2"], ["::/0", "fd09:1::2"]],
            ),
        ],
        links: vec![
            LinkSpec::new([
                end(NodeName::client(), "wan", ["10.9.0.1/24", "fd09::1/64"]),
                end(NodeName::gateway(), "left", ["10.9.0.2/24", "fd09::2/64"]),
            ]),
            LinkSpec::new([
                end(
                    NodeName::gateway(),
                    "right",
                    ["10.9.1.2/24", "fd09:1::2/64"],
                ),
                end(NodeName::server(), "wan", ["10.9.1.1/24", "fd09:1::1/64"]),
            ]),
        ],
    }
}

impl Lab {
    pub(crate) fn node(&self, name: &str) -> &Node {
        let name = NodeName::new(name).expect("a name");
        self.fabric.node(&name).expect("a node of the topology")
    }

    /// Loads the text that `iptables-save` writes.
    pub(crate) async fn restore(&self, node: &str, backend: Backend, family: Family, rules: &str) {
        let mut call = ToolCall::new(tool(backend, family, "restore")).stdin(rules);
        call.arguments.push("--noflush".into());
        call.deadline = std::time::Duration::from_secs(60);
        self.tool(node, call).await;
    }

    pub(crate) async fn save(&self, node: &str, backend: Backend, family: Family) -> String {
        self.tool(node, ToolCall::new(tool(backend, family, "save")))
            .await
    }

    /// Loads an nft script.
    pub(crate) async fn nft(&self, node: &str, script: &str) {
        let call = ToolCall::new("/usr/sbin/nft")
            .arguments(["-f", "-"])
            .stdin(script);
        self.tool(node, call).await;
    }

    pub(crate) async fn list_tables(&self, node: &str) -> String {
        let call = ToolCall::new("/usr/sbin/nft").arguments(["list", "tables"]);
        self.tool(node, call).await
    }

    async fn tool(&self, node: &str, call: ToolCall) -> String {
        let output = self.node(node).tool(call).await.expect("the tool runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let errors = text(output.stderr);
        assert!(output.status.success(), "{errors}");
        text(output.stdout)
    }

    /// Lets client, gateway and server find one another's links, before rules keep IPv6's
    /// neighbour discovery from doing so.
    pub(crate) async fn introduce(&self, family: Family) {
        let to = SocketAddr::new(server(family), PORT);
        let connect = move || async move { tokio::net::TcpStream::connect(to).await };
        let answer = self
            .node("client")
            .run(connect)
            .await
            .expect("the node lives");
        assert!(answer.is_err(), "nobody listens there");
    }

    /// Connects from one node to another, and goes on before there is an answer.
    pub(crate) fn knock(&self, from: &str, to: SocketAddr) {
        let connect = move || async move {
            let _ = tokio::net::TcpStream::connect(to).await;
        };
        self.node(from).spawn(connect).expect("the node lives");
    }
}

pub(crate) fn tool(backend: Backend, family: Family, verb: &str) -> String {
    let family = match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    };
    let path = format!("/usr/sbin/{family}-{}-{verb}", backend.word());
    assert!(Path::new(&path).exists(), "{path} is needed by this test");
    path
}

pub(crate) fn server(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => "10.9.1.1",
        Family::Ipv6 => "fd09:1::1",
    }
    .parse()
    .expect("an address")
}

pub(crate) fn client(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => "10.9.0.1",
        Family::Ipv6 => "fd09::1",
    }
    .parse()
    .expect("an address")
}
