use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::StreamExt;
use fwlab_fabric::{Fabric, FabricError, Node, ToolCall, neighbour_overflows};
use fwlab_model::{NextHop, RouteSpec, Topology};
use fwlab_record::NodeName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{build, can_build, ipv4_pair, net, pair, trio};

/// When a lost SYN, ARP request or neighbour solicitation is sent again.
pub(crate) const RETRY: Duration = Duration::from_secs(1);

/// Sends a word from a node to an address of another, and returns how long its echo took.
pub(crate) async fn echo(from: &Node, to: &Node, address: SocketAddr) -> Duration {
    let listening = to
        .run(async move || {
            TcpListener::bind(address)
                .await
                .expect("an address of the node")
        })
        .await
        .expect("the node lives");
    to.spawn(async move || {
        let (mut stream, _) = listening.accept().await.expect("a connection");
        let (mut read, mut write) = stream.split();
        tokio::io::copy(&mut read, &mut write)
            .await
            .expect("an echo");
    })
    .expect("the node lives");
    from.run(async move || {
        let start = Instant::now();
        let mut stream = TcpStream::connect(address).await.expect("no firewall here");
        stream.write_all(b"word").await.expect("a connection");
        let mut word = [0; 4];
        stream.read_exact(&mut word).await.expect("an echo");
        assert_eq!(&word, b"word");
        start.elapsed()
    })
    .await
    .expect("the node lives")
}

pub(crate) fn node<'a>(fabric: &'a Fabric, name: &NodeName) -> &'a Node {
    fabric.node(name).expect("a node of the topology")
}

/// What `ip` shows in a node, as one line for each thing.
pub(crate) async fn ip(node: &Node, arguments: &str) -> String {
    let words = std::iter::once("-o").chain(arguments.split(' '));
    let call = ToolCall::new("/sbin/ip").arguments(words.map(str::to_owned));
    let output = node.tool(call).await.expect("iproute2 is installed");
    String::from_utf8(output.stdout).expect("ip writes UTF-8")
}

#[tokio::test]
async fn interfaces_addresses_and_routes_are_those_of_the_topology() {
    if !can_build() {
        return;
    }
    let fabric = build(&trio()).await;
    let names: Vec<_> = fabric.nodes().map(|node| node.name().as_str()).collect();
    assert_eq!(names, ["client", "gateway", "server"]);
    let gateway = node(&fabric, &NodeName::gateway());
    let links = ip(gateway, "link show up").await;
    let mut interfaces: Vec<_> = links
        .lines()
        .filter_map(|line| line.split([' ', '@', ':']).nth(2))
        .collect();
    interfaces.sort_unstable();
    assert_eq!(interfaces, ["inside", "lo", "outside"]);
    let addresses = ip(gateway, "address show scope global").await;
    for (interface, address) in [
        ("inside", "10.0.1.1/24"),
        ("inside", "fd00:1::1/64"),
        ("outside", "10.0.2.1/24"),
        ("outside", "fd00:2::1/64"),
    ] {
        let stands = |line: &str| {
            line.contains(&format!(": {interface} ")) && line.contains(&format!(" {address} "))
        };
        assert!(
            addresses.lines().any(stands),
            "{interface} {address} in {addresses}"
        );
    }
    assert!(!addresses.contains("tentative"), "{addresses}");
    let client = node(&fabric, &NodeName::client());
    let routes = ip(client, "route show").await + &ip(client, "-6 route show").await;
    assert!(routes.contains("default via 10.0.1.1 dev eth0"), "{routes}");
    assert!(
        routes.contains("default via fd00:1::1 dev eth0"),
        "{routes}"
    );
    let forwarding = "/proc/sys/net/ipv4/ip_forward";
    for (who, expected) in [(gateway, "1\n"), (client, "0\n")] {
        let value = who
            .run(async move || std::fs::read_to_string(forwarding))
            .await;
        assert_eq!(value.unwrap().unwrap(), expected, "{}", who.name());
    }
}

#[tokio::test]
async fn a_topology_without_ipv6_says_nothing_in_it() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    for node in fabric.nodes() {
        let addresses = ip(node, "-6 address show").await;
        assert!(!addresses.contains("fe80"), "{addresses}");
        assert!(
            addresses.contains("::1/128"),
            "loopback keeps its own: {addresses}"
        );
        let statistics = ip(node, "-s link show eth0").await;
        let packets = statistics.split("TX:").nth(1).expect("statistics");
        let sent = packets
            .split_whitespace()
            .find_map(|word| word.parse::<u64>().ok());
        assert_eq!(sent, Some(0), "{statistics}");
    }
}

#[tokio::test]
async fn a_gateway_forwards_both_families() {
    if !can_build() {
        return;
    }
    let fabric = build(&trio()).await;
    let (client, server) = (
        node(&fabric, &NodeName::client()),
        node(&fabric, &NodeName::server()),
    );
    for address in ["10.0.2.2:21", "[fd00:2::2]:21"] {
        let address = address.parse().expect("an address");
        let took = echo(client, server, address).await;
        assert!(took < RETRY, "{address}: {took:?}");
    }
}

/// The kernel may leave a fresh veth or IPv6 address dead for a while, which looks
/// exactly like a firewall's drop: the SYN, or the request for the neighbour's address
/// before it, is lost. (Time is the only witness: a SYN that waits for an address is
/// not counted as sent again.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_first_packet_is_lost_on_a_fresh_link() {
    if !can_build() {
        return;
    }
    let both = pair(
        &["192.168.0.211/24", "fd00::211/64"],
        &["192.168.0.201/24", "fd00::201/64"],
    );
    // Many at once bring it out, and a machine that is slow itself hides it.
    let at_once = std::thread::available_parallelism().map_or(8, |cores| 4 * cores.get());
    for (topology, address) in [
        (&both, "192.168.0.201:21"),
        (&both, "[fd00::201]:21"),
        (&ipv4_pair(), "192.168.0.201:21"),
    ] {
        let slowest = slowest_of(200, at_once, async || {
            let fabric = build(topology).await;
            let client = node(&fabric, &NodeName::client());
            let server = node(&fabric, &NodeName::server());
            echo(client, server, address.parse().expect("an address")).await
        });
        let slowest = slowest.await;
        assert!(slowest < RETRY, "{address}: the slowest took {slowest:?}");
    }
}

/// How long the slowest of so many took, once the machine's table of neighbours had room all the while: others fill it, too, and
/// while it is full, first packets are lost on any link.
pub(crate) async fn slowest_of(
    count: usize,
    at_once: usize,
    take: impl AsyncFn() -> Duration,
) -> Duration {
    for _ in 0..10 {
        let before = neighbour_overflows();
        let all = futures::stream::iter(0..count).map(|_| take());
        let took: Vec<Duration> = all.buffer_unordered(at_once).collect().await;
        if neighbour_overflows() == before {
            return took.into_iter().max().expect("there were some");
        }
    }
    panic!("the machine's table of neighbours was full each time")
}

/// A router asks for an IPv6 neighbour from its link-local address, and asks nothing, for a second, while that is not
/// there or is tentative.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_can_ask_for_its_neighbours_as_soon_as_it_is_there() {
    if !can_build() {
        return;
    }
    let addresses = futures::stream::iter(0..200)
        .map(|_| async {
            let fabric = build(&trio()).await;
            let gateway = node(&fabric, &NodeName::gateway());
            let addresses = || std::fs::read_to_string("/proc/thread-self/net/if_inet6");
            let read = gateway.run(async move || addresses()).await;
            read.expect("the node lives").expect("it speaks IPv6")
        })
        .buffer_unordered(16);
    let addresses: Vec<String> = addresses.collect().await;
    let usable = |text: &String, interface: &str| {
        // Address, index, length of the prefix, scope, flags, name.
        let mut lines = text.lines().map(|line| line.split_whitespace().collect());
        lines.any(|words: Vec<&str>| {
            let flags = u32::from_str_radix(words[4], 16).expect("flags are hexadecimal");
            let tentative = flags & libc::IFA_F_TENTATIVE != 0;
            words[0].starts_with("fe80") && !tentative && words[5] == interface
        })
    };
    let without = |text: &&String| !usable(text, "inside") || !usable(text, "outside");
    let late: Vec<&String> = addresses.iter().filter(without).collect();
    assert!(late.is_empty(), "{} of 200: {}", late.len(), late[0]);
}

#[tokio::test]
async fn every_mistake_is_named_before_anything_is_made() {
    let mut topology = ipv4_pair();
    topology.nodes.push(topology.nodes[0].clone());
    topology.nodes[1].routes.push(RouteSpec {
        to: net("0.0.0.0/0"),
        via: NextHop::Neighbour("172.16.0.1".parse().expect("an address")),
    });
    match Fabric::build(&topology).await {
        Err(FabricError::Topology(mistakes)) => assert_eq!(mistakes.len(), 2, "{mistakes:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_kernel_refuses_is_named() {
    if !can_build() {
        return;
    }
    let mut topology = ipv4_pair();
    topology.links[0].ends[0].interface =
        fwlab_record::InterfaceName::new("lo").expect("a name that is taken already");
    let error = Fabric::build(&topology)
        .await
        .expect_err("lo is there already");
    let text = error.to_string();
    assert!(
        text.contains("client") && text.contains("make the link lo to eth0"),
        "{text}"
    );
}

#[tokio::test]
async fn an_empty_topology_is_built() {
    let fabric = build(&Topology::default()).await;
    assert_eq!(fabric.nodes().count(), 0);
    fabric.join().await;
}
