use std::sync::Arc;

use async_trait::async_trait;
use fwlab_fabric::Node;
use fwlab_ftp::{
    Client, ClientReport, Contained, ContainedClient, PeerError, Role, Support, TransferSpec,
    peer_entry,
};
use fwlab_record::PeerName;

use crate::warm::Idle;
use crate::{Engine, Image};

/// What a client is in a container; `None`: it is none, or runs in no container.
pub(crate) fn contained(peer: PeerName) -> Option<&'static ContainedClient> {
    match &peer_entry(peer).role {
        Role::Client { contained, .. } => contained.as_ref(),
        Role::Server { .. } => None,
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

    async fn contained(&self) -> Result<Option<Contained<dyn Client>>, PeerError> {
        let peer = self.name();
        let failed = |error: crate::ContainerError| PeerError::Container {
            peer,
            source: error.into(),
        };
        let idle = Idle::start(&self.engine, Image::Client)
            .await
            .map_err(failed)?;
        let namespace = idle.namespace().await.map_err(failed)?;
        let Some(contained) = contained(peer) else {
            return Ok(None);
        };
        let client = (contained.inside)(idle.root.clone(), self.version());
        let peer = Box::new(Alone {
            client,
            _container: idle,
        });
        Ok(Some(Contained { peer, namespace }))
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
