use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fwlab_containers::{ContainerReuse, Engine, Image};
use fwlab_fabric::{Fabric, Node, ToolCall, find_tool};
use fwlab_ftp::{
    Client, ClientReport, Content, DataSourcePort, Login, PeerError, Server, ServerSettings,
    Timeouts, TransferSpec,
};
use fwlab_model::{LinkEnd, LinkSpec, NodeSpec, Topology};
use fwlab_record::{DataSetup, InterfaceName, NodeName, Operation, PeerName};
use fwlab_skipped::{Need, skipped};

/// vsftpd and curl in warm containers; `None`, told or failed, where there can be none.
pub(crate) async fn peers() -> Option<(Arc<dyn Server>, Arc<dyn Client>)> {
    let engine = match Engine::connect().await {
        Ok(engine) => engine,
        Err(none) => return lacking(&none.to_string()),
    };
    for image in [Image::Vsftpd, Image::Client] {
        if !image.is_built(&engine).await.expect("Docker answers") {
            return lacking(&format!("{image} is not built; fwlab images"));
        }
    }
    let server = fwlab_containers::server(PeerName::Vsftpd, &engine, ContainerReuse::Warm).await;
    let client = fwlab_containers::client(PeerName::Curl, &engine, ContainerReuse::Warm).await;
    Some((server.expect("it is built"), client.expect("it is built")))
}

/// Where the environment has `FWLAB_REQUIRE=containers`, as in CI, what lacks is a failure.
fn lacking<T>(why: &str) -> Option<T> {
    skipped(Need::Containers, why);
    None
}

/// Two nodes, a link, and rules that let everything pass and know every connection.
pub(crate) struct Lab {
    pub(crate) client: Node,
    pub(crate) server: Node,
    // Last: the nodes' handles go before what they are part of.
    _fabric: Fabric,
}

impl Lab {
    pub(crate) async fn build() -> Lab {
        let end = |node: NodeName, host: u8| LinkEnd {
            node,
            interface: InterfaceName::new("lab0").expect("a name"),
            addresses: vec![format!("192.168.0.{host}/24").parse().expect("an address")],
        };
        let topology = Topology {
            nodes: vec![
                NodeSpec::new(NodeName::client()),
                NodeSpec::new(NodeName::server()),
            ],
            links: vec![LinkSpec::new([
                end(NodeName::client(), 211),
                end(NodeName::server(), 201),
            ])],
        };
        let fabric = Fabric::build(&topology).await.expect("a fabric");
        let node = |name| fabric.node(&name).expect("a node of the topology").clone();
        let lab = Lab {
            client: node(NodeName::client()),
            server: node(NodeName::server()),
            _fabric: fabric,
        };
        for node in [&lab.client, &lab.server] {
            let rules = "*filter\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n";
            let tool = find_tool("iptables-nft-restore").expect("iptables is there");
            let restored = node.tool(ToolCall::new(tool).stdin(rules)).await;
            assert!(restored.expect("it runs").status.success());
        }
        lab
    }

    /// One transfer, with data between port 20 and this port of the client.
    pub(crate) async fn transfer(
        &self,
        server: &dyn Server,
        client: &dyn Client,
        operation: Operation,
    ) -> Result<Moved, PeerError> {
        let server_port = SocketAddr::from(([192, 168, 0, 201], 21));
        let content = Content::new("left.bin", 10_000).expect("a name and a size");
        let timeouts = Timeouts {
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(5),
            whole: Duration::from_secs(30),
        };
        let spec = TransferSpec {
            login: Login::Named,
            operation,
            active_ports: Some(39632..=39632),
            ..TransferSpec::retr(server_port, DataSetup::Port, content, timeouts)
        };
        let settings = ServerSettings {
            data_source_port: DataSourcePort::Twenty,
            login: Login::Named,
            ..ServerSettings::for_transfer(&spec)
        };
        let mut running = server.start(&self.server, &settings).await?;
        let before = running.stored(spec.content.name()).await?.is_some();
        let report = client.transfer(&self.client, &spec).await?;
        let after = running.stored(spec.content.name()).await?.is_some();
        running.stop().await?;
        Ok(Moved {
            report,
            stored: [before, after],
        })
    }
}

/// What became of a transfer.
pub(crate) struct Moved {
    pub(crate) report: ClientReport,
    /// Whether the server held the file before it and after.
    pub(crate) stored: [bool; 2],
}

/// What of a network a node has: its namespace, its TCP sockets, and how many connections conntrack knows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) namespace: String,
    pub(crate) sockets: Vec<String>,
    pub(crate) connections: String,
}

impl Network {
    pub(crate) async fn of(node: &Node) -> Network {
        let seen = node.run(async || {
            let read = |file: &str| std::fs::read_to_string(file).expect("the kernel tells");
            let namespace = std::fs::read_link("/proc/thread-self/ns/net").expect("a namespace");
            let tables = ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"];
            let sockets = tables.into_iter().flat_map(|table| {
                let lines: Vec<String> = read(table).lines().skip(1).map(str::to_owned).collect();
                lines
            });
            Network {
                namespace: namespace.display().to_string(),
                sockets: sockets.collect(),
                connections: read("/proc/sys/net/netfilter/nf_conntrack_count")
                    .trim()
                    .to_owned(),
            }
        });
        seen.await.expect("the node lives")
    }

    /// Whether a socket waits for the last of a connection to be gone (`TCP_TIME_WAIT`).
    pub(crate) fn has_time_wait(&self) -> bool {
        let state = |line: &String| line.split_whitespace().nth(3) == Some("06");
        self.sockets.iter().any(state)
    }
}
