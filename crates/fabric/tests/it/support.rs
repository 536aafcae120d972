use std::time::{Duration, Instant};

use fwlab_fabric::{Fabric, Privilege, ProgramSpec};
use fwlab_model::{IpNet, LinkEnd, LinkSpec, NextHop, NodeSpec, RouteSpec, Topology};
use fwlab_record::{InterfaceName, NodeName};
use fwlab_skipped::{Need, skipped};

/// Whether labs can be built here; says why not otherwise.
pub(crate) fn can_build() -> bool {
    match Privilege::current() {
        Ok(_) => true,
        Err(error) => {
            skipped(Need::Lab, format_args!("{error}; {}", error.help));
            false
        }
    }
}

pub(crate) fn net(text: &str) -> IpNet {
    text.parse().expect("a prefix")
}

pub(crate) fn end(node: &NodeName, interface: &str, addresses: &[&str]) -> LinkEnd {
    LinkEnd {
        node: node.clone(),
        interface: InterfaceName::new(interface).expect("an interface name"),
        addresses: addresses.iter().map(|text| net(text)).collect(),
    }
}

/// A client and a server, on one link, with the addresses of both families that are given.
pub(crate) fn pair(client: &[&str], server: &[&str]) -> Topology {
    let (one, other) = (NodeName::client(), NodeName::server());
    Topology {
        links: vec![LinkSpec::new([
            end(&one, "eth0", client),
            end(&other, "eth0", server),
        ])],
        nodes: vec![NodeSpec::new(one), NodeSpec::new(other)],
    }
}

pub(crate) fn ipv4_pair() -> Topology {
    pair(&["192.168.0.211/24"], &["192.168.0.201/24"])
}

/// Client, gateway and server, in both families.
pub(crate) fn trio() -> Topology {
    let (client, gateway, server) = (NodeName::client(), NodeName::gateway(), NodeName::server());
    let route = |to: &str, via: &str| RouteSpec {
        to: net(to),
        via: NextHop::Neighbour(via.parse().expect("an address")),
    };
    let mut nodes = [&client, &gateway, &server].map(|name| NodeSpec::new(name.clone()));
    nodes[0].routes = vec![route("0.0.0.0/0", "10.0.1.1"), route("::/0", "fd00:1::1")];
    nodes[1].forwards = true;
    nodes[2].routes = vec![
        route("10.0.1.0/24", "10.0.2.1"),
        route("fd00:1::/64", "fd00:2::1"),
    ];
    Topology {
        nodes: nodes.into(),
        links: vec![
            LinkSpec::new([
                end(&client, "eth0", &["10.0.1.2/24", "fd00:1::2/64"]),
                end(&gateway, "inside", &["10.0.1.1/24", "fd00:1::1/64"]),
            ]),
            LinkSpec::new([
                end(&gateway, "outside", &["10.0.2.1/24", "fd00:2::1/64"]),
                end(&server, "eth0", &["10.0.2.2/24", "fd00:2::2/64"]),
            ]),
        ],
    }
}

pub(crate) async fn build(topology: &Topology) -> Fabric {
    Fabric::build(topology)
        .await
        .expect("the topology is sound")
}

/// Waits until `holds` does, and panics at the deadline.
pub(crate) fn eventually(what: &str, deadline: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + deadline;
    while !holds() {
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A shell that finds the machine's other programs, too.
pub(crate) fn shell(script: &str) -> ProgramSpec {
    ProgramSpec {
        environment: vec![("PATH".into(), "/usr/bin:/bin:/usr/sbin:/sbin".into())],
        sees: vec!["/bin".into(), "/usr/bin".into()],
        ..ProgramSpec::new("/bin/sh").arguments(["-c", script])
    }
}
