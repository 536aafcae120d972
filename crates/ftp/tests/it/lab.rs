use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fwlab_fabric::{Fabric, Node};
use fwlab_ftp::DEVIATIONS;
use fwlab_ftp::deviation::{Asked, ruled_out};
use fwlab_ftp::{
    Client, ClientReport, Content, RunningServer, Server, ServerSettings, Support, Timeouts,
    TransferSpec,
};
use fwlab_model::{LinkEnd, LinkSpec, NodeSpec, Topology};
use fwlab_record::{DataSetup, Family, InterfaceName, NodeName, Operation};
use libtest_mimic::{Failed, Trial};

/// The seed's address of the server, and an IPv6 counterpart.
pub(crate) fn server_address(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => "192.168.0.201".parse().unwrap(),
        Family::Ipv6 => "fd00::201".parse().unwrap(),
    }
}

/// Another address of the server's node, beside [`server_address`].
pub(crate) const OTHER_ADDRESS: &str = "192.168.0.202";

/// Two nodes with a link between them and no rules.
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
            interface: InterfaceName::new("lab0").unwrap(),
            addresses: vec![
                format!("192.168.0.{host}/24").parse().unwrap(),
                format!("fd00::{host}/64").parse().unwrap(),
            ],
        };
        let mut server = end(NodeName::server(), 201);
        let other = format!("{OTHER_ADDRESS}/24").parse().unwrap();
        server.addresses.push(other);
        let topology = Topology {
            nodes: vec![
                NodeSpec::new(NodeName::client()),
                NodeSpec::new(NodeName::server()),
            ],
            links: vec![LinkSpec::new([end(NodeName::client(), 211), server])],
        };
        let fabric = Fabric::build(&topology).await.expect("a fabric");
        let node = |name| fabric.node(&name).expect("a node of the topology").clone();
        Lab {
            client: node(NodeName::client()),
            server: node(NodeName::server()),
            _fabric: fabric,
        }
    }
}

/// Patience of a length that no healthy case comes near.
pub(crate) const AMPLE: Timeouts = Timeouts {
    connect: Duration::from_secs(10),
    silence: Duration::from_secs(10),
    whole: Duration::from_secs(60),
};

/// A transfer to the server node's port 21.
pub(crate) fn spec(setup: DataSetup, operation: Operation, size: u64) -> TransferSpec {
    let server = SocketAddr::new(server_address(Family::Ipv4), 21);
    let content = Content::new("file.bin", size).expect("a name and a size");
    TransferSpec {
        operation,
        ..TransferSpec::retr(server, setup, content, AMPLE)
    }
}

/// Whether the data setup can carry an address of the family at all.
pub(crate) fn carries(setup: DataSetup, family: Family) -> bool {
    family == Family::Ipv4 || matches!(setup, DataSetup::Eprt | DataSetup::Epsv)
}

/// Runs one transfer between two peers in a lab of its own, and sees that the
/// right bytes are where they belong.
pub(crate) async fn pass(
    server: &dyn Server,
    client: &dyn Client,
    settings: &ServerSettings,
    spec: &TransferSpec,
) -> Result<ClientReport, Failed> {
    let lab = Lab::build().await;
    let mut running = server.start(&lab.server, settings).await?;
    let report = client.transfer(&lab.client, spec).await?;
    let checked = check(&mut *running, &report, spec).await;
    let words = running.recent_log().await;
    running.stop().await?;
    match checked {
        Ok(()) => Ok(report),
        Err(why) => Err(format!("{why}\nserver: {words}\nclient: {}", report.log).into()),
    }
}

/// The report of one transfer between two peers in a lab of its own.
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

/// What is wrong with what came of a transfer.
pub(crate) async fn check(
    running: &mut dyn RunningServer,
    report: &ClientReport,
    spec: &TransferSpec,
) -> Result<(), String> {
    let transferred = report
        .result
        .as_ref()
        .map_err(|failure| format!("{failure} ({failure:?})"))?;
    let stored = running
        .stored(spec.content.name())
        .await
        .map_err(|error| error.to_string())?;
    spec.verify(transferred, stored)
        .map_err(|mismatch| mismatch.to_string())
}

/// A case that runs on a runtime of its own.
pub(crate) fn trial<F, Fut>(name: String, case: F) -> Trial
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), Failed>>,
{
    Trial::test(name, move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(case())
    })
}

/// A case that cannot run here, and why.
pub(crate) fn skipped(name: String, why: &str) -> Trial {
    Trial::test(name, || Ok(()))
        .with_kind(format!("skipped: {why}"))
        .with_ignored_flag(true)
}

/// Whether two peers can do a transfer, and do it as it is asked.
pub(crate) fn supported(
    server: &dyn Server,
    client: &dyn Client,
    spec: &TransferSpec,
    settings: &ServerSettings,
) -> Support {
    let asked = Asked::of(spec, settings);
    server
        .supports(spec, settings)
        .and(|| client.supports(spec))
        .and(|| ruled_out(server.name(), &asked, DEVIATIONS))
        .and(|| ruled_out(client.name(), &asked, DEVIATIONS))
}
