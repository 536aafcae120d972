use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use fwlab_record::{DataSetup, NodeName, Protection};
use serde::{Deserialize, Serialize};

/// What is known of a session before it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The address and port that the client connects to.
    pub control: SocketAddr,
    /// The address and port that the server listens on: another one behind a translating gateway.
    pub listening: SocketAddr,
    /// The node that the client runs on.
    pub client: NodeName,
    /// The node that the server runs on.
    pub server: NodeName,
    /// The data setup that is asked for.
    pub asked: DataSetup,
    /// What hides the dialogue.
    pub protection: Protection,
    /// Whether the client is the one that sends data.
    pub upload: bool,
    /// Targets of data connections that nobody will announce: a peer's script opens them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unannounced: Vec<SocketAddr>,
    /// Nodes whose peer pauses, and may yet speak.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pausing: BTreeSet<NodeName>,
    /// Which node has which address.
    pub owners: BTreeMap<IpAddr, NodeName>,
}
