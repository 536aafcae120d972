//! What a cell has in containers of its own: their network namespaces become nodes.

use std::collections::BTreeMap;

use fwlab_fabric::NetworkNamespace;
use fwlab_ftp::{Client, Contained, Server};
use fwlab_record::NodeName;
use fwlab_scenario::plan::Cell;

use super::fault::Fault;
use super::firewall::ImageFirewall;
use super::peers::Peers;

/// The containers of one cell. To be dropped after its fabric: what is a node goes after its links.
pub(super) struct Namespaces {
    pub(super) image: Option<ImageFirewall>,
    server: Option<Contained<dyn Server>>,
    client: Option<Contained<dyn Client>>,
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
        let contained = async {
            Ok(tokio::try_join!(
                server.contained(settings),
                client.contained()
            )?)
        };
        let (image, (server, client)) = tokio::try_join!(ImageFirewall::of(cell), contained)?;
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
        let deployment = &cell.scenario.deployment;
        let mut namespaces = BTreeMap::new();
        if let Some(contained) = &self.client {
            namespaces.insert(deployment.client.clone(), contained.namespace.clone());
        }
        // Where both run on one node, it is the server's.
        if let Some(contained) = &self.server {
            namespaces.insert(deployment.server.clone(), contained.namespace.clone());
        }
        if let Some(image) = &self.image {
            let taken = namespaces.insert(image.node().clone(), image.namespace.clone());
            if taken.is_some() {
                return Err(Fault::NotSupported(format!(
                    "{} is the firewall's container, so a cold peer cannot run there",
                    image.node()
                )));
            }
        }
        Ok(namespaces)
    }

    /// The server that runs, in its container where it has one.
    pub(super) fn server<'a>(&'a self, peers: &'a Peers) -> &'a dyn Server {
        let contained = self.server.as_ref();
        contained.map_or(&*peers.server, |contained| &*contained.peer)
    }

    /// The same of the client.
    pub(super) fn client<'a>(&'a self, peers: &'a Peers) -> &'a dyn Client {
        let contained = self.client.as_ref();
        contained.map_or(&*peers.client, |contained| &*contained.peer)
    }
}
