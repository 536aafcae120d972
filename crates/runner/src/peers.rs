use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use fwlab_ftp::{Client, PeerMissing, PeerName, Server};

/// The peers of this machine, each looked for once.
pub struct PeerShelf {
    servers: BTreeMap<PeerName, Result<Arc<dyn Server>, PeerMissing>>,
    clients: BTreeMap<PeerName, Result<Arc<dyn Client>, PeerMissing>>,
}

impl PeerShelf {
    /// Looks for every peer.
    pub fn stock() -> PeerShelf {
        let (servers, clients): (Vec<PeerName>, Vec<PeerName>) = PeerName::ALL
            .iter()
            .copied()
            .partition(|peer| peer.is_server());
        PeerShelf {
            servers: servers
                .into_iter()
                .map(|peer| (peer, fwlab_ftp::server(peer)))
                .collect(),
            clients: clients
                .into_iter()
                .map(|peer| (peer, fwlab_ftp::client(peer)))
                .collect(),
        }
    }

    pub(crate) fn server(&self, peer: PeerName) -> Result<Arc<dyn Server>, PeerMissing> {
        self.servers
            .get(&peer)
            .cloned()
            .unwrap_or_else(|| Err(no_role(peer, "server")))
    }

    pub(crate) fn client(&self, peer: PeerName) -> Result<Arc<dyn Client>, PeerMissing> {
        self.clients
            .get(&peer)
            .cloned()
            .unwrap_or_else(|| Err(no_role(peer, "client")))
    }

    /// Whether a peer is on this machine.
    pub fn has(&self, peer: PeerName) -> bool {
        self.server(peer).is_ok() || self.client(peer).is_ok()
    }

    /// Every peer with its version, or why it cannot be used.
    pub fn inventory(&self) -> Vec<(PeerName, Result<String, PeerMissing>)> {
        let servers = self.servers.iter().map(|(peer, server)| {
            (
                *peer,
                server
                    .as_ref()
                    .map(|server| server.version())
                    .map_err(Clone::clone),
            )
        });
        let clients = self.clients.iter().map(|(peer, client)| {
            (
                *peer,
                client
                    .as_ref()
                    .map(|client| client.version())
                    .map_err(Clone::clone),
            )
        });
        servers.chain(clients).collect()
    }
}

impl fmt::Debug for PeerShelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.servers.keys().chain(self.clients.keys()))
            .finish()
    }
}

fn no_role(peer: PeerName, role: &str) -> PeerMissing {
    PeerMissing {
        peer,
        why: format!("it is no {role}"),
        remedy: format!("name a {role}"),
    }
}
