//! In which families a server waits for clients.

use std::net::IpAddr;

use fwlab_record::{Exit, Family};

use crate::captured::DEFAULT_PORT;
use crate::host_files::HostFiles;
use crate::messages::Messages;
use crate::terms::At;

/// The only family of those who can connect to a socket that is bound to this address. One of all addresses of IPv6 is one of IPv4,
/// too.
pub(crate) fn only(address: IpAddr) -> Option<Family> {
    (!address.is_unspecified() || address.is_ipv4()).then(|| Family::of(address))
}

/// The same of the sockets that wait for clients of FTP on a captured host.
pub(crate) fn of_host(files: &HostFiles, at: At, control_port: Option<u16>) -> Option<Family> {
    let host = files.host.as_deref().filter(|_| at == At::Server)?;
    let port = control_port.unwrap_or(DEFAULT_PORT);
    let sockets = host
        .listeners
        .iter()
        .filter(|socket| socket.port == port && !socket.address.is_loopback());
    let mut families = sockets.map(|socket| only(socket.address));
    let first = families.next()?;
    families.all(|other| other == first).then_some(first)?
}

/// Leaves out families in which the server waits for nobody, and says so.
///
/// # Errors
/// When one of them was asked for, or no other is spoken.
pub(crate) fn retain(
    only: Option<Family>,
    asked: &[Family],
    spoken: &mut Vec<Family>,
    said: &mut Messages,
) -> Result<(), Exit> {
    let Some(only) = only else { return Ok(()) };
    let other = spoken.iter().copied().find(|family| *family != only);
    let Some(other) = other else { return Ok(()) };
    let alone = format!("the server listens only for {} clients", only.protocol());
    if asked.contains(&other) || !spoken.contains(&only) {
        said.say(
            format!("{alone}, but {} is asked for: nobody can connect", other.protocol()),
            Some(&format!("--family {only}, or have the server listen on both (vsftpd: listen=NO, listen_ipv6=YES)")),
        );
        return Err(Exit::Usage);
    }
    spoken.retain(|family| *family == only);
    said.say(format!("{alone}: {} is not tried", other.protocol()), None);
    Ok(())
}
