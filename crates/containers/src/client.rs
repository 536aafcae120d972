use std::sync::Arc;

use async_trait::async_trait;
use fwlab_fabric::{ContainerRoot, Node};
use fwlab_ftp::{
    Client, ClientReport, Curl, Housed, Lftp, PeerError, Support, Tnftp, TransferSpec, Wget,
};
use fwlab_record::PeerName;

use crate::warm::Idle;
use crate::{Engine, Image};

/// The client of that name, in a container.
pub(crate) fn inside(
    peer: PeerName,
    root: ContainerRoot,
    version: String,
) -> Option<Arc<dyn Client>> {
    match peer {
        PeerName::Curl => Some(Arc::new(Curl::inside(root, version))),
        PeerName::Lftp => Some(Arc::new(Lftp::inside(root, version))),
        PeerName::Tnftp => Some(Arc::new(Tnftp::inside(root, version))),
        PeerName::Wget => Some(Arc::new(Wget::inside(root, version))),
        _ => None,
    }
}

/// A client that gets a container of its own for each cell.
pub(crate) struct ColdClient {
    pub(crate) engine: Engine,
    /// The same client in a container that is there already, for what it can do.
    pub(crate) warm: Arc<dyn Client>,
}

#[async_trait]
impl Client for ColdClient {
    fn name(&self) -> PeerName {
        self.warm.name()
    }

    fn version(&self) -> String {
        self.warm.version()
    }

    fn supports(&self, transfer: &TransferSpec) -> Support {
        self.warm.supports(transfer)
    }

    async fn housed(&self) -> Result<Option<Housed<dyn Client>>, PeerError> {
        let peer = self.name();
        let failed = |error: crate::ContainerError| PeerError::Container {
            peer,
            source: error.into(),
        };
        let idle = Idle::start(&self.engine, Image::Client)
            .await
            .map_err(failed)?;
        let namespace = idle.namespace().await.map_err(failed)?;
        let Some(client) = inside(peer, idle.root.clone(), self.version()) else {
            return Ok(None);
        };
        let peer = Box::new(Alone {
            client,
            _container: idle,
        });
        Ok(Some(Housed { peer, namespace }))
    }

    async fn transfer(&self, node: &Node, spec: &TransferSpec) -> Result<ClientReport, PeerError> {
        self.warm.transfer(node, spec).await
    }
}

/// A client with a container to itself.
struct Alone {
    client: Arc<dyn Client>,
    _container: Idle,
}

#[async_trait]
impl Client for Alone {
    fn name(&self) -> PeerName {
        self.client.name()
    }

    fn version(&self) -> String {
        self.client.version()
    }

    fn supports(&self, transfer: &TransferSpec) -> Support {
        self.client.supports(transfer)
    }

    async fn transfer(&self, node: &Node, spec: &TransferSpec) -> Result<ClientReport, PeerError> {
        self.client.transfer(node, spec).await
    }
}
