//! What a cell has in containers of its own: their network namespaces become nodes.

use std::collections::BTreeMap;

use fwlab_fabric::NetworkNamespace;
use fwlab_ftp::{Client, Housed, Server};
use fwlab_record::NodeName;
use fwlab_scenario::plan::Cell;

use super::fault::Fault;
use super::firewall::ImageFirewall;
use super::peers::Peers;

/// The containers of one cell. To be dropped after its fabric: what is a node goes after its links.
pub(super) struct Namespaces {
    pub(super) image: Option<ImageFirewall>,
    server: Option<Housed<dyn Server>>,
    client: Option<Housed<dyn Client>>,
}

impl Namespaces {
    /// Starts them, where the cell has any.
    pub(super) async fn of(cell: &Cell, peers: &Peers) -> Result<Namespaces, Fault> {
        let Peers {
            server,
            client,
            settings,
            ..
        } = peers;
        let housed = async { Ok(tokio::try_join!(server.housed(settings), client.housed())?) };
        let (image, (server, client)) = tokio::try_join!(ImageFirewall::of(cell), housed)?;
        Ok(Namespaces {
            image,
            server,
            client,
        })
    }

    /// The namespace of each node that is a container.
    pub(super) fn by_node(
        &self,
        cell: &Cell,
    ) -> Result<BTreeMap<NodeName, NetworkNamespace>, Fault> {
        let stage = &cell.scenario.stage;
        let mut namespaces = BTreeMap::new();
        if let Some(housed) = &self.client {
            namespaces.insert(stage.client.clone(), housed.namespace.clone());
        }
        // Where both run on one node, it is the server's.
        if let Some(housed) = &self.server {
            namespaces.insert(stage.server.clone(), housed.namespace.clone());
        }
        if let Some(image) = &self.image {
            let taken = namespaces.insert(image.node().clone(), image.namespace.clone());
            if taken.is_some() {
                return Err(Fault::NotSupported(format!(
                    "{} is the firewall's container, and a cold peer would be another there",
                    image.node()
                )));
            }
        }
        Ok(namespaces)
    }

    /// The server that runs, in its container where it has one.
    pub(super) fn server<'a>(&'a self, peers: &'a Peers) -> &'a dyn Server {
        let housed = self.server.as_ref();
        housed.map_or(&*peers.server, |housed| &*housed.peer)
    }

    /// The same of the client.
    pub(super) fn client<'a>(&'a self, peers: &'a Peers) -> &'a dyn Client {
        let housed = self.client.as_ref();
        housed.map_or(&*peers.client, |housed| &*housed.peer)
    }
}
