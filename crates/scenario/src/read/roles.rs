//! Where client and server stand.

use std::net::IpAddr;
use std::ops::Range;

use fwlab_record::{Family, NodeName};

use crate::format::table::{At, Key};
use crate::problem::Problems;
use crate::read::nodes::known_node;
use crate::stage::Stage;

/// What a scenario says of it.
pub(crate) struct Roles {
    /// The nodes of the two.
    pub(crate) client: Key<String>,
    pub(crate) server: Key<String>,
    pub(crate) connect_to: Vec<At<IpAddr>>,
    pub(crate) control_port: Option<u16>,
}

/// Says on a stage who is who: where client and server run, and where the client
/// connects to. In cells of each family both must have an address.
pub(crate) fn cast(
    stage: &mut Stage,
    roles: Roles,
    families: &[Family],
    topology: Range<usize>,
    problems: &mut Problems,
) {
    let mut at = |key: Key<String>, usual: &NodeName, table: &str| {
        if key.is_there {
            return known_node(key, &stage.topology, problems).map(|at| at.value);
        }
        if stage.topology.node(usual).is_none() {
            problems.add_with_help(
                topology.clone(),
                format!("this topology has no node `{usual}`"),
                format!("name a node so, or write which it is: `at = …` in [{table}]"),
            );
        }
        Some(usual.clone())
    };
    let client_node = at(roles.client, &stage.client, "client");
    let server_node = at(roles.server, &stage.server, "server");
    let all_known = client_node.is_some() && server_node.is_some();
    stage.client = client_node.unwrap_or_else(|| stage.client.clone());
    stage.server = server_node.unwrap_or_else(|| stage.server.clone());
    connect_to(stage, roles.connect_to, problems);
    if let Some(port) = roles.control_port {
        stage.connect_port = port;
    }
    let both_there = [&stage.client, &stage.server].map(|name| stage.topology.node(name).is_some());
    if !all_known || both_there != [true, true] {
        return;
    }
    for &family in families {
        let has = |node: &NodeName| {
            let mut addresses = stage.topology.addresses();
            addresses.any(|(address, owner)| owner == node && Family::of(address) == family)
        };
        for node in [&stage.client, &stage.server] {
            if !has(node) {
                problems.add_with_help(
                    topology.clone(),
                    format!(
                        "node `{node}` has no {} address, and there are cells that need one",
                        family.protocol()
                    ),
                    "give it one, or leave the family out of `families` in [matrix]",
                );
            }
        }
    }
}

/// Tells an address that no node has, and that nobody leads on.
pub(crate) fn not_reachable(
    stage: &Stage,
    address: IpAddr,
    span: Range<usize>,
    problems: &mut Problems,
) {
    let own = stage.server_address(Family::of(address));
    let own = own.map_or_else(
        || "the server has none of that family".to_owned(),
        |own| format!("the server has {own}"),
    );
    problems.add_with_help(
        span,
        format!("{address} is no address of this topology"),
        format!("{own}; one that only address translation knows needs a route from the client, by way of a neighbour"),
    );
}

/// The addresses that the client connects to, where they are not the topology's own.
fn connect_to(stage: &mut Stage, addresses: Vec<At<IpAddr>>, problems: &mut Problems) {
    for At { value, span } in addresses {
        if value.is_loopback() && stage.client != stage.server {
            problems.add_with_help(
                span,
                "a loopback address is the client's own, and the server is on another node",
                "write `at = \"server\"` to run the client on the server's host",
            );
        } else if !stage.is_reachable(value) {
            not_reachable(stage, value, span, problems);
        }
        let of_another = |known: &IpAddr| known.is_ipv4() != value.is_ipv4();
        stage.reached_at.retain(of_another);
        stage.reached_at.push(value);
    }
}
