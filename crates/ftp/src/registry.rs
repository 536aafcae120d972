use std::sync::Arc;

use crate::script::{ScriptedClient, ScriptedServer};
use crate::{Client, Curl, Lftp, Libunftp, OwnServer, PeerMissing, Server, Suppaftp, Vsftpd, Wget};
use fwlab_record::PeerName;

/// The server of that name, ready to be started as often as needed. A program is
/// looked for, and run once for its version, each time that this is called. A
/// scripted server has no script here: [`ScriptedServer::new`] gives it one; as
/// [`OwnServer::new`] says which one a server of somebody else's is.
///
/// # Errors
///
/// When it is a program that this machine does not have, or no server.
pub fn server(name: PeerName) -> Result<Arc<dyn Server>, PeerMissing> {
    match name {
        PeerName::Libunftp => Ok(Arc::new(Libunftp)),
        PeerName::Vsftpd => Ok(Arc::new(Vsftpd::find()?)),
        PeerName::Proftpd | PeerName::PureFtpd => Err(in_a_container_alone(name)),
        PeerName::ScriptedServer => Ok(Arc::new(ScriptedServer::default())),
        PeerName::OwnServer => Ok(Arc::new(OwnServer::default())),
        PeerName::Suppaftp
        | PeerName::Curl
        | PeerName::Lftp
        | PeerName::Tnftp
        | PeerName::Wget
        | PeerName::ScriptedClient => Err(other_side(name, "client", true)),
    }
}

/// The client of that name, ready to be run as often as needed. A program is
/// looked for, and run once for its version, each time that this is called. A
/// scripted client has no script here: [`ScriptedClient::new`] gives it one.
///
/// # Errors
///
/// When it is a program that this machine does not have, or no client.
pub fn client(name: PeerName) -> Result<Arc<dyn Client>, PeerMissing> {
    match name {
        PeerName::Suppaftp => Ok(Arc::new(Suppaftp)),
        PeerName::Curl => Ok(Arc::new(Curl::find()?)),
        PeerName::Lftp => Ok(Arc::new(Lftp::find()?)),
        PeerName::Tnftp => Err(in_a_container_alone(name)),
        PeerName::Wget => Ok(Arc::new(Wget::find()?)),
        PeerName::ScriptedClient => Ok(Arc::new(ScriptedClient::default())),
        PeerName::Libunftp
        | PeerName::Vsftpd
        | PeerName::Proftpd
        | PeerName::PureFtpd
        | PeerName::ScriptedServer
        | PeerName::OwnServer => Err(other_side(name, "server", false)),
    }
}

fn in_a_container_alone(peer: PeerName) -> PeerMissing {
    PeerMissing {
        peer,
        why: "it runs in a container alone".into(),
        remedy: "run it there: --where container".into(),
    }
}

fn other_side(peer: PeerName, is: &str, servers: bool) -> PeerMissing {
    let names: Vec<&str> = PeerName::ALL
        .iter()
        .filter(|name| name.is_server() == servers)
        .map(|name| name.word())
        .collect();
    PeerMissing {
        peer,
        why: format!("it is a {is}"),
        remedy: format!("use {}", names.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_found_on_its_own_side_alone() {
        for &name in PeerName::ALL {
            if name.is_server() {
                assert!(client(name).is_err(), "{name}");
            } else {
                assert!(server(name).is_err(), "{name}");
            }
        }
        assert_eq!(
            server(PeerName::Libunftp).unwrap().name(),
            PeerName::Libunftp
        );
        assert_eq!(
            client(PeerName::Suppaftp).unwrap().name(),
            PeerName::Suppaftp
        );
        let error = server(PeerName::Curl).err().unwrap();
        assert_eq!(
            error.to_string(),
            "curl is missing: it is a client; use libunftp or vsftpd or proftpd or pure-ftpd or scripted-server"
        );
    }
}
