//! Where client and server stand.

use std::net::IpAddr;
use std::ops::Range;

use fwlab_record::{Family, NodeName};

use crate::deployment::Deployment;
use crate::format::table::{Key, Placed};
use crate::problem::Problems;
use crate::read::nodes::known_node;

/// What a scenario says of it.
pub(crate) struct Roles {
    /// The nodes of the two.
    pub(crate) client: Key<String>,
    pub(crate) server: Key<String>,
    pub(crate) connect_to: Vec<Placed<IpAddr>>,
    pub(crate) control_port: Option<u16>,
}

/// Says on a stage who is who: where client and server run, and where the client
/// connects to. In cells of each family both must have an address.
pub(crate) fn assign_roles(
    deployment: &mut Deployment,
    roles: Roles,
    families: &[Family],
    topology: Range<usize>,
    problems: &mut Problems,
) {
    let mut at = |key: Key<String>, usual: &NodeName, table: &str| {
        if key.is_there {
            return known_node(key, &deployment.topology, problems).map(|at| at.value);
        }
        if deployment.topology.node(usual).is_none() {
            problems.add_with_help(
                topology.clone(),
                format!("this topology has no node `{usual}`"),
                format!("name a node so, or say which one it is: `at = …` in [{table}]"),
            );
        }
        Some(usual.clone())
    };
    let client_node = at(roles.client, &deployment.client, "client");
    let server_node = at(roles.server, &deployment.server, "server");
    let all_known = client_node.is_some() && server_node.is_some();
    deployment.client = client_node.unwrap_or_else(|| deployment.client.clone());
    deployment.server = server_node.unwrap_or_else(|| deployment.server.clone());
    connect_to(deployment, roles.connect_to, problems);
    if let Some(port) = roles.control_port {
        deployment.connect_port = port;
    }
    let both_there = [&deployment.client, &deployment.server]
        .map(|name| deployment.topology.node(name).is_some());
    if !all_known || both_there != [true, true] {
        return;
    }
    for &family in families {
        let has = |node: &NodeName| {
            let mut addresses = deployment.topology.addresses();
            addresses.any(|(address, owner)| owner == node && Family::of(address) == family)
        };
        for node in [&deployment.client, &deployment.server] {
            if !has(node) {
                problems.add_with_help(
                    topology.clone(),
                    format!(
                        "node `{node}` has no {} address, but there are cells that need one",
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
    deployment: &Deployment,
    address: IpAddr,
    span: Range<usize>,
    problems: &mut Problems,
) {
    let own = deployment.server_address(Family::of(address));
    let own = own.map_or_else(
        || "the server has none of that family".to_owned(),
        |own| format!("the server has {own}"),
    );
    problems.add_with_help(
        span,
        format!("{address} is not an address of this topology"),
        format!("{own}; an address that only address translation knows needs a route from the client, by way of a neighbour"),
    );
}

/// The addresses that the client connects to, where they are not the topology's own.
fn connect_to(
    deployment: &mut Deployment,
    addresses: Vec<Placed<IpAddr>>,
    problems: &mut Problems,
) {
    for Placed { value, span } in addresses {
        if value.is_loopback() && deployment.client != deployment.server {
            problems.add_with_help(
                span,
                "a loopback address is the client's own, but the server is on another node",
                "write `at = \"server\"` to run the client on the server's host",
            );
        } else if !deployment.is_reachable(value) {
            not_reachable(deployment, value, span, problems);
        }
        let of_another = |known: &IpAddr| known.is_ipv4() != value.is_ipv4();
        deployment.reached_at.retain(of_another);
        deployment.reached_at.push(value);
    }
}
