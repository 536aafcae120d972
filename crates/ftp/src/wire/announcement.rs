use std::net::SocketAddr;

use fwlab_record::{Announcement, DataSetup};

use super::{Command, ExtendedPort, HostPort, Reply, extended_passive_port};

impl Command {
    /// What a PORT or EPRT command announces: the server will connect there.
    pub fn announces(&self) -> Option<Announcement> {
        let argument = self.argument_text();
        let (setup, to): (_, SocketAddr) = if self.is("PORT") {
            (
                DataSetup::Port,
                argument.trim().parse::<HostPort>().ok()?.0.into(),
            )
        } else if self.is("EPRT") {
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
}

impl Reply {
    /// What a 227 or 229 reply announces: the client will connect there.
    pub fn announces(&self) -> Option<Announcement> {
        match self.code.number() {
            227 => {
                let to = self.lines.iter().find_map(|line| HostPort::find(line))?.0;
                Some(Announcement {
                    setup: DataSetup::Pasv,
                    address: Some((*to.ip()).into()),
                    port: to.port(),
                })
            }
            229 => Some(Announcement {
                setup: DataSetup::Epsv,
                address: None,
                port: self
                    .lines
                    .iter()
                    .find_map(|line| extended_passive_port(line))?,
            }),
            _ => None,
        }
    }
}
