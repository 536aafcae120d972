use std::net::SocketAddr;

use fwlab_ftp::script::Hosts;
use fwlab_record::{Axes, Family, NodeName, PeerName};

use crate::Scenario;
use crate::deployment::Deployment;

/// The addresses of a stage's nodes as scripts know them: the first one of a family.
/// `client` and `server` are who plays them, where no node has these names.
pub(super) fn hosts(deployment: &Deployment, family: Family) -> Hosts {
    let address = |node: &NodeName| {
        let mut addresses = deployment.topology.addresses();
        addresses
            .find(|(address, owner)| *owner == node && Family::of(*address) == family)
            .map(|(address, _)| address)
    };
    let nodes = deployment.topology.nodes.iter().map(|node| &node.name);
    let named: Hosts = nodes
        .filter_map(|name| Some((name.clone(), address(name)?)))
        .collect();
    let roles = [
        (NodeName::client(), address(&deployment.client)),
        (NodeName::server(), address(&deployment.server)),
    ];
    let roles = roles
        .into_iter()
        .filter(|(name, _)| !named.has(name))
        .filter_map(|(name, address)| Some((name, address?)));
    let all = named.iter().map(|(name, address)| (name.clone(), address));
    all.chain(roles).collect()
}

impl Scenario {
    /// The addresses of the nodes that scripts may name, in cells of a family.
    pub fn hosts(&self, family: Family) -> Hosts {
        hosts(&self.deployment, family)
    }

    /// Where the peers of a cell connect to, by their scripts, although nobody announces
    /// it: data connections that the dialogue does not tell of.
    pub fn written_targets(&self, cell: &Axes) -> Vec<SocketAddr> {
        let hosts = self.hosts(cell.family);
        let of_server = self.server.script.as_ref();
        let of_client = self.client.script.as_ref();
        let played = [
            of_server.filter(|_| cell.server == PeerName::ScriptedServer),
            of_client.filter(|_| cell.client == PeerName::ScriptedClient),
        ];
        played
            .into_iter()
            .flatten()
            .flat_map(|script| script.written_targets())
            .filter_map(|target| hosts.socket_address(target))
            .collect()
    }
}
