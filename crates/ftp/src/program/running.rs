use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use fwlab_fabric::{Node, Program, ProgramSpec, Scratch, ScratchError};

use super::dialogue_log::tail;
use super::session::{digest_of, is_missing};
use crate::reserve::reserve_ports;
use crate::{PassivePorts, PeerError, PeerName, RunningServer, ServerSettings, StoredFile};

/// How long a server may take from its start to its first listening.
pub const START_DEADLINE: Duration = Duration::from_secs(10);

/// A server program that runs in a node.
pub struct ServerProgram {
    peer: PeerName,
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
            program,
            files,
            places,
        };
        running.wait_listening(node, settings.control_port).await?;
        Ok(running)
    }

    async fn wait_listening(&mut self, node: &Node, port: u16) -> Result<(), PeerError> {
        let peer = self.peer;
        let listening = tokio::select! {
            listening = node.wait_listening(port, START_DEADLINE) => listening,
            ended = self.program.wait() => {
                let status = ended.map_err(|source| PeerError::Lost { peer, source })?;
                let last_words = format!("{status}; {}", self.words());
                return Err(PeerError::Ended { peer, last_words });
            }
        };
        listening.map_err(|source| PeerError::NotListening {
            peer,
            last_words: self.words(),
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

    async fn last_words(&mut self) -> String {
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
