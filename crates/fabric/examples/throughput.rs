//! How long a fabric takes to build and to end, and how many a second can be built
//! at once: `cargo run --release -p fwlab-fabric --example throughput -- [SECONDS]`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::time::{Duration, Instant};

use futures::StreamExt;
use fwlab_fabric::{Fabric, raise_open_file_limit};
use fwlab_model::{LinkEnd, LinkSpec, NodeSpec, Topology};
use fwlab_record::{InterfaceName, NodeName};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(3), |text| text.parse())?;
    raise_open_file_limit()?;
    let runtime = tokio::runtime::Runtime::new()?;
    for (what, topology) in [
        ("two nodes, IPv4", chain(&["client", "server"], false)?),
        (
            "two nodes, IPv4 and IPv6",
            chain(&["client", "server"], true)?,
        ),
        (
            "three nodes, IPv4",
            chain(&["client", "gateway", "server"], false)?,
        ),
    ] {
        for at_once in [1, 8, 16, 32] {
            let end = Instant::now() + Duration::from_secs(seconds);
            let start = Instant::now();
            let mut times: Vec<_> = runtime.block_on(
                futures::stream::repeat_with(|| measure(topology.clone()))
                    .take_while(|_| std::future::ready(Instant::now() < end))
                    .buffer_unordered(at_once)
                    .map(|times| times.expect("a fabric"))
                    .collect(),
            );
            let elapsed = start.elapsed();
            let mut median = |key: fn(&[Duration; 2]) -> Duration| {
                times.sort_by_key(key);
                key(&times[times.len() / 2])
            };
            let [build, end] = [median(|t| t[0]), median(|t| t[1])];
            println!(
                "{what}, {at_once:2} at once: {:4.0}/s; medians: build {build:.2?}, end {end:.2?}",
                times.len() as f64 / elapsed.as_secs_f64(),
            );
        }
    }
    Ok(())
}

async fn measure(topology: Topology) -> Result<[Duration; 2], fwlab_fabric::FabricError> {
    let start = Instant::now();
    let fabric = Fabric::build(&topology).await?;
    let built = start.elapsed();
    let start = Instant::now();
    fabric.join().await;
    Ok([built, start.elapsed()])
}

/// Nodes in a row, each linked to the next.
fn chain(names: &[&str], ipv6: bool) -> Result<Topology, Box<dyn std::error::Error>> {
    let nodes: Vec<_> = names
        .iter()
        .map(|name| NodeName::new(*name))
        .collect::<Result<_, _>>()?;
    let mut links = Vec::new();
    for (at, pair) in nodes.windows(2).enumerate() {
        let end = |node: &NodeName, side: u8| -> Result<LinkEnd, Box<dyn std::error::Error>> {
            let mut addresses = vec![format!("10.0.{at}.{side}/24").parse()?];
            if ipv6 {
                addresses.push(format!("fd00:{at}::{side}/64").parse()?);
            }
            Ok(LinkEnd {
                node: node.clone(),
                interface: InterfaceName::new(format!("eth{at}"))?,
                addresses,
            })
        };
        links.push(LinkSpec::new([end(&pair[0], 1)?, end(&pair[1], 2)?]));
    }
    Ok(Topology {
        nodes: nodes.into_iter().map(NodeSpec::new).collect(),
        links,
    })
}
