use std::fmt;
use std::net::{IpAddr, SocketAddr};

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DataSetup;

/// Where the data connection will go, as one side told the other on the control
/// connection. Nothing says that it is true: it is text from the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Announcement {
    /// The data setup that announced it; says which side will connect.
    pub setup: DataSetup,
    /// The address. `None` with EPSV: the one that the client already talks to.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
}

impl Announcement {
    /// The address and port that will be connected to, when the client's control
    /// connection goes to `server`.
    pub fn target(&self, server: IpAddr) -> SocketAddr {
        SocketAddr::new(self.address.unwrap_or(server), self.port)
    }
}

impl fmt::Display for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.setup {
            DataSetup::Port => "PORT",
            DataSetup::Eprt => "EPRT",
            DataSetup::Pasv => "227",
            DataSetup::Epsv => "229",
        };
        match self.address {
            Some(address) => write!(
                f,
                "{what} announces {}",
                SocketAddr::new(address, self.port)
            ),
            None => write!(f, "{what} announces port {} of the server", self.port),
        }
    }
}
