//! The part of a scenario that tells of nodes and links: a shape, or each by itself.

use std::ops::Range;

use fwlab_model::{IpNet, Part, TopologyMistake, TopologyProblem};
use fwlab_record::{Family, InterfaceName, NodeName};

use super::problem::Problems;
use super::read_nodes::nodes_and_links;
use super::reader::{At, Reader};
use super::stage::{Layout, Port, Shape, Stage};

/// The keys that say more of a shape.
const OF_SHAPES: [&str; 10] = [
    "client",
    "server",
    "client-interface",
    "server-interface",
    "gateway-client-side",
    "gateway-server-side",
    "gateway-client-interface",
    "gateway-server-interface",
    "clients",
    "third",
];

/// The keys of nodes and links.
const OF_NODES: [&str; 4] = ["node", "link", "firewall", "connect-to"];

/// Reads a topology; client and server are at the nodes of that name.
pub(super) fn stage(
    table: &Reader<'_>,
    families: &[Family],
    control_port: u16,
    problems: &mut Problems,
) -> Stage {
    // An image is one whichever way the nodes are written.
    let is_image = |key: &str| key == "firewall" && table.has_table("firewall");
    let free = OF_NODES
        .into_iter()
        .find(|key| table.has(key) && !is_image(key));
    let (stage, places, is_sound) = match free {
        Some(key) if table.has("shape") => {
            problems.add_with_help(
                table.span_of(key),
                format!("a shape has its nodes and links already, so `{key}` says nothing"),
                "leave it out, or take the long form that `fwlab topology SHAPE` prints in place of `shape`",
            );
            named(table, families, control_port, problems)
        }
        Some(_) => {
            for key in OF_SHAPES.into_iter().filter(|key| table.has(key)) {
                problems.add_with_help(
                    table.span_of(key),
                    format!("`{key}` says more of a shape, and this topology has none"),
                    "write it where the nodes and links stand",
                );
            }
            let (stage, places) = nodes_and_links(table, control_port, problems);
            (stage, places, true)
        }
        None => {
            if !table.has("shape") {
                problems.add_with_help(
                    table.span.clone(),
                    "[topology] has neither `shape` nor nodes",
                    "write `shape = …`",
                );
            }
            named(table, families, control_port, problems)
        }
    };
    // What follows from a wrong shape is no mistake of the file's.
    let mistakes = is_sound.then(|| stage.topology.mistakes());
    let mistakes = mistakes.unwrap_or_default();
    let is_named = free.is_none() || table.has("shape");
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
        let span = place.unwrap_or_else(|| table.span.clone());
        problems.add(span, problem.to_string());
    }
    stage
}

/// Where the parts of a topology stand in the file.
#[derive(Default)]
pub(super) struct Places(Vec<(Part, Range<usize>)>);

impl Places {
    pub(super) fn add(&mut self, part: Part, span: Range<usize>) {
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
    table: &Reader<'_>,
    families: &[Family],
    control_port: u16,
    problems: &mut Problems,
) -> (Stage, Places, bool) {
    let written = table.word::<Shape>("shape", problems).map(|at| at.value);
    // With a wrong shape the rest is read all the same, to tell all mistakes: a gateway's has every key.
    let shape = written.unwrap_or(Shape::Gateway);
    let mut layout = Layout::new(shape);
    layout.families = families.to_vec();
    let mut places = Places::default();
    let addressing = &mut layout.addressing;
    let [near_client, near_server] = &mut addressing.gateway;
    let (client, server, gateway) = (NodeName::client(), NodeName::server(), NodeName::gateway());
    let keys = [
        (
            "client",
            "client-interface",
            &mut addressing.client,
            &client,
        ),
        (
            "server",
            "server-interface",
            &mut addressing.server,
            &server,
        ),
        (
            "gateway-client-side",
            "gateway-client-interface",
            near_client,
            &gateway,
        ),
        (
            "gateway-server-side",
            "gateway-server-interface",
            near_server,
            &gateway,
        ),
    ];
    for (address_key, interface_key, port, node) in keys {
        if *node == gateway && shape.firewall() != Some(NodeName::gateway()) {
            for key in [address_key, interface_key] {
                not_this_gateway(table, key, shape, problems);
            }
        }
        let interface = table.parsed::<InterfaceName>(interface_key, "interface name", problems);
        if let Some(interface) = interface {
            port.interface = interface.value;
        }
        let given = table.prefixes(address_key, problems).unwrap_or_default();
        place(port, node, given, families, &mut places, problems);
    }
    if let Some(clients) = table.number("clients", 1..=9, problems) {
        layout.clients = u8::try_from(clients).unwrap_or(1);
    }
    layout.third = table.switch("third", problems).unwrap_or(false);
    let stage = layout.stage(control_port);
    for interface in stage.topology.interfaces() {
        let key = match interface.node.as_str() {
            "third" => "third",
            "client" | "server" | "gateway" => continue,
            name if name.starts_with("client") => "clients",
            _ => continue,
        };
        for address in interface.addresses {
            let part = Part::Address {
                node: interface.node.clone(),
                interface: interface.name.clone(),
                address: *address,
            };
            places.add(part, table.span_of(key));
        }
    }
    (stage, places, written.is_some())
}

/// Takes the addresses that are given for a port.
fn place(
    port: &mut Port,
    node: &NodeName,
    given: Vec<At<IpNet>>,
    families: &[Family],
    places: &mut Places,
    problems: &mut Problems,
) {
    for At { value, span } in &given {
        let family = Family::of(value.addr());
        if !families.contains(&family) {
            problems.add_with_help(
                span.clone(),
                format!(
                    "an {} address, and no cell of this scenario speaks that",
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

fn not_this_gateway(table: &Reader<'_>, key: &'static str, shape: Shape, problems: &mut Problems) {
    if !table.has(key) {
        return;
    }
    let (message, help) = if shape.is_direct() {
        (
            format!("this topology has no gateway, so `{key}` says nothing"),
            "leave it out, or write `shape = \"gateway\"`",
        )
    } else {
        (
            format!("this topology has two gateways, and `{key}` does not say which"),
            "take the long form that `fwlab topology both-nat` prints, and change it there",
        )
    };
    problems.add_with_help(table.span_of(key), message, help);
}
