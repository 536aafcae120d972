use std::path::Path;

use async_trait::async_trait;
use fwlab_fabric::{Capabilities, ContainerRoot, Node, ProcessEnd, ProgramSpec, Scratch};
use fwlab_ftp::{
    Contained, Content, Login, PeerError, Places, RunningServer, START_DEADLINE, Server,
    ServerProgram, ServerSettings, StoredFile, Support, TransferSpec, died, reserve_passive_ports,
    stored_in,
};
use fwlab_record::PeerName;
use tokio::sync::Mutex;

use crate::container::{Container, Request, Writable};
use crate::error::ContainerError;
use crate::kind::Kind;
use crate::settings::environment;
use crate::{ContainerReuse, Engine};

/// Where images have the program that starts their server.
const SERVE: &str = "/usr/local/lib/fwlab/serve";

/// Where in its files a server has what: see [`environment`].
const PLACES: Places = Places {
    root: "ftp",
    log: "log",
};

/// Where a server finds its files, and what its users' home is in.
const FILES: &str = "/srv";

/// A server of an image.
pub(crate) struct ContainerServer {
    pub(crate) kind: Kind,
    pub(crate) engine: Engine,
    pub(crate) root: ContainerRoot,
    pub(crate) version: String,
    pub(crate) reuse: ContainerReuse,
}

fn failed(kind: Kind) -> impl Fn(ContainerError) -> PeerError {
    move |error| PeerError::Container {
        peer: kind.peer(),
        source: error.into(),
    }
}

#[async_trait]
impl Server for ContainerServer {
    fn name(&self) -> PeerName {
        self.kind.peer()
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn supports(&self, transfer: &TransferSpec, settings: &ServerSettings) -> Support {
        self.kind.supports(transfer, settings)
    }

    /// By name: a server keeps more from who comes without one than the network shows.
    fn login(&self) -> Login {
        Login::Named
    }

    async fn contained(
        &self,
        settings: &ServerSettings,
    ) -> Result<Option<Contained<dyn Server>>, PeerError> {
        if self.reuse == ContainerReuse::Warm {
            return Ok(None);
        }
        let request = Request {
            image: self.kind.image().to_string(),
            environment: environment(settings, FILES, PLACES),
            capabilities: self.kind.capabilities(),
            writable: Writable::Only(&["/run", "/tmp", FILES]),
        };
        let failed = failed(self.kind);
        let container = Container::start(&self.engine, request)
            .await
            .map_err(&failed)?;
        let namespace = container.namespace().await.map_err(&failed)?;
        let peer = Box::new(ColdServer {
            kind: self.kind,
            version: self.version.clone(),
            container: Mutex::new(Some(container)),
        });
        Ok(Some(Contained { peer, namespace }))
    }

    async fn start(
        &self,
        node: &Node,
        settings: &ServerSettings,
    ) -> Result<Box<dyn RunningServer>, PeerError> {
        let peer = self.kind.peer();
        let failed = |source| PeerError::Files { peer, source };
        // What is there, what may be sent, and logs.
        let files = Scratch::new(2 * Content::MAX_SIZE + (16 << 20))
            .map_err(failed)?
            .with_mount_point(Path::new(FILES));
        files.create_dir(PLACES.root, 0o777).map_err(failed)?;
        store(peer, &files, settings)?;
        let mut program = ProgramSpec::new("/bin/sh")
            .arguments([SERVE])
            .root(self.root.clone());
        program.capabilities = Capabilities::INSTALLED_SERVER;
        program.environment = environment(settings, FILES, PLACES)
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .chain([("PATH".into(), "/usr/sbin:/usr/bin:/sbin:/bin".into())])
            .collect();
        let running = ServerProgram::start(peer, node, settings, program, files, PLACES).await?;
        Ok(Box::new(running))
    }
}

/// Puts there what the server holds at the start. Anybody may change it: the user that
/// the server is by then is the server's affair.
fn store(peer: PeerName, files: &Scratch, settings: &ServerSettings) -> Result<(), PeerError> {
    let failed = |source| PeerError::Files { peer, source };
    let Some(stored) = &settings.stored else {
        return Ok(());
    };
    let path = Path::new(PLACES.root).join(stored.content.name());
    files
        .write_from(&path, stored.content.reader(0..stored.size))
        .map_err(failed)?;
    files.set_mode(&path, 0o666).map_err(failed)
}

/// A server that is a container of its own, already started.
struct ColdServer {
    kind: Kind,
    version: String,
    /// Until it is started: once.
    container: Mutex<Option<Container>>,
}

#[async_trait]
impl Server for ColdServer {
    fn name(&self) -> PeerName {
        self.kind.peer()
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn supports(&self, transfer: &TransferSpec, settings: &ServerSettings) -> Support {
        self.kind.supports(transfer, settings)
    }

    async fn start(
        &self,
        node: &Node,
        settings: &ServerSettings,
    ) -> Result<Box<dyn RunningServer>, PeerError> {
        let peer = self.kind.peer();
        let Some(container) = self.container.lock().await.take() else {
            return Err(PeerError::Settings {
                peer,
                why: "its container has been started before".into(),
            });
        };
        reserve_passive_ports(peer, node, settings).await?;
        let files = match Scratch::of_process(container.pid, Path::new(FILES)) {
            Ok(files) => files,
            Err(_) if !container.lives() => {
                return Err(failed(self.kind)(container.ended().await));
            }
            Err(source) => return Err(PeerError::Files { peer, source }),
        };
        let running = ColdRunning {
            kind: self.kind,
            node: node.clone(),
            control_port: settings.control_port,
            container,
            files,
        };
        running.wait_listening().await?;
        // It has made its directory by now, and not looked into it yet.
        store(peer, &running.files, settings)?;
        Ok(Box::new(running))
    }
}

struct ColdRunning {
    kind: Kind,
    node: Node,
    control_port: u16,
    container: Container,
    files: Scratch,
}

impl ColdRunning {
    /// Waits for its end.
    async fn ended(&self) {
        // One that cannot be watched is gone.
        if let Ok(end) = ProcessEnd::of(self.container.pid) {
            let _ = end.wait().await;
        }
    }

    async fn wait_listening(&self) -> Result<(), PeerError> {
        let peer = self.kind.peer();
        let listening = tokio::select! {
            listening = self.node.wait_listening(self.control_port, START_DEADLINE) => listening,
            () = self.ended() => return Err(failed(self.kind)(self.container.ended().await)),
        };
        match listening {
            Ok(()) => Ok(()),
            Err(source) => Err(PeerError::NotListening {
                peer,
                recent_log: self.words().await,
                source,
            }),
        }
    }

    /// What it printed, and its log.
    async fn words(&self) -> String {
        let log = self.files.read(PLACES.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let said = [self.container.log().await, log];
        let said: Vec<&str> = said.iter().map(|words| words.trim_end()).collect();
        said.join("\n").trim().to_owned()
    }
}

#[async_trait]
impl RunningServer for ColdRunning {
    async fn stored(&mut self, name: &str) -> Result<Option<StoredFile>, PeerError> {
        stored_in(
            self.kind.peer(),
            &self.files,
            Path::new(PLACES.root).join(name),
        )
    }

    async fn died(&mut self) -> Option<String> {
        let ended = async {
            self.ended().await;
            self.container.ended().await.to_string()
        };
        died(&self.node, self.control_port, ended).await
    }

    async fn recent_log(&mut self) -> String {
        self.words().await
    }

    async fn stop(self: Box<Self>) -> Result<(), PeerError> {
        self.container.remove().await;
        Ok(())
    }
}
