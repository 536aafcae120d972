//! How long a tool and a program take from start to end that do nothing, one after the other and several at once:
//! `cargo run --release -p fwlab-fabric --example starts -- [ROUNDS]`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::time::{Duration, Instant};

use futures::StreamExt;
use fwlab_fabric::{Fabric, Node, ProgramSpec, Scratch, ToolCall};
use fwlab_model::{NodeSpec, Topology};
use fwlab_record::NodeName;

/// It does nothing, and needs one library.
const NOTHING: &str = "/bin/true";

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let rounds = std::env::args()
        .nth(1)
        .map_or(Ok(500), |text| text.parse())?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let topology = Topology {
            nodes: vec![NodeSpec::new(NodeName::server())],
            links: Vec::new(),
        };
        let fabric = Fabric::build(&topology).await?;
        let node = fabric.node(&NodeName::server()).ok_or("no node")?;
        // The spawner and its roots are made once.
        tool(node).await?;
        program(node).await?;
        for at_once in [1, 8] {
            let tools = futures::stream::repeat_with(|| tool(node));
            tell("tool", at_once, rounds, tools).await?;
            let programs = futures::stream::repeat_with(|| program(node));
            tell("program", at_once, rounds, programs).await?;
        }
        fabric.join().await;
        Ok(())
    })
}

async fn tell(
    what: &str,
    at_once: usize,
    rounds: usize,
    runs: impl futures::Stream<Item = impl Future<Output = Result<Duration, Failure>>>,
) -> Result<(), Failure> {
    let start = Instant::now();
    let times: Vec<_> = runs.take(rounds).buffer_unordered(at_once).collect().await;
    let each = start.elapsed() / u32::try_from(rounds)?;
    let mut times = times.into_iter().collect::<Result<Vec<_>, _>>()?;
    times.sort();
    let median = times[times.len() / 2];
    println!("{what}, {at_once} at once: median {median:.2?}; one every {each:.2?}");
    Ok(())
}

async fn tool(node: &Node) -> Result<Duration, Failure> {
    let start = Instant::now();
    let output = node.tool(ToolCall::new(NOTHING)).await?;
    match output.status.success() {
        true => Ok(start.elapsed()),
        false => Err(output.status.to_string().into()),
    }
}

async fn program(node: &Node) -> Result<Duration, Failure> {
    let files = Scratch::new(1 << 20)?;
    let start = Instant::now();
    let mut program = node.program(ProgramSpec::new(NOTHING).files(files)).await?;
    let status = program.wait().await?;
    match status.success() {
        true => Ok(start.elapsed()),
        false => Err(status.to_string().into()),
    }
}
