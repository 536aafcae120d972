use std::sync::Arc;

use fwlab_record::PeerName;

use super::entry::Role;
use super::table::{CLIENT_WORDS, SERVER_WORDS, peer_entry};
use crate::{Client, PeerMissing, Server};

/// The server of that name, ready to be started as often as needed. A program is
/// looked for, and run once for its version, each time that this is called. A
/// scripted server has no script here: [`ScriptedServer::new`](crate::script::ScriptedServer::new) gives it one; as
/// [`OwnServer::new`](crate::OwnServer::new) says which one a server of somebody else's is.
///
/// # Errors
///
/// When it is a program that this machine does not have, or no server.
pub fn server(name: PeerName) -> Result<Arc<dyn Server>, PeerMissing> {
    match &peer_entry(name).role {
        Role::Server { here, .. } => here.ok_or_else(|| in_a_container_alone(name))?(),
        Role::Client { .. } => Err(other_side(name, "client", SERVER_WORDS)),
    }
}

/// The client of that name, ready to be run as often as needed. A program is
/// looked for, and run once for its version, each time that this is called. A
/// scripted client has no script here: [`ScriptedClient::new`](crate::script::ScriptedClient::new) gives it one.
///
/// # Errors
///
/// When it is a program that this machine does not have, or no client.
pub fn client(name: PeerName) -> Result<Arc<dyn Client>, PeerMissing> {
    match &peer_entry(name).role {
        Role::Client { here, .. } => here.ok_or_else(|| in_a_container_alone(name))?(),
        Role::Server { .. } => Err(other_side(name, "server", CLIENT_WORDS)),
    }
}

fn in_a_container_alone(peer: PeerName) -> PeerMissing {
    PeerMissing {
        peer,
        why: "it runs only in a container".into(),
        remedy: "run it there: --where container".into(),
    }
}

fn other_side(peer: PeerName, is: &str, words: &[&str]) -> PeerMissing {
    PeerMissing {
        peer,
        why: format!("it is a {is}"),
        remedy: format!("use {}", words.join(" or ")),
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
            format!(
                "curl is missing: it is a client; use {}",
                SERVER_WORDS.join(" or ")
            )
        );
    }
}
