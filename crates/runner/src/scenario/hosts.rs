use std::net::SocketAddr;

use fwlab_ftp::PeerName;
use fwlab_ftp::script::Hosts;
use fwlab_model::{Family, NodeName};

use super::Scenario;
use super::stage::Stage;

/// The addresses of a stage's nodes as scripts know them: the first one of the family
/// that client and server speak. `client` and `server` are who plays them, where no
/// node has these names.
pub(super) fn hosts(stage: &Stage) -> Hosts {
    let family = stage.family();
    let address = |node: &NodeName| {
        let ends = stage.topology.links.iter().flat_map(|link| &link.ends);
        ends.filter(|end| &end.node == node)
            .flat_map(|end| &end.addresses)
            .map(|net| net.addr())
            .find(|address| Family::of(*address) == family)
    };
    let nodes = stage.topology.nodes.iter().map(|node| &node.name);
    let named: Hosts = nodes
        .filter_map(|name| Some((name.clone(), address(name)?)))
        .collect();
    let roles = [
        (NodeName::client(), address(&stage.client)),
        (NodeName::server(), address(&stage.server)),
    ];
    let roles = roles
        .into_iter()
        .filter(|(name, _)| !named.has(name))
        .filter_map(|(name, address)| Some((name, address?)));
    let all = named.iter().map(|(name, address)| (name.clone(), address));
    all.chain(roles).collect()
}

impl Scenario {
    /// The addresses of the nodes that scripts may name.
    pub fn hosts(&self) -> Hosts {
        hosts(&self.stage)
    }

    /// Where two peers connect to, by its scripts, although nobody announces it: data
    /// connections that the dialogue does not tell of.
    pub fn written_targets(&self, server: PeerName, client: PeerName) -> Vec<SocketAddr> {
        let hosts = self.hosts();
        let of_server = self.server.script.as_ref();
        let of_client = self.client.script.as_ref();
        let played = [
            of_server.filter(|_| server == PeerName::ScriptedServer),
            of_client.filter(|_| client == PeerName::ScriptedClient),
        ];
        played
            .into_iter()
            .flatten()
            .flat_map(|script| script.written_targets())
            .filter_map(|target| hosts.socket_address(target))
            .collect()
    }
}
