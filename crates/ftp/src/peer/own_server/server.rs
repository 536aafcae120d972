use std::path::{Path, PathBuf};

use async_trait::async_trait;
use fwlab_fabric::{NetworkNamespace, Node, ProcessEnd, Scratch};

use crate::{
    Contained, DataSourcePort, Login, PeerError, RunningServer, START_DEADLINE, Server,
    ServerSettings, StoredFile, Support, TransferSpec, died, stored_in,
};
use fwlab_record::PeerName;

const PEER: PeerName = PeerName::OwnServer;

/// A server that somebody else started and set up, and that runs already, in a network namespace
/// with nothing but loopback: a container's of `--network none`, say. That namespace becomes its node:
/// it gets links, addresses and sysctls, and loses the links when the lab is over. The process is neither
/// changed nor ended. One transfer at a time; it takes root of the machine.
#[derive(Debug, Clone, Default)]
pub struct OwnServer {
    running: Option<Running>,
}

#[derive(Debug, Clone)]
struct Running {
    pid: u32,
    files: PathBuf,
    login: Login,
}

impl OwnServer {
    /// The server of that process. `files` is the directory, as the process sees it, that a client
    /// finds itself in when it has logged in: what is to be downloaded is put there, and what was
    /// uploaded is looked for there.
    pub fn new(pid: u32, files: impl Into<PathBuf>) -> OwnServer {
        OwnServer {
            running: Some(Running {
                pid,
                files: files.into(),
                login: Login::Anonymous,
            }),
        }
    }

    /// Who clients log in as; otherwise nobody in particular.
    #[must_use]
    pub fn with_login(mut self, user: impl Into<String>, password: impl Into<String>) -> OwnServer {
        if let Some(running) = &mut self.running {
            running.login = Login::As {
                user: user.into(),
                password: password.into(),
            };
        }
        self
    }

    fn running(&self) -> Result<&Running, PeerError> {
        self.running.as_ref().ok_or_else(|| PeerError::Settings {
            peer: PEER,
            why: "no process was handed over".into(),
        })
    }
}

#[async_trait]
impl Server for OwnServer {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        match &self.running {
            Some(running) => format!("of process {}", running.pid),
            None => "nobody's".into(),
        }
    }

    fn supports(&self, _: &TransferSpec, settings: &ServerSettings) -> Support {
        let its_owners = |what| {
            Support::no(format!(
                "a server that runs already is set up by its owner: {what}"
            ))
        };
        if self.running.is_none() {
            return Support::no("no process was handed over");
        }
        if settings.passive_ports.is_some() {
            return its_owners("passive ports");
        }
        if settings.advertised_address.is_some() {
            return its_owners("the address that its 227 announces");
        }
        if settings.data_source_port == DataSourcePort::Twenty {
            return its_owners("the source port of its data connections");
        }
        if settings.certificate.is_some() || settings.require_session_reuse {
            return its_owners("TLS");
        }
        if !settings.options.is_empty() {
            return its_owners("options");
        }
        Support::Yes
    }

    fn login(&self) -> Login {
        let running = self.running.as_ref();
        running.map_or(Login::Anonymous, |running| running.login.clone())
    }

    async fn contained(
        &self,
        _: &ServerSettings,
    ) -> Result<Option<Contained<dyn Server>>, PeerError> {
        let pid = self.running()?.pid;
        let namespace =
            NetworkNamespace::of_process(pid).map_err(|error| PeerError::Container {
                peer: PEER,
                source: error.into(),
            })?;
        let peer = Box::new(self.clone());
        Ok(Some(Contained { peer, namespace }))
    }

    async fn start(
        &self,
        node: &Node,
        settings: &ServerSettings,
    ) -> Result<Box<dyn RunningServer>, PeerError> {
        let Running { pid, files, .. } = self.running()?;
        let failed = |source| PeerError::Files { peer: PEER, source };
        let files = Scratch::of_process(*pid, files).map_err(failed)?;
        let end = ProcessEnd::of(*pid);
        let ended = async {
            // One that cannot be watched is gone.
            if let Ok(end) = &end {
                let _ = end.wait().await;
            }
        };
        tokio::select! {
            listening = node.wait_listening(settings.control_port, START_DEADLINE) => {
                listening.map_err(|source| PeerError::NotListening {
                    peer: PEER,
                    recent_log: String::new(),
                    source,
                })?;
            }
            () = ended => {
                let recent_log = format!("process {pid} is gone");
                return Err(PeerError::Ended { peer: PEER, recent_log });
            }
        }
        if let Some(stored) = &settings.stored {
            let name = Path::new(stored.content.name());
            let content = stored.content.reader(0..stored.size);
            files.write_from(name, content).map_err(failed)?;
            // Whoever its user is: an upload may add to it.
            files.set_mode(name, 0o666).map_err(failed)?;
        }
        Ok(Box::new(Followed {
            node: node.clone(),
            control_port: settings.control_port,
            pid: *pid,
            files,
        }))
    }
}

/// A server that somebody else ends.
struct Followed {
    node: Node,
    control_port: u16,
    pid: u32,
    files: Scratch,
}

#[async_trait]
impl RunningServer for Followed {
    async fn stored(&mut self, name: &str) -> Result<Option<StoredFile>, PeerError> {
        stored_in(PEER, &self.files, name.into())
    }

    async fn died(&mut self) -> Option<String> {
        let pid = self.pid;
        let ended = async {
            // One that cannot be watched is gone.
            if let Ok(end) = ProcessEnd::of(pid) {
                let _ = end.wait().await;
            }
            format!("process {pid} is gone")
        };
        died(&self.node, self.control_port, ended).await
    }

    async fn recent_log(&mut self) -> String {
        String::new()
    }

    async fn stop(self: Box<Self>) -> Result<(), PeerError> {
        Ok(())
    }
}
