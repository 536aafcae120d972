//! Nodes and links, each written by itself.

use fwlab_model::{
    BridgeSpec, IpNet, LinkEnd, LinkSpec, NextHop, NodeSpec, Part, RouteSpec, Topology,
};
use fwlab_record::{InterfaceName, NodeName};

use super::problem::Problems;
use super::read_topology::Places;
use super::reader::{At, Reader};
use super::stage::Stage;
use super::value::{nearest, parsed, parsed_each};

/// Addresses that were given to an interface of a node.
struct Given {
    node: NodeName,
    interface: At<InterfaceName>,
    addresses: Vec<At<IpNet>>,
}

/// Reads a topology of nodes and links, and tells where each part of it stands.
pub(super) fn nodes_and_links(
    table: &Reader<'_>,
    control_port: u16,
    problems: &mut Problems,
) -> (Stage, Places) {
    let mut places = Places::default();
    let mut topology = Topology::default();
    let mut given = Vec::new();
    for entry in table.tables("node", problems) {
        if let Some(node) = node(
            &entry,
            topology.nodes.len(),
            &mut places,
            &mut given,
            problems,
        ) {
            topology.nodes.push(node);
        }
    }
    for entry in table.tables("link", problems) {
        if let Some(link) = link(&entry, topology.links.len(), &mut places, problems) {
            topology.links.push(link);
        }
    }
    for given in given {
        address(given, &mut topology, &mut places, problems);
    }
    let firewall = if table.has_table("firewall") {
        // An image, which says itself at which node.
        None
    } else {
        known_node(table, "firewall", &topology, problems);
        // Also one that is not there, which has been told: rulesets are not without a node for it.
        let name = table.text("firewall", problems);
        name.and_then(|text| NodeName::new(text.value).ok())
    };
    let reached_at = table.addresses("connect-to", problems).unwrap_or_default();
    for At { value, span } in &reached_at {
        if !topology.addresses().any(|(address, _)| address == *value) {
            problems.add(
                span.clone(),
                format!("{value} is no address of this topology"),
            );
        }
    }
    let stage = Stage {
        topology,
        firewall,
        client: NodeName::client(),
        server: NodeName::server(),
        reached_at: reached_at.into_iter().map(|at| at.value).collect(),
        connect_port: control_port,
    };
    (stage, places)
}

/// The node that a key names, which must be one of the topology.
pub(super) fn known_node(
    table: &Reader<'_>,
    key: &'static str,
    topology: &Topology,
    problems: &mut Problems,
) -> Option<At<NodeName>> {
    let At { value, span } = table.text(key, problems)?;
    let nodes = || topology.nodes.iter().map(|node| node.name.as_str());
    let known = topology
        .nodes
        .iter()
        .find(|node| node.name.as_str() == value);
    if known.is_none() {
        problems.add_with_help(
            span.clone(),
            format!("this topology has no node `{value}`"),
            nearest(&value, nodes()).map_or_else(
                || format!("its nodes are {}", nodes().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean `{near}`?"),
            ),
        );
    }
    let value = known?.name.clone();
    Some(At { value, span })
}

fn node(
    entry: &Reader<'_>,
    at: usize,
    places: &mut Places,
    given: &mut Vec<Given>,
    problems: &mut Problems,
) -> Option<NodeSpec> {
    entry.require("name", problems);
    let name: Option<At<NodeName>> = entry.parsed("name", "node name", problems);
    let name = name?;
    let mut node = NodeSpec::new(name.value.clone());
    places.add(Part::Node(at), name.span);
    node.forwards = entry.switch("forwards", problems).unwrap_or(false);
    for (interface, addresses) in entry.lists("addresses", problems).unwrap_or_default() {
        let addresses = parsed_each(&addresses, "address with a prefix length", problems);
        if let Some(interface) = parsed(&interface, "interface name", problems) {
            given.push(Given {
                node: name.value.clone(),
                interface,
                addresses,
            });
        }
    }
    for (interface, ports) in entry.lists("bridges", problems).unwrap_or_default() {
        let ports = parsed_each(&ports, "interface name", problems);
        let Some(interface) = parsed(&interface, "interface name", problems) else {
            continue;
        };
        let bridge = node.bridges.len();
        places.add(Part::Bridge { node: at, bridge }, interface.span);
        node.bridges.push(BridgeSpec {
            interface: interface.value,
            ports: ports.into_iter().map(|port| port.value).collect(),
            addresses: Vec::new(),
        });
    }
    for entry in entry.tables("routes", problems) {
        let Some(read) = route(&entry, problems) else {
            continue;
        };
        let route = node.routes.len();
        places.add(Part::Route { node: at, route }, entry.span.clone());
        node.routes.push(read);
    }
    Some(node)
}

fn route(entry: &Reader<'_>, problems: &mut Problems) -> Option<RouteSpec> {
    entry.require("to", problems);
    let to = entry.prefix("to", problems);
    let neighbour = entry.address("via", problems);
    let link = entry.parsed::<InterfaceName>("link", "interface name", problems);
    let sink = entry.parsed::<InterfaceName>("sink", "interface name", problems);
    let ways = ["via", "link", "sink"];
    if ways.iter().filter(|way| entry.has(way)).count() != 1 {
        problems.add_with_help(
            entry.span.clone(),
            "a route has exactly one of `via`, `link` or `sink`",
            "for example `{ to = \"0.0.0.0/0\", via = \"10.77.1.1\" }`",
        );
        return None;
    }
    let via = neighbour
        .map(|at| NextHop::Neighbour(at.value))
        .or(link.map(|at| NextHop::Link(at.value)))
        .or(sink.map(|at| NextHop::Sink(at.value)))?;
    Some(RouteSpec { to: to?.value, via })
}

fn link(
    entry: &Reader<'_>,
    at: usize,
    places: &mut Places,
    problems: &mut Problems,
) -> Option<LinkSpec> {
    entry.require("between", problems);
    let between = entry.texts("between", problems)?;
    let mtu = entry.number("mtu", 1..=u64::from(u32::MAX), problems);
    if between.len() != 2 {
        problems.add_with_help(
            entry.span_of("between"),
            format!("a link has two ends, and not {}", between.len()),
            "more than two meet at a bridge: give a node `bridges = { br0 = [\"port1\", \"port2\", \"port3\"] }`",
        );
        return None;
    }
    places.add(Part::Link(at), entry.span.clone());
    let ends: Vec<LinkEnd> = between
        .iter()
        .enumerate()
        .filter_map(|(end, text)| {
            let part = Part::End { link: at, end };
            places.add(part, text.span.clone());
            link_end(text, problems)
        })
        .collect();
    Some(LinkSpec {
        ends: ends.try_into().ok()?,
        mtu: mtu.and_then(|mtu| u32::try_from(mtu).ok()),
    })
}

fn link_end(text: &At<String>, problems: &mut Problems) -> Option<LinkEnd> {
    let Some((node, interface)) = text.value.split_once(':') else {
        problems.add_with_help(
            text.span.clone(),
            format!("`{}` is no end of a link", text.value),
            "write the node and the interface there: \"client:e0\"",
        );
        return None;
    };
    let part = |value: &str| At {
        value: value.to_owned(),
        span: text.span.clone(),
    };
    let node: Option<At<NodeName>> = parsed(&part(node), "node name", problems);
    let interface: Option<At<InterfaceName>> = parsed(&part(interface), "interface name", problems);
    Some(LinkEnd {
        node: node?.value,
        interface: interface?.value,
        addresses: Vec::new(),
    })
}

/// Gives addresses to the interface that they are for.
fn address(given: Given, topology: &mut Topology, places: &mut Places, problems: &mut Problems) {
    let Given {
        node,
        interface: At {
            value: interface,
            span,
        },
        addresses,
    } = given;
    for At { value, span } in &addresses {
        let part = Part::Address {
            node: node.clone(),
            interface: interface.clone(),
            address: *value,
        };
        places.add(part, span.clone());
    }
    let addresses = addresses.into_iter().map(|at| at.value);
    let mut ends = topology.links.iter_mut().flat_map(|link| &mut link.ends);
    if let Some(end) = ends.find(|end| end.node == node && end.interface == interface) {
        end.addresses.extend(addresses);
        return;
    }
    let of_node = topology.nodes.iter_mut().filter(|one| one.name == node);
    let mut bridges = of_node.flat_map(|one| &mut one.bridges);
    if let Some(bridge) = bridges.find(|bridge| bridge.interface == interface) {
        bridge.addresses.extend(addresses);
        return;
    }
    problems.add_with_help(
        span,
        format!("node `{node}` has no interface `{interface}`"),
        format!("make it the end of a link, `between = [\"{node}:{interface}\", …]`, or a bridge"),
    );
}
