use std::marker::PhantomData;

use fwlab_containers::Freshness;
use fwlab_ftp::OwnServer;
use fwlab_record::{PeerName, Place};
use fwlab_runner::Housing;

/// A server or client for a [`Lab`](crate::Lab), and where it runs: by default on the host where it is installed, and
/// in a container otherwise.
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
    pub(crate) housing: Housing,
    pub(crate) own: Option<OwnServer>,
    role: PhantomData<Role>,
}

/// What a server is.
#[derive(Debug, Clone, Copy)]
pub enum Serves {}

/// What a client is.
#[derive(Debug, Clone, Copy)]
pub enum Asks {}

/// A server, for [`Lab::server`](crate::Lab::server).
pub type ServerPeer = Peer<Serves>;

/// A client, for [`Lab::client`](crate::Lab::client).
pub type ClientPeer = Peer<Asks>;

impl<Role> Peer<Role> {
    fn new(name: PeerName) -> Peer<Role> {
        Peer {
            name,
            housing: Housing::default(),
            own: None,
            role: PhantomData,
        }
    }

    /// Runs it in a container, one for all transfers of the process, each in a network of its own.
    pub fn in_container(mut self) -> Peer<Role> {
        self.housing = Housing {
            place: Some(Place::Container),
            freshness: Freshness::Warm,
        };
        self
    }

    /// Gives each transfer a container of its own.
    pub fn cold(mut self) -> Peer<Role> {
        self.housing = Housing {
            place: Some(Place::Container),
            freshness: Freshness::Cold,
        };
        self
    }

    /// Runs it as a program of the host, or not at all.
    pub fn on_host(mut self) -> Peer<Role> {
        self.housing = Housing {
            place: Some(Place::Host),
            freshness: Freshness::Warm,
        };
        self
    }

    /// Why it cannot run where it is to run, whatever the machine.
    pub(crate) fn nowhere(&self) -> Option<String> {
        let in_container = self.housing.place == Some(Place::Container);
        (in_container && self.name.is_embedded())
            .then(|| format!("{} runs in no container: it is inside the lab", self.name))
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

/// pyftpdlib, a library of Python's.
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

/// ftplib of Python's standard library.
pub fn ftplib() -> ClientPeer {
    Peer::new(PeerName::Ftplib)
}

/// A server of your own that runs already.
impl From<OwnServer> for ServerPeer {
    fn from(own: OwnServer) -> ServerPeer {
        Peer {
            own: Some(own),
            ..Peer::new(PeerName::OwnServer)
        }
    }
}
