//! Bridges, several addresses on an interface, and links that carry less.

use std::net::SocketAddr;
use std::time::Duration;

use fwlab_fabric::Fabric;
use fwlab_model::{BridgeSpec, LinkSpec, NextHop, NodeSpec, RouteSpec, Topology};
use fwlab_record::{InterfaceName, NodeName};

use crate::links::{RETRY, echo, ip, node, slowest_of};
use crate::support::{build, can_build, end, net, pair};

fn name(text: &str) -> NodeName {
    NodeName::new(text).expect("a node name")
}

/// A node that bridges, by the interface `br0`, with two links at `p1` and `p2`.
fn bridging(text: &str, addresses: &[&str]) -> NodeSpec {
    let interface = |name: &str| InterfaceName::new(name).expect("an interface name");
    NodeSpec {
        bridges: vec![BridgeSpec {
            interface: interface("br0"),
            ports: ["p1", "p2"].map(interface).into(),
            addresses: addresses.iter().map(|text| net(text)).collect(),
        }],
        ..NodeSpec::new(name(text))
    }
}

/// Two hosts at the bridge of a third node, which has an address there or is a mere switch.
fn bridged(addresses: &[&str]) -> Topology {
    let (client, server, middle) = (NodeName::client(), NodeName::server(), name("middle"));
    let link = |host: &NodeName, addresses: &[&str], port| {
        LinkSpec::new([end(host, "eth0", addresses), end(&middle, port, &[])])
    };
    let everything = |via: &str| RouteSpec {
        to: net("0.0.0.0/0"),
        via: NextHop::Neighbour(via.parse().expect("an address")),
    };
    let mut host = NodeSpec::new(client.clone());
    if !addresses.is_empty() {
        host.routes.push(everything("192.168.7.1"));
    }
    Topology {
        links: vec![
            link(&client, &["192.168.7.20/24", "fd77:7::20/64"], "p1"),
            link(&server, &["192.168.7.10/24", "fd77:7::10/64"], "p2"),
        ],
        nodes: vec![
            host,
            bridging("middle", addresses),
            NodeSpec::new(server.clone()),
        ],
    }
}

async fn echoes(fabric: &Fabric, address: &str) -> Duration {
    let address: SocketAddr = address.parse().expect("an address");
    let listener = fabric
        .nodes()
        .find(|node| node.addresses().contains(&address.ip()))
        .expect("somebody has the address");
    echo(node(fabric, &NodeName::client()), listener, address).await
}

#[tokio::test]
async fn a_switch_joins_its_links_and_says_nothing_itself() {
    if !can_build() {
        return;
    }
    let fabric = build(&bridged(&[])).await;
    for address in ["192.168.7.10:21", "[fd77:7::10]:21"] {
        let took = echoes(&fabric, address).await;
        assert!(took < RETRY, "{address}: {took:?}");
    }
    let switch = node(&fabric, &name("middle"));
    let addresses = ip(switch, "address show").await;
    assert!(!addresses.contains("fe80"), "{addresses}");
    // A hardware address of its own, so that no frame comes in at a port and at the bridge.
    let links = ip(switch, "link show").await;
    let hardware = |interface: &str| {
        let line = links
            .lines()
            .find(|line| line.contains(&format!(" {interface}")));
        let mut words = line.expect("the interface").split_whitespace();
        words.find(|word| *word == "link/ether");
        words.next().expect("its address").to_owned()
    };
    assert_eq!(&hardware("br0:")[..8], "02:00:01", "{links}");
    assert_ne!(hardware("br0:"), hardware("p1@"), "{links}");
}

#[tokio::test]
async fn a_home_router_has_its_address_at_the_bridge() {
    if !can_build() {
        return;
    }
    let fabric = build(&bridged(&["192.168.7.1/24", "fd77:7::1/64"])).await;
    for address in [
        "192.168.7.10:21",
        "[fd77:7::10]:21",
        "192.168.7.1:21",
        "[fd77:7::1]:21",
    ] {
        let took = echoes(&fabric, address).await;
        assert!(took < RETRY, "{address}: {took:?}");
    }
    let addresses = ip(node(&fabric, &name("middle")), "-6 address show").await;
    assert!(!addresses.contains("tentative"), "{addresses}");
    let filtered = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    let middle = node(&fabric, &name("middle"));
    if let Ok(value) = middle
        .run(async move || std::fs::read_to_string(filtered))
        .await
        .expect("the node lives")
    {
        assert_eq!(
            value, "0\n",
            "what is bridged is none of iptables' business"
        );
    }
}

/// As on a link: the bridge and its ports may be dead for a while after they are up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_first_packet_is_lost_on_a_fresh_bridge() {
    if !can_build() {
        return;
    }
    let at_once = std::thread::available_parallelism().map_or(8, |cores| 4 * cores.get());
    let topology = bridged(&["192.168.7.1/24", "fd77:7::1/64"]);
    for address in ["192.168.7.10:21", "[fd77:7::10]:21", "192.168.7.1:21"] {
        let topology = &topology;
        let once = async || echoes(&build(topology).await, address).await;
        let slowest = slowest_of(100, at_once, once).await;
        assert!(slowest < RETRY, "{address}: the slowest took {slowest:?}");
    }
}

#[tokio::test]
async fn an_interface_has_all_its_addresses() {
    if !can_build() {
        return;
    }
    let server = [
        "192.168.0.201/24",
        "192.168.0.202/24",
        "fd00::201/64",
        "fd00::202/64",
    ];
    let fabric = build(&pair(&["192.168.0.211/24", "fd00::211/64"], &server)).await;
    for address in [
        "192.168.0.201:21",
        "192.168.0.202:21",
        "[fd00::201]:21",
        "[fd00::202]:21",
    ] {
        let took = echoes(&fabric, address).await;
        assert!(took < RETRY, "{address}: {took:?}");
    }
}

#[tokio::test]
async fn a_narrow_link_is_narrow_at_both_ends() {
    if !can_build() {
        return;
    }
    let mut topology = pair(
        &["192.168.0.211/24", "fd00::211/64"],
        &["192.168.0.201/24", "fd00::201/64"],
    );
    topology.links[0].mtu = Some(1300);
    let fabric = build(&topology).await;
    for node in fabric.nodes() {
        let link = ip(node, "link show eth0").await;
        assert!(link.contains("mtu 1300"), "{link}");
    }
    for address in ["192.168.0.201:21", "[fd00::201]:21"] {
        let took = echoes(&fabric, address).await;
        assert!(took < RETRY, "{address}: {took:?}");
    }
}
