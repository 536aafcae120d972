//! How the two peers are set up.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use fwlab_ftp::script::Script;
use fwlab_ftp::{Certificate, DataSourcePort, Login, OwnServer, PassiveAddress};

/// How a server is set up, whichever it is.
#[derive(Debug, Clone)]
pub struct ServerTerms {
    /// Where it listens.
    pub control_port: u16,
    /// Where it listens for passive data connections, as written: possibly the wrong way round.
    pub passive_ports: Option<(u16, u16)>,
    /// The source port of its active data connections.
    pub data_source_port: DataSourcePort,
    /// Who may log in; the server's own choice without.
    pub login: Option<Login>,
    /// Settings of a program by their own names.
    pub options: BTreeMap<String, String>,
    /// The address that its 227 announces; the control connection's without.
    pub advertised_address: Option<Ipv4Addr>,
    /// The certificate that it shows; the lab's own without.
    pub certificate: Option<Certificate>,
    /// Whether a protected data connection must resume the control connection's TLS session.
    pub require_session_reuse: bool,
    /// What a scripted server does.
    pub script: Option<Arc<Script>>,
    /// Which one a server of somebody else's is.
    pub own: Option<OwnServer>,
}

impl Default for ServerTerms {
    fn default() -> Self {
        ServerTerms {
            control_port: 21,
            passive_ports: None,
            data_source_port: DataSourcePort::Ephemeral,
            login: None,
            options: BTreeMap::new(),
            advertised_address: None,
            certificate: None,
            require_session_reuse: false,
            script: None,
            own: None,
        }
    }
}

/// How a client is set up, whichever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTerms {
    /// Where it listens for active data connections.
    pub active_ports: Option<RangeInclusive<u16>>,
    /// Bytes a second that it reads at most.
    pub read_pace: Option<u64>,
    /// What it makes of the address in a 227.
    pub passive_address: PassiveAddress,
    /// Whether its protected data connections resume the control connection's TLS session.
    pub session_reuse: bool,
    /// What a scripted client does.
    pub script: Option<Arc<Script>>,
}

impl Default for ClientTerms {
    fn default() -> Self {
        ClientTerms {
            active_ports: None,
            read_pace: None,
            passive_address: PassiveAddress::Announced,
            session_reuse: true,
            script: None,
        }
    }
}
