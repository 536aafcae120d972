use crate::{BridgeSpec, IpNet, LinkEnd, LinkSpec, NextHop, NodeSpec};
use crate::{Part, RouteSpec, Topology, TopologyProblem as Problem};
use fwlab_record::{InterfaceName, NodeName};

fn node(name: &str) -> NodeName {
    NodeName::new(name).expect("a node name")
}

fn interface(name: &str) -> InterfaceName {
    InterfaceName::new(name).expect("an interface name")
}

fn net(text: &str) -> IpNet {
    text.parse().expect("a prefix")
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| net(text)).collect()
}

fn end(name: &str, at: &str, addresses: &[&str]) -> LinkEnd {
    LinkEnd {
        node: node(name),
        interface: interface(at),
        addresses: nets(addresses),
    }
}

fn pair(one: &[&str], other: &[&str]) -> Topology {
    Topology {
        nodes: vec![NodeSpec::new(node("one")), NodeSpec::new(node("other"))],
        links: vec![LinkSpec::new([
            end("one", "e0", one),
            end("other", "e0", other),
        ])],
    }
}

/// Three hosts on a switch.
fn switched(addresses: [&[&str]; 3]) -> Topology {
    let hosts = ["a", "b", "c"];
    let ports = ["p1", "p2", "p3"];
    let switch = NodeSpec {
        bridges: vec![BridgeSpec {
            interface: interface("br0"),
            ports: ports.iter().map(|port| interface(port)).collect(),
            addresses: Vec::new(),
        }],
        ..NodeSpec::new(node("switch"))
    };
    let nodes = hosts.iter().map(|name| NodeSpec::new(node(name)));
    let links = hosts.iter().zip(ports).zip(addresses);
    Topology {
        nodes: nodes.chain([switch]).collect(),
        links: links
            .map(|((host, port), addresses)| {
                LinkSpec::new([end(host, "e0", addresses), end("switch", port, &[])])
            })
            .collect(),
    }
}

fn route(to: &str, via: &str) -> RouteSpec {
    RouteSpec {
        to: net(to),
        via: NextHop::Neighbour(via.parse().expect("an address")),
    }
}

fn sink(to: &str, out_of: &str) -> RouteSpec {
    RouteSpec {
        to: net(to),
        via: NextHop::Sink(interface(out_of)),
    }
}

#[track_caller]
fn only(topology: &Topology) -> (Part, Problem) {
    let mut mistakes = topology.mistakes();
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    let mistake = mistakes.remove(0);
    (mistake.part, mistake.problem)
}

fn address(name: &str, at: &str, text: &str) -> Part {
    Part::Address {
        node: node(name),
        interface: interface(at),
        address: net(text),
    }
}

#[test]
fn sound_topologies_have_no_mistakes() {
    let both = pair(
        &["10.0.0.1/24", "fd00::1/64"],
        &["10.0.0.2/24", "fd00::2/64"],
    );
    // Several addresses, and one that is no neighbour's.
    let homes = pair(
        &["10.0.0.1/24", "10.0.0.3/24", "192.0.2.9/32"],
        &["10.0.0.2/24"],
    );
    let mut routed = both.clone();
    routed.nodes[0].routes = vec![route("0.0.0.0/0", "10.0.0.2"), sink("::/0", "e0")];
    let wide = switched([&["10.0.0.1/24"], &["10.0.0.2/24"], &["10.0.0.3/24"]]);
    for topology in [both, homes, routed, wide, Topology::default()] {
        assert_eq!(topology.mistakes(), []);
    }
}

#[test]
fn a_name_that_stands_twice_is_told_of_the_second() {
    let mut topology = pair(&["10.0.0.1/24"], &["10.0.0.2/24"]);
    topology.nodes.push(NodeSpec::new(node("one")));
    assert_eq!(
        only(&topology),
        (Part::Node(2), Problem::DuplicateNode(node("one")))
    );
    let mut topology = pair(&["10.0.0.1/24"], &["10.0.0.2/24"]);
    topology.links.push(LinkSpec::new([
        end("one", "e0", &["10.0.1.1/24"]),
        end("other", "e1", &["10.0.1.2/24"]),
    ]));
    let (part, problem) = only(&topology);
    assert_eq!(part, Part::End { link: 1, end: 0 });
    assert!(matches!(problem, Problem::DuplicateInterface { .. }));
}

#[test]
fn a_link_to_nowhere_or_to_itself_is_told() {
    let mut topology = pair(&["10.0.0.1/24"], &["10.0.0.2/24"]);
    topology.links[0].ends[1].node = node("nobody");
    assert_eq!(
        only(&topology),
        (
            Part::End { link: 0, end: 1 },
            Problem::UnknownNode(node("nobody"))
        )
    );
    let mut topology = pair(&["10.0.0.1/24"], &["10.0.0.2/24"]);
    topology.links[0].ends[1] = end("one", "e1", &["10.0.0.2/24"]);
    assert_eq!(
        only(&topology),
        (Part::Link(0), Problem::LoopLink(node("one")))
    );
}

#[test]
fn addresses_that_cannot_be_are_told() {
    let clash = switched([&["10.0.0.1/24"], &["10.0.0.1/24"], &["10.0.0.3/24"]]);
    let at = address("b", "e0", "10.0.0.1/24");
    let expected = Problem::DuplicateAddress("10.0.0.1".parse().expect("an address"));
    assert_eq!(only(&clash), (at, expected));
    for wrong in ["10.0.0.0/24", "10.0.0.255/24"] {
        let topology = pair(&[wrong], &["10.0.0.2/24"]);
        let expected = (address("one", "e0", wrong), Problem::NoHost(net(wrong)));
        assert_eq!(only(&topology), expected);
    }
    for wrong in ["127.0.0.1/8", "224.0.0.1/4", "ff02::1/64", "::/64"] {
        let alone = Problem::NoHost(net(wrong));
        let topology = pair(&[wrong], &[]);
        let told = topology.mistakes();
        assert!(told.iter().any(|one| one.problem == alone), "{told:?}");
    }
}

#[test]
fn an_address_without_a_neighbour_is_told_once() {
    let apart = pair(&["10.0.0.1/24"], &["10.0.1.2/24"]);
    let expected = Problem::ApartOnLink {
        one: net("10.0.0.1/24"),
        other: net("10.0.1.2/24"),
    };
    let at = address("one", "e0", "10.0.0.1/24");
    assert_eq!(only(&apart), (at, expected));
    let astray = switched([&["10.0.0.1/24"], &["10.0.0.2/24"], &["10.0.1.3/24"]]);
    let (part, _) = only(&astray);
    assert_eq!(part, address("c", "e0", "10.0.1.3/24"));
    let alone = pair(&["10.0.0.1/24", "fd00::1/64"], &["10.0.0.2/24"]);
    let at = address("one", "e0", "fd00::1/64");
    assert_eq!(only(&alone), (at, Problem::Alone(net("fd00::1/64"))));
}

#[test]
fn bridges_are_checked() {
    let mut topology = switched([&["10.0.0.1/24"], &["10.0.0.2/24"], &["10.0.0.3/24"]]);
    let bridge = &mut topology.nodes[3].bridges[0];
    bridge.ports.extend([interface("p9"), interface("p1")]);
    topology.links[0].ends[1].addresses = nets(&["10.0.0.9/24"]);
    let told: Vec<Problem> = topology
        .mistakes()
        .into_iter()
        .map(|mistake| mistake.problem)
        .collect();
    let switch = || node("switch");
    let on_port = Problem::AddressOnPort {
        node: switch(),
        port: interface("p1"),
        address: net("10.0.0.9/24"),
    };
    assert_eq!(told[0], on_port);
    let unknown = Problem::UnknownPort {
        node: switch(),
        bridge: interface("br0"),
        port: interface("p9"),
    };
    assert!(told.contains(&unknown), "{told:?}");
    let twice = Problem::DuplicatePort {
        node: switch(),
        port: interface("p1"),
    };
    assert!(told.contains(&twice), "{told:?}");
}

#[test]
fn routes_that_lead_nowhere_are_told() {
    for (wrong, is_told) in [
        (route("0.0.0.0/0", "172.16.0.1"), "not on any of its links"),
        (route("0.0.0.0/0", "10.0.0.1"), "its own address"),
        (route("::/0", "10.0.0.2"), "the other family"),
        (sink("0.0.0.0/0", "e1"), "not one of its interfaces"),
        (sink("::/0", "e0"), "not one of its interfaces"),
    ] {
        let mut topology = pair(&["10.0.0.1/24"], &["10.0.0.2/24"]);
        topology.nodes[0].routes = vec![wrong];
        let (part, problem) = only(&topology);
        assert_eq!(part, Part::Route { node: 0, route: 0 });
        assert!(problem.to_string().contains(is_told), "{problem}");
    }
    let mut topology = pair(&["10.0.0.1/24"], &["10.0.0.2/24"]);
    topology.nodes[0].routes = vec![
        route("192.0.2.0/24", "10.0.0.2"),
        sink("192.0.2.7/24", "e0"),
    ];
    let (part, problem) = only(&topology);
    assert_eq!(part, Part::Route { node: 0, route: 1 });
    assert!(matches!(problem, Problem::DuplicateRoute { .. }));
}

#[test]
fn a_link_must_carry_its_families() {
    let mut topology = pair(
        &["10.0.0.1/24", "fd00::1/64"],
        &["10.0.0.2/24", "fd00::2/64"],
    );
    topology.links[0].mtu = Some(1000);
    let (part, problem) = only(&topology);
    assert_eq!(part, Part::Link(0));
    assert_eq!(
        problem.to_string(),
        "a link of 1000 bytes cannot carry IPv6, which needs 1280"
    );
    let mut topology = pair(&["10.0.0.1/24"], &["10.0.0.2/24"]);
    topology.links[0].mtu = Some(1000);
    assert_eq!(topology.mistakes(), []);
    topology.links[0].mtu = Some(70000);
    assert_eq!(only(&topology).1, Problem::WideLink(70000));
}
