use std::fmt;
use std::net::{IpAddr, SocketAddr};

use fwlab_model::DataSetup;

use super::{Command, ExtendedPort, HostPort, Reply, extended_passive_port};

/// Where the data connection will go, as one side told the other on the control
/// connection. Nothing says that it is true: it is text from the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Announcement {
    /// The data setup that announced it; says which side will connect.
    pub setup: DataSetup,
    /// The address. `None` with EPSV: the one that the client already talks to.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
}

impl Announcement {
    /// What a PORT or EPRT command announces: the server will connect there.
    pub fn of_command(command: &Command) -> Option<Announcement> {
        let argument = command.argument_text();
        let (setup, to): (_, SocketAddr) = if command.is("PORT") {
            (
                DataSetup::Port,
                argument.trim().parse::<HostPort>().ok()?.0.into(),
            )
        } else if command.is("EPRT") {
            (
                DataSetup::Eprt,
                argument.trim().parse::<ExtendedPort>().ok()?.0,
            )
        } else {
            return None;
        };
        Some(Announcement {
            setup,
            address: Some(to.ip()),
            port: to.port(),
        })
    }

    /// What a 227 or 229 reply announces: the client will connect there.
    pub fn of_reply(reply: &Reply) -> Option<Announcement> {
        match reply.code.number() {
            227 => {
                let to = reply.lines.iter().find_map(|line| HostPort::find(line))?.0;
                Some(Announcement {
                    setup: DataSetup::Pasv,
                    address: Some((*to.ip()).into()),
                    port: to.port(),
                })
            }
            229 => Some(Announcement {
                setup: DataSetup::Epsv,
                address: None,
                port: reply
                    .lines
                    .iter()
                    .find_map(|line| extended_passive_port(line))?,
            }),
            _ => None,
        }
    }

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
