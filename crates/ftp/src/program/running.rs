use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use fwlab_fabric::{Node, Program, ProgramSpec, Scratch, ScratchError};

use super::dialogue_log::tail;
use super::session::{digest_of, is_missing};
use crate::reserve::reserve_ports;
use crate::{PassivePorts, PeerError, RunningServer, ServerSettings, StoredFile};
use fwlab_record::PeerName;

/// How long a server may take from its start to its first listening.
pub const START_DEADLINE: Duration = Duration::from_secs(10);

/// How long a server whose listener is gone may take until it has ended.
const END_DEADLINE: Duration = Duration::from_secs(5);

/// A server program that runs in a node.
pub struct ServerProgram {
    peer: PeerName,
    node: Node,
    control_port: u16,
    program: Program,
    files: Scratch,
    places: Places,
}

/// Where in its files a server program has what.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// The directory that it serves.
    pub root: &'static str,
    /// Its log.
    pub log: &'static str,
}

impl ServerProgram {
    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    /// When its port is taken, or it does not come up.
    pub async fn start(
        peer: PeerName,
        node: &Node,
        settings: &ServerSettings,
        program: ProgramSpec,
        files: Scratch,
        places: Places,
    ) -> Result<ServerProgram, PeerError> {
        reserve_passive_ports(peer, node, settings).await?;
        // Who listens there already would be taken for this one.
        let free = node.wait_listening(settings.control_port, Duration::ZERO);
        if free.await.is_ok() {
            return Err(PeerError::Bind {
                peer,
                address: SocketAddr::new(settings.address, settings.control_port),
                source: io::ErrorKind::AddrInUse.into(),
            });
        }
        let program = node
            .program(program.files(files.clone()))
            .await
            .map_err(|source| PeerError::Start { peer, source })?;
        let mut running = ServerProgram {
            peer,
            node: node.clone(),
            control_port: settings.control_port,
            program,
            files,
            places,
        };
        running.wait_listening().await?;
        Ok(running)
    }

    async fn wait_listening(&mut self) -> Result<(), PeerError> {
        let peer = self.peer;
        let listening = tokio::select! {
            listening = self.node.wait_listening(self.control_port, START_DEADLINE) => listening,
            ended = self.program.wait() => {
                let status = ended.map_err(|source| PeerError::Lost { peer, source })?;
                let recent_log = format!("{status}; {}", self.words());
                return Err(PeerError::Ended { peer, recent_log });
            }
        };
        listening.map_err(|source| PeerError::NotListening {
            peer,
            recent_log: self.words(),
            source,
        })
    }

    fn words(&self) -> String {
        let log = self.files.read(self.places.log).unwrap_or_default();
        tail(&[self.program.stdout(), self.program.stderr(), log].concat())
    }
}

#[async_trait]
impl RunningServer for ServerProgram {
    async fn stored(&mut self, name: &str) -> Result<Option<StoredFile>, PeerError> {
        stored_in(
            self.peer,
            &self.files,
            Path::new(self.places.root).join(name),
        )
    }

    async fn died(&mut self) -> Option<String> {
        // Most servers have a process for each session.
        if let Some(how) = self.program.lost_one() {
            return Some(format!("one of its processes ended by {how}"));
        }
        let ended = async {
            match self.program.wait().await {
                Ok(status) => status.to_string(),
                Err(lost) => lost.to_string(),
            }
        };
        died(&self.node, self.control_port, ended).await
    }

    async fn recent_log(&mut self) -> String {
        self.words()
    }

    async fn stop(mut self: Box<Self>) -> Result<(), PeerError> {
        let peer = self.peer;
        match self.program.kill().await {
            Ok(_) => Ok(()),
            Err(source) => Err(PeerError::Lost { peer, source }),
        }
    }
}

/// How a server ended that should listen, if it has. The kernel closes a process's sockets
/// before it tells of its end: so who does not listen any more is on the way there.
pub async fn died(node: &Node, port: u16, ended: impl Future<Output = String>) -> Option<String> {
    if node.wait_listening(port, Duration::ZERO).await.is_ok() {
        return None;
    }
    let how = tokio::time::timeout(END_DEADLINE, ended).await;
    Some(how.unwrap_or_else(|_| format!("it does not listen on port {port} any more")))
}

/// What a server's files hold at a path; `None` when there is no such file.
///
/// # Errors
/// When there is one that cannot be read.
pub fn stored_in(
    peer: PeerName,
    files: &Scratch,
    path: PathBuf,
) -> Result<Option<StoredFile>, PeerError> {
    let failed = |source| PeerError::Files { peer, source };
    let file = match files.open(&path) {
        Ok(file) => file,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    let (size, digest) =
        digest_of(file).map_err(|source| failed(ScratchError::File { path, source }))?;
    Ok(Some(StoredFile { size, digest }))
}

/// Keeps a server's passive ports from being taken by chance.
///
/// # Errors
/// When the node does not take the setting.
pub async fn reserve_passive_ports(
    peer: PeerName,
    node: &Node,
    settings: &ServerSettings,
) -> Result<(), PeerError> {
    let Some(PassivePorts { min, max }) = settings.passive_ports else {
        return Ok(());
    };
    let reserved = reserve_ports(node, min..=max).await;
    reserved.map_err(|source| PeerError::Sysctl { peer, source })
}
