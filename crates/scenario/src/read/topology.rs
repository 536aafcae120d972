//! The part of a scenario that tells of nodes and links: a shape, or each by itself.

use std::ops::Range;
use std::path::Path;

use fwlab_model::{IpNet, Part, TopologyMistake, TopologyProblem};
use fwlab_record::{Family, InterfaceName, NodeName};
use toml::de::DeTable;

use crate::deployment::{Deployment, Layout, Port, Shape};
use crate::format::table::{self, Place, Placed, Table as _, table};
use crate::format::value::{
    Addresses, NodeOr, NodeOrTable, Number, Parsed, Prefixes, Switch, Table, Tables, Word,
};
use crate::problem::{Problems, ScenarioError};
use crate::read::firewall::FirewallTable;
use crate::read::nodes::{LinkTable, LongForm, NodeTable, nodes_and_links};
use crate::read::source::{Files, ScenarioFile};

table! {
    TopologyTable, ["topology"],
    "Where the firewall stands: a `shape`, or nodes and links. `client-firewall` and `server-firewall` are one link \
     between client and server, with the rules on one or the other; `gateway` is a router between them, without \
     NAT. In `client-nat` the client is in a private network behind the gateway, and the server has no route \
     back; in `server-nat` the server is in one, and the client connects to the gateway; in `both-nat` each is behind a gateway \
     of its own, `client-gateway` and `server-gateway`; in `hairpin` both are in the same private network, and the \
     client connects to the gateway's address outside. A packet to an address that leads nowhere is swallowed, \
     as on the Internet. `fwlab topology SHAPE` prints what a shape stands for, as nodes and links.",
    keys {
        "shape", Word<Shape>, "required, unless there are nodes" -> shape;
        "client", Prefixes, "the client's address, or several; replaces the shape's own of that family" -> client;
        "server", Prefixes,
        "the server's address, or several; clients connect to the first of a family" -> server;
        "client-interface", Parsed<InterfaceName>, "the client's interface; default `e0`" -> client_interface;
        "server-interface", Parsed<InterfaceName>, "the server's interface; default `e0`" -> server_interface;
        "gateway-client-side", Prefixes, "the gateway's address towards the client; in `hairpin`, inside"
            -> gateway_client_side;
        "gateway-server-side", Prefixes, "the gateway's address towards the server; in `hairpin`, outside"
            -> gateway_server_side;
        "gateway-client-interface", Parsed<InterfaceName>,
        "the gateway's interface towards the client; default `lan`, in `server-nat` `wan`" -> gateway_client_interface;
        "gateway-server-interface", Parsed<InterfaceName>,
        "the gateway's interface towards the server; default `wan`, in `server-nat` `lan`" -> gateway_server_interface;
        "clients", Number<u8, 1, 9>,
        "how many clients there are in the client's network, 1 to 9: `client`, `client2`, …, each with the address after \
         the last; default 1" -> clients;
        "third", Switch,
        "`true` puts a host `third` into the server's network, with the number 66: a bounce's target, an attacker; \
         default `false`" -> third;
        "firewall", NodeOr<FirewallTable>,
        "with nodes: the node that loads rulesets that do not say where they belong. With a shape or nodes: the \
         image of the firewall" -> firewall;
        "connect-to", Addresses,
        "with nodes: the address that clients know the server by; default the server's own. No node needs to \
         have it if the client has a route to it by way of a neighbour: address translation may forward it" -> connect_to;
        "node", Tables<NodeTable>, "the nodes, where there is no shape" -> node;
        "link", Tables<LinkTable>, "the links between them" -> link;
    }
}

impl TopologyTable {
    /// Whether its firewall is an image.
    pub(crate) fn has_image(&self) -> bool {
        matches!(self.firewall.value, Some(NodeOrTable::Table(_)))
    }

    /// Whether a key is misspelt without which it is another topology: what follows from that is no mistake of the file's.
    pub(crate) fn is_another(&self) -> bool {
        let lacks_nodes = self.node.is_misspelt || self.link.is_misspelt;
        self.firewall.is_misspelt || (lacks_nodes && !self.shape.is_there)
    }
}

table! {
    ShapeFile, [""], "A shape in its own file.",
    keys {
        required "topology", Table<TopologyTable>, "nodes and links" -> topology;
    }
}

/// The topology of a file that holds nothing else.
pub(crate) fn of_file(text: &str) -> Result<Deployment, ScenarioError> {
    let path = Path::new("topology.toml");
    let mut problems = Problems::default();
    let (table, _) = DeTable::parse_recoverable(text);
    let file = ScenarioFile::new(path, text, Files::Unread);
    let read: ShapeFile = table::read(table.get_ref(), 0..0, &file, &mut problems);
    let table = read.topology.at().filter(|table| !table.is_another());
    let deployment = table.map(|Placed { value, span }| {
        let (deployment, _) = deployment(value, &span, Family::ALL, 0, &mut problems);
        deployment
    });
    deployment
        .filter(|_| problems.is_empty())
        .ok_or_else(|| problems.into_error(path.to_owned(), text))
}

/// The keys of nodes and links. All others say more of a shape.
const OF_NODES: [&str; 4] = ["node", "link", "firewall", "connect-to"];

/// Reads a topology; client and server are at the nodes of that name. With the image that its firewall is, if it is one.
pub(crate) fn deployment(
    mut table: TopologyTable,
    span: &Range<usize>,
    families: &[Family],
    control_port: u16,
    problems: &mut Problems,
) -> (Deployment, Option<Placed<FirewallTable>>) {
    let there = table.there();
    let at = table.firewall.span.clone();
    // An image is one whichever way the nodes are written, and says itself at which node.
    let (image, firewall) = match table.firewall.value.take() {
        Some(NodeOrTable::Table(value)) => (Some(Placed { value, span: at }), None),
        Some(NodeOrTable::Node(value)) => (None, Some(Placed { value, span: at })),
        None => (None, None),
    };
    let has_shape = table.shape.is_there;
    let free = OF_NODES.into_iter().find_map(|key| {
        let there = there.iter().find(|place| place.key == key);
        there.filter(|_| !(image.is_some() && key == "firewall"))
    });
    let is_named = free.is_none() || has_shape;
    if let Some(Place { key, span }) = free.filter(|_| has_shape) {
        problems.add_with_help(
            span.clone(),
            format!("a shape already has its nodes and links, so `{key}` has no effect"),
            "remove it, or replace `shape` with the long form that `fwlab topology SHAPE` prints",
        );
    }
    if free.is_none() && !has_shape && !table.shape.is_misspelt {
        problems.add_with_help(
            span.clone(),
            "[topology] has neither `shape` nor nodes",
            "write `shape = …`",
        );
    }
    let (deployment, places, is_sound) = if is_named {
        named(table, families, control_port, problems)
    } else {
        for Place { key, span } in there {
            if !OF_NODES.contains(&key) {
                problems.add_with_help(
                    span,
                    format!("`{key}` adds to a shape, but this topology has none"),
                    "write it where the nodes and links stand",
                );
            }
        }
        let form = LongForm {
            nodes: table.node.value.unwrap_or_default(),
            links: table.link.value.unwrap_or_default(),
            firewall,
            connect_to: table.connect_to.value.unwrap_or_default(),
        };
        let (deployment, places) = nodes_and_links(form, control_port, problems);
        (deployment, places, true)
    };
    // What follows from a wrong shape is no mistake of the file's.
    let mistakes = is_sound.then(|| deployment.topology.mistakes());
    let mistakes = mistakes.unwrap_or_default();
    let follows = |part: &Part| is_named && matches!(part, Part::Route { .. });
    let only_routes = mistakes.iter().all(|mistake| follows(&mistake.part));
    for TopologyMistake { part, problem } in mistakes {
        // A shape's routes are right where its addresses are.
        if follows(&part) && !only_routes {
            continue;
        }
        let place = places.of(&part).or_else(|| match &problem {
            TopologyProblem::ApartOnLink { other, .. } => places.of_address(*other),
            _ => None,
        });
        let span = place.unwrap_or_else(|| span.clone());
        problems.add(span, problem.to_string());
    }
    (deployment, image)
}

/// Where the parts of a topology stand in the file.
#[derive(Default)]
pub(crate) struct SpanMap(Vec<(Part, Range<usize>)>);

impl SpanMap {
    pub(crate) fn add(&mut self, part: Part, span: Range<usize>) {
        self.0.push((part, span));
    }

    fn of_address(&self, sought: IpNet) -> Option<Range<usize>> {
        let is_it =
            |part: &Part| matches!(part, Part::Address { address, .. } if *address == sought);
        let mut places = self.0.iter();
        places
            .find(|(part, _)| is_it(part))
            .map(|(_, span)| span.clone())
    }

    /// Of an address that stands twice, the last place.
    fn of(&self, part: &Part) -> Option<Range<usize>> {
        let mut places = self.0.iter().rev();
        places
            .find(|(one, _)| one == part)
            .map(|(_, span)| span.clone())
    }
}

fn named(
    table: TopologyTable,
    families: &[Family],
    control_port: u16,
    problems: &mut Problems,
) -> (Deployment, SpanMap, bool) {
    let there = table.there();
    let written = table.shape.value;
    // With a wrong shape the rest is read all the same, to tell all mistakes: a gateway's has every key.
    let shape = written.unwrap_or(Shape::Gateway);
    let mut layout = Layout::new(shape);
    layout.families = families.to_vec();
    let mut places = SpanMap::default();
    let (client, server, gateway) = (NodeName::client(), NodeName::server(), NodeName::gateway());
    let keys = [
        (table.client, table.client_interface, client),
        (table.server, table.server_interface, server),
        (
            table.gateway_client_side,
            table.gateway_client_interface,
            gateway.clone(),
        ),
        (
            table.gateway_server_side,
            table.gateway_server_interface,
            gateway,
        ),
    ];
    // Of a shape without a gateway the last two are told below.
    for ((addresses, interface, node), port) in keys.into_iter().zip(layout.addressing.ports_mut())
    {
        if let Some(interface) = interface.value {
            port.interface = interface;
        }
        let given = addresses.value.unwrap_or_default();
        place(port, &node, given, families, &mut places, problems);
    }
    layout.clients = table.clients.value.unwrap_or(1);
    layout.third = table.third.value.unwrap_or(false);
    let deployment = layout.deployment(control_port);
    if layout.addressing.gateway.is_empty() {
        let has_router = deployment.topology.nodes.iter().any(|node| node.forwards);
        for place in there.iter().filter(|at| at.key.starts_with("gateway-")) {
            not_this_gateway(place, shape, has_router, problems);
        }
    }
    for interface in deployment.topology.interfaces() {
        let span = match interface.node.as_str() {
            "third" => &table.third.span,
            "client" | "server" | "gateway" => continue,
            name if name.starts_with("client") => &table.clients.span,
            _ => continue,
        };
        for address in interface.addresses {
            let part = Part::Address {
                node: interface.node.clone(),
                interface: interface.name.clone(),
                address: *address,
            };
            places.add(part, span.clone());
        }
    }
    (deployment, places, written.is_some())
}

/// Takes the addresses that are given for a port.
fn place(
    port: &mut Port,
    node: &NodeName,
    given: Vec<Placed<IpNet>>,
    families: &[Family],
    places: &mut SpanMap,
    problems: &mut Problems,
) {
    for Placed { value, span } in &given {
        let family = Family::of(value.addr());
        if !families.contains(&family) {
            problems.add_with_help(
                span.clone(),
                format!(
                    "an {} address, but no cell of this scenario speaks that",
                    family.protocol()
                ),
                format!("add `families = [\"{family}\"]` to [matrix], or leave it out"),
            );
        }
        let part = Part::Address {
            node: node.clone(),
            interface: port.interface.clone(),
            address: *value,
        };
        places.add(part, span.clone());
    }
    let given: Vec<_> = given.into_iter().map(|at| at.value).collect();
    port.place(&given);
}

fn not_this_gateway(place: &Place, shape: Shape, has_router: bool, problems: &mut Problems) {
    let key = place.key;
    let (message, help) = if !has_router {
        (
            format!("this topology has no gateway, so `{key}` has no effect"),
            "leave it out, or write `shape = \"gateway\"`".to_owned(),
        )
    } else {
        (
            format!("this topology has two gateways, but `{key}` does not say which"),
            format!("take the long form that `fwlab topology {shape}` prints, and change it there"),
        )
    };
    problems.add_with_help(place.span.clone(), message, help);
}
