use crate::FabricError;
use crate::assembly::Links;
use crate::netlink::{Batch, NetlinkSocket, Protocol};
use crate::node::Node;

/// The links in a namespace that outlives its fabric. Dropping this takes them away:
/// a link between two such namespaces would stay.
#[derive(Debug)]
pub(crate) struct AdoptedLinks {
    route: NetlinkSocket,
    links: Links,
}

impl AdoptedLinks {
    pub(crate) async fn of(node: &Node, links: Links) -> Result<AdoptedLinks, FabricError> {
        let opened = node.run(async || NetlinkSocket::open(Protocol::Route));
        let route = opened.await?.map_err(|source| FabricError::Thread {
            node: node.name().clone(),
            source,
        })?;
        Ok(AdoptedLinks { route, links })
    }
}

impl Drop for AdoptedLinks {
    fn drop(&mut self) {
        let mut batch = Batch::default();
        for index in &self.links {
            batch.delete_link(*index);
        }
        // One that is gone already, with its other end, is refused: as good.
        let _ = self.route.exchange(batch, |_| {});
    }
}
