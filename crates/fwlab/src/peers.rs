use std::marker::PhantomData;

use fwlab_containers::ContainerReuse;
use fwlab_ftp::OwnServer;
use fwlab_record::{PeerName, Place};
use fwlab_runner::Placement;

/// A server or client for a [`Lab`](crate::Lab), and where it runs: by default on the host if it is installed
/// there, otherwise in a container.
///
/// ```no_run
/// use fwlab::{DataSetup, Lab, curl, vsftpd};
///
/// # fn main() -> Result<(), fwlab::LabError> {
/// let lab = Lab::client_firewall().server(vsftpd().in_container()).client(curl());
/// fwlab::assert_transferred!(lab.transfer(DataSetup::Epsv)?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a peer does nothing until a lab has it"]
pub struct Peer<Role> {
    pub(crate) name: PeerName,
    pub(crate) placement: Placement,
    pub(crate) own: Option<OwnServer>,
    role: PhantomData<Role>,
}

/// What a server is.
#[derive(Debug, Clone, Copy)]
pub enum ServerRole {}

/// What a client is.
#[derive(Debug, Clone, Copy)]
pub enum ClientRole {}

/// A server, for [`Lab::server`](crate::Lab::server).
pub type ServerPeer = Peer<ServerRole>;

/// A client, for [`Lab::client`](crate::Lab::client).
pub type ClientPeer = Peer<ClientRole>;

impl<Role> Peer<Role> {
    fn new(name: PeerName) -> Peer<Role> {
        Peer {
            name,
            placement: Placement::default(),
            own: None,
            role: PhantomData,
        }
    }

    /// Runs it in a container: one for all transfers of the process, each in its own network.
    pub fn in_container(mut self) -> Peer<Role> {
        self.placement = Placement {
            place: Some(Place::Container),
            reuse: ContainerReuse::Warm,
        };
        self
    }

    /// Gives each transfer its own container.
    pub fn cold(mut self) -> Peer<Role> {
        self.placement = Placement {
            place: Some(Place::Container),
            reuse: ContainerReuse::Cold,
        };
        self
    }

    /// Runs it as a program of the host, or not at all.
    pub fn on_host(mut self) -> Peer<Role> {
        self.placement = Placement {
            place: Some(Place::Host),
            reuse: ContainerReuse::Warm,
        };
        self
    }

    /// Why it cannot run where it should, whatever the machine.
    pub(crate) fn nowhere(&self) -> Option<String> {
        let in_container = self.placement.place == Some(Place::Container);
        (in_container && self.name.is_embedded()).then(|| {
            format!(
                "{} does not run in a container: it is part of the lab",
                self.name
            )
        })
    }
}

/// The server of the embedded pair: nothing has to be installed.
pub fn libunftp() -> ServerPeer {
    Peer::new(PeerName::Libunftp)
}

/// vsftpd.
pub fn vsftpd() -> ServerPeer {
    Peer::new(PeerName::Vsftpd)
}

/// ProFTPD, which runs in a container.
pub fn proftpd() -> ServerPeer {
    Peer::new(PeerName::Proftpd)
}

/// Pure-FTPd, which runs in a container.
pub fn pure_ftpd() -> ServerPeer {
    Peer::new(PeerName::PureFtpd)
}

/// pyftpdlib, a Python library.
pub fn pyftpdlib() -> ServerPeer {
    Peer::new(PeerName::Pyftpdlib)
}

/// The client of the embedded pair: nothing has to be installed.
pub fn suppaftp() -> ClientPeer {
    Peer::new(PeerName::Suppaftp)
}

/// curl.
pub fn curl() -> ClientPeer {
    Peer::new(PeerName::Curl)
}

/// lftp.
pub fn lftp() -> ClientPeer {
    Peer::new(PeerName::Lftp)
}

/// tnftp, which runs in a container.
pub fn tnftp() -> ClientPeer {
    Peer::new(PeerName::Tnftp)
}

/// GNU wget.
pub fn wget() -> ClientPeer {
    Peer::new(PeerName::Wget)
}

/// ftplib, from Python's standard library.
pub fn ftplib() -> ClientPeer {
    Peer::new(PeerName::Ftplib)
}

/// Your own server, already running.
impl From<OwnServer> for ServerPeer {
    fn from(own: OwnServer) -> ServerPeer {
        Peer {
            own: Some(own),
            ..Peer::new(PeerName::OwnServer)
        }
    }
}
