//! One process at a time makes images: a second one waits, and then finds them made.

use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::Duration;

use tokio::io::AsyncReadExt;

use crate::Engine;
use crate::engine::answered;

/// The right to make images of fwlab in one engine. It is a socket in the abstract name space: the
/// kernel gives its name to one process, tells those that wait when it goes, and takes it back
/// however that process ends. It has no file.
pub(crate) struct Turn {
    _socket: UnixListener,
}

impl Turn {
    /// Takes it; `None`: another process has it, or this one.
    pub(crate) async fn take(engine: &Engine) -> io::Result<Option<Turn>> {
        take(&address(engine).await?)
    }

    /// Takes it when it is free; `None`: whoever has the name makes no images of fwlab, as it is not
    /// root's, or has had it for so long. What is to be said before it is waited for, `waiting` says.
    pub(crate) async fn wait(
        engine: &Engine,
        longest: Duration,
        waiting: impl FnOnce(),
    ) -> io::Result<Option<Turn>> {
        let address = address(engine).await?;
        if let Some(turn) = take(&address)? {
            return Ok(Some(turn));
        }
        waiting();
        let turn = async {
            loop {
                if let Some(turn) = take(&address)? {
                    return Ok(Some(turn));
                }
                if !gone(&address).await? {
                    return Ok(None);
                }
            }
        };
        tokio::time::timeout(longest, turn)
            .await
            .unwrap_or(Ok(None))
    }
}

/// The name, by the engine: that of another one is another's affair.
async fn address(engine: &Engine) -> io::Result<SocketAddr> {
    let found = answered(engine.docker().info()).await;
    let id = found.map_err(io::Error::other)?.id.unwrap_or_default();
    // A name is at most 107 bytes long (`unix(7)`).
    let name: String = format!("fwlab-images-{id}").chars().take(100).collect();
    SocketAddr::from_abstract_name(name)
}

fn take(address: &SocketAddr) -> io::Result<Option<Turn>> {
    match UnixListener::bind_addr(address) {
        Ok(socket) => Ok(Some(Turn { _socket: socket })),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits until whoever has the name lets go of it. `false`: it is not root's, and means nothing.
async fn gone(address: &SocketAddr) -> io::Result<bool> {
    let stream = match UnixStream::connect_addr(address) {
        Ok(stream) => stream,
        // It went in between.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(true),
        Err(error) => return Err(error),
    };
    stream.set_nonblocking(true)?;
    let mut stream = tokio::net::UnixStream::from_std(stream)?;
    if stream.peer_cred()?.uid() != 0 {
        return Ok(false);
    }
    // Nobody writes: this ends with the listener, one way or another.
    let _ = stream.read(&mut [0]).await;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fwlab_skipped::{Need, skipped};

    #[tokio::test]
    async fn a_turn_is_one_processes_and_ends_with_it() {
        let name = format!("fwlab-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).expect("a name");
        let turn = take(&address).expect("a socket").expect("it is free");
        assert!(take(&address).expect("it is asked").is_none());
        let mut waits = tokio::spawn({
            let address = address.clone();
            async move { gone(&address).await }
        });
        let early = tokio::time::timeout(Duration::from_millis(50), &mut waits).await;
        if let Ok(told) = early {
            let waited_for = told.expect("no panic").expect("no error");
            assert!(!waited_for, "it has not gone");
            skipped(Need::Machine, "only root's turn is waited for");
            return;
        }
        drop(turn);
        let waited = tokio::time::timeout(Duration::from_secs(10), waits).await;
        let waited = waited.expect("it is told").expect("no panic");
        assert!(waited.expect("no error"));
        assert!(take(&address).expect("it is asked").is_some());
    }
}
