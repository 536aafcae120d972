//! Nodes and links, each written by itself.

use std::net::IpAddr;
use std::ops::Range;

use fwlab_model::{
    BridgeSpec, IpNet, LinkEnd, LinkSpec, NextHop, NodeSpec, Part, RouteSpec, Topology,
};
use fwlab_record::{InterfaceName, NodeName};

use crate::deployment::Deployment;
use crate::format::table::{Key, Placed, table};
use crate::format::toml_value::{nearest, parsed, parsed_each};
use crate::format::value::{Lists, Number, Parsed, Switch, Tables, Texts};
use crate::problem::Problems;
use crate::read::roles::not_reachable;
use crate::read::topology::SpanMap;

table! {
    NodeTable, [["topology.node"]],
    "A network namespace with its own rules, routes and sysctls. The client runs on the one named `client` and the \
     server on the one named `server`, unless `[client]` and `[server]` say otherwise.",
    keys {
        required "name", Parsed<NodeName>, "1 to 32 of a-z, 0-9 and -, a letter first; unique" -> name;
        "forwards", Switch, "`true`: it is a router; default `false`" -> forwards;
        "addresses", Lists, "by interface: `{ e0 = [\"10.77.0.2/24\", \"fd77::2/64\"] }`" -> addresses;
        "bridges", Lists,
        "interfaces that join the links at their ports into one network: `{ lan = [\"port1\", \"port2\"] }`" -> bridges;
        "routes", Tables<RouteTable>, "routes in addition to those of its own links" -> routes;
    }
}

table! {
    RouteTable, [["topology.node.routes"]], "A route: exactly one of `via`, `link` or `sink`.",
    keys {
        required "to", Parsed<IpNet>, "the destination; `0.0.0.0/0` and `::/0` are the default routes" -> to;
        "via", Parsed<IpAddr>, "the next hop, on a link of the node" -> via;
        "link", Parsed<InterfaceName>,
        "the interface on whose link the destination is, outside the link's own prefixes" -> link;
        "sink", Parsed<InterfaceName>,
        "the interface by which packets leave for nobody: nothing comes back, not even an ICMP error" -> sink;
    }
}

table! {
    LinkTable, [["topology.link"]], "A veth pair between two nodes.",
    keys {
        required "between", Texts,
        "its two ends, each a node and the interface there: `[\"client:e0\", \"gateway:lan\"]`" -> between;
        "mtu", Number<u32, 1, { u32::MAX as u64 }>, "the largest packet that it carries, in bytes; default 1500" -> mtu;
    }
}

/// Nodes and links as they stand in a topology.
pub(crate) struct LongForm {
    pub(crate) nodes: Vec<Placed<NodeTable>>,
    pub(crate) links: Vec<Placed<LinkTable>>,
    pub(crate) firewall: Option<Placed<String>>,
    pub(crate) connect_to: Vec<Placed<IpAddr>>,
}

/// Addresses that were given to an interface of a node.
struct Given {
    node: NodeName,
    interface: Placed<InterfaceName>,
    addresses: Vec<Placed<IpNet>>,
}

/// Reads a topology of nodes and links, and tells where each part of it stands.
pub(crate) fn nodes_and_links(
    form: LongForm,
    control_port: u16,
    problems: &mut Problems,
) -> (Deployment, SpanMap) {
    let mut places = SpanMap::default();
    let mut topology = Topology::default();
    let mut given = Vec::new();
    for entry in form.nodes {
        let at = topology.nodes.len();
        let node = node(entry.value, at, &mut places, &mut given, problems);
        topology.nodes.extend(node);
    }
    for entry in form.links {
        let link = link(entry, topology.links.len(), &mut places, problems);
        topology.links.extend(link);
    }
    for given in given {
        address(given, &mut topology, &mut places, problems);
    }
    // Also one that is not there, which is told: rulesets are not without a node for it.
    let firewall = form.firewall.and_then(|name| {
        let written = NodeName::new(name.value.clone()).ok();
        node_named(name, &topology, problems);
        written
    });
    let reached_at = form.connect_to;
    let spans: Vec<_> = reached_at
        .iter()
        .map(|at| (at.value, at.span.clone()))
        .collect();
    let deployment = Deployment {
        topology,
        firewall,
        client: NodeName::client(),
        server: NodeName::server(),
        reached_at: reached_at.into_iter().map(|at| at.value).collect(),
        connect_port: control_port,
    };
    for (address, span) in spans {
        if !deployment.is_reachable(address) {
            not_reachable(&deployment, address, span, problems);
        }
    }
    (deployment, places)
}

/// The node that a key names, which must be one of the topology.
pub(crate) fn known_node(
    key: Key<String>,
    topology: &Topology,
    problems: &mut Problems,
) -> Option<Placed<NodeName>> {
    node_named(key.at()?, topology, problems)
}

fn node_named(
    name: Placed<String>,
    topology: &Topology,
    problems: &mut Problems,
) -> Option<Placed<NodeName>> {
    let Placed { value, span } = name;
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
    Some(Placed { value, span })
}

fn node(
    entry: NodeTable,
    at: usize,
    places: &mut SpanMap,
    given: &mut Vec<Given>,
    problems: &mut Problems,
) -> Option<NodeSpec> {
    let name = entry.name.at()?;
    let mut node = NodeSpec::new(name.value.clone());
    places.add(Part::Node(at), name.span);
    node.forwards = entry.forwards.value.unwrap_or(false);
    for (interface, addresses) in entry.addresses.value.unwrap_or_default() {
        let addresses = parsed_each(&addresses, problems);
        if let Some(interface) = parsed(&interface, problems) {
            given.push(Given {
                node: name.value.clone(),
                interface,
                addresses,
            });
        }
    }
    for (interface, ports) in entry.bridges.value.unwrap_or_default() {
        let ports = parsed_each(&ports, problems);
        let Some(interface) = parsed(&interface, problems) else {
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
    for Placed { value: entry, span } in entry.routes.value.unwrap_or_default() {
        let Some(read) = route(entry, &span, problems) else {
            continue;
        };
        let route = node.routes.len();
        places.add(Part::Route { node: at, route }, span);
        node.routes.push(read);
    }
    Some(node)
}

fn route(entry: RouteTable, span: &Range<usize>, problems: &mut Problems) -> Option<RouteSpec> {
    let ways = [entry.via.is_there, entry.link.is_there, entry.sink.is_there];
    if ways.iter().filter(|is_there| **is_there).count() != 1 {
        problems.add_with_help(
            span.clone(),
            "a route has exactly one of `via`, `link` or `sink`",
            "for example `{ to = \"0.0.0.0/0\", via = \"10.77.1.1\" }`",
        );
        return None;
    }
    let neighbour = entry.via.value.map(NextHop::Neighbour);
    let link = entry.link.value.map(NextHop::Link);
    let sink = entry.sink.value.map(NextHop::Sink);
    let via = neighbour.or(link).or(sink)?;
    let to = entry.to.value?;
    Some(RouteSpec { to, via })
}

fn link(
    entry: Placed<LinkTable>,
    at: usize,
    places: &mut SpanMap,
    problems: &mut Problems,
) -> Option<LinkSpec> {
    let Placed { value: entry, span } = entry;
    let between = entry.between.at()?;
    if between.len() != 2 {
        problems.add_with_help(
            between.span.clone(),
            format!("a link has two ends, not {}", between.len()),
            "to join more than two, use a bridge: give a node `bridges = { br0 = [\"port1\", \"port2\", \"port3\"] }`",
        );
        return None;
    }
    places.add(Part::Link(at), span);
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
        mtu: entry.mtu.value,
    })
}

fn link_end(text: &Placed<String>, problems: &mut Problems) -> Option<LinkEnd> {
    let Some((node, interface)) = text.value.split_once(':') else {
        problems.add_with_help(
            text.span.clone(),
            format!("`{}` is not an end of a link", text.value),
            "write the node and the interface there: \"client:e0\"",
        );
        return None;
    };
    let part = |value: &str| Placed {
        value: value.to_owned(),
        span: text.span.clone(),
    };
    let node: Option<Placed<NodeName>> = parsed(&part(node), problems);
    let interface: Option<Placed<InterfaceName>> = parsed(&part(interface), problems);
    Some(LinkEnd {
        node: node?.value,
        interface: interface?.value,
        addresses: Vec::new(),
    })
}

/// Gives addresses to the interface that they are for.
fn address(given: Given, topology: &mut Topology, places: &mut SpanMap, problems: &mut Problems) {
    let Given {
        node,
        interface: Placed {
            value: interface,
            span,
        },
        addresses,
    } = given;
    for Placed { value, span } in &addresses {
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
