use std::net::{IpAddr, Ipv4Addr};

use async_trait::async_trait;
use fwlab_fabric::Node;
use fwlab_record::{PeerName, Protection};

use crate::{Certificate, Contained, Digest, Login, PeerError, Stored, Support, TransferSpec};

/// An FTP server that can be run in a node.
#[async_trait]
pub trait Server: Send + Sync {
    /// Which one.
    fn name(&self) -> PeerName;

    /// Its version, as it gives it itself.
    fn version(&self) -> String;

    /// Whether it can serve this transfer with these settings.
    fn supports(&self, transfer: &TransferSpec, settings: &ServerSettings) -> Support;

    /// Who it lets in where nobody says who it should be.
    fn login(&self) -> Login {
        Login::Anonymous
    }

    /// Makes it ready for one cell, where that comes before its node: the server that
    /// this gives is started once, in a node that is the namespace beside it. `None`:
    /// this one is started in any node, as often as needed.
    ///
    /// # Errors
    ///
    /// When it cannot be had: all of them are faults of the lab.
    async fn contained(
        &self,
        settings: &ServerSettings,
    ) -> Result<Option<Contained<dyn Server>>, PeerError> {
        let _ = settings;
        Ok(None)
    }

    /// Starts it; gives it back when it listens.
    ///
    /// # Errors
    ///
    /// When it does not come up: all of them are faults of the lab.
    async fn start(
        &self,
        node: &Node,
        settings: &ServerSettings,
    ) -> Result<Box<dyn RunningServer>, PeerError>;
}

/// A server that listens. Dropping it ends it.
#[async_trait]
pub trait RunningServer: Send {
    /// What it holds under a name; `None` when it holds no such file.
    async fn stored(&mut self, name: &str) -> Result<Option<StoredFile>, PeerError>;

    /// How it ended, if it has, without having been told to: whatever a client met then says
    /// nothing of the network. One that is ending is waited for.
    async fn died(&mut self) -> Option<String>;

    /// From now on it takes no command until each of its sessions has been sent one, or has ended;
    /// after two seconds it goes on all the same. So clients that are let go on at one time have all
    /// announced where they listen before a server that connects when it reads PORT comes to it.
    /// One that connects when it is told to transfer has no need of that, and does nothing here.
    async fn gather(&mut self) {}

    /// What it last said of itself, for the message that tells of a fault.
    /// Empty when it said nothing.
    async fn recent_log(&mut self) -> String;

    /// Ends it and its sessions, and waits until it is gone.
    async fn stop(self: Box<Self>) -> Result<(), PeerError>;
}

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// The address that it listens on. The unspecified one is every address of its
    /// family; that of IPv6 (`::`) is every address of both families.
    pub address: IpAddr,
    /// The port that it listens on.
    pub control_port: u16,
    /// The ports of passive data connections; the server's own choice without.
    pub passive_ports: Option<PassivePorts>,
    /// The address that its 227 announces in place of the control connection's own:
    /// what an administrator writes who has the server behind NAT.
    pub advertised_address: Option<Ipv4Addr>,
    /// The protection that it offers; any but plain it demands too, of both connections.
    pub protection: Protection,
    /// Who may log in.
    pub login: Login,
    /// The certificate that it shows; the lab's own without.
    pub certificate: Option<Certificate>,
    /// Whether a protected data connection must resume the TLS session of the control
    /// connection, and is refused otherwise.
    pub require_session_reuse: bool,
    /// The port that active data connections come from.
    pub data_source_port: DataSourcePort,
    /// The file that it holds at the start.
    pub stored: Option<Stored>,
    /// Whether nothing but the server runs in its node: then the node's
    /// ephemeral ports may be taken away from everything else.
    pub alone_in_node: bool,
    /// Options for a server program, in its own words, after all others.
    pub options: Vec<(String, String)>,
}

/// The bounds of the passive ports as they stand in a server's settings: real
/// administrators get them the wrong way round, and servers differ in what they
/// make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassivePorts {
    /// What is given as the lower bound.
    pub min: u16,
    /// What is given as the upper bound.
    pub max: u16,
}

/// The port that a server's active data connections come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum DataSourcePort {
    /// Port 20 (RFC 959 section 3.3: the port below the control port).
    #[strum(serialize = "20")]
    Twenty,
    /// Any port.
    Ephemeral,
}

/// A file that a server holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredFile {
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
}

impl ServerSettings {
    /// The settings of a server that a transfer will find what it needs at:
    /// its protection, alone in its node, active data connections from port 20, passive ports of
    /// its own choice.
    pub fn for_transfer(transfer: &TransferSpec) -> ServerSettings {
        ServerSettings {
            address: transfer.server.ip(),
            control_port: transfer.server.port(),
            passive_ports: None,
            advertised_address: None,
            protection: transfer.protection,
            login: transfer.login.clone(),
            certificate: None,
            require_session_reuse: false,
            data_source_port: DataSourcePort::Twenty,
            stored: transfer.stored_before(),
            alone_in_node: true,
            options: Vec::new(),
        }
    }

    /// The certificate that the server shows.
    pub(crate) fn shown_certificate(&self) -> Certificate {
        self.certificate
            .clone()
            .unwrap_or_else(Certificate::of_the_lab)
    }
}
