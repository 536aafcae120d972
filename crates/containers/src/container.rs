use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use fwlab_fabric::{NamespaceError, ScratchError};
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::ImageInspect;
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, LogsOptionsBuilder, WaitContainerOptionsBuilder,
};
use testcontainers::core::Mount;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt, TestcontainersError};
use tokio::sync::Semaphore;

use crate::Engine;
use crate::owner::Owner;
use crate::work::Working;

/// The most containers that are started at a time: more of them only wait for each other.
static STARTS: Semaphore = Semaphore::const_new(4);

/// The most that is shown of a container's log, in lines.
const LOG_LINES: &str = "30";

/// A container did not come to be.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// There is no such image.
    #[error("there is no image {image}: {}", missing_help(image))]
    NoImage {
        /// Its reference.
        image: String,
    },
    /// The image is of another kind of machine.
    #[error(
        "the image {image} is for {of}, and this machine is {here}: build it here: fwlab images"
    )]
    Platform {
        /// Its reference.
        image: String,
        /// What it is for.
        of: String,
        /// What this machine is.
        here: &'static str,
    },
    /// The engine did not start it.
    #[error("a container of {image} was not started")]
    Refused {
        /// The image's reference.
        image: String,
        /// The engine's words.
        source: TestcontainersError,
    },
    /// The engine did not answer.
    #[error("Docker did not answer")]
    Engine(#[from] Error),
    /// What it runs ended at once.
    #[error("a container of {image} ended at once{}; its log: {log}", status.map(|status| format!(" with exit status {status}")).unwrap_or_default())]
    Ended {
        /// The image's reference.
        image: String,
        /// The exit status of its entry point.
        status: Option<i64>,
        /// What it said.
        log: String,
    },
    /// Its processes are not this machine's, or not this user's.
    #[error("the containers of this Docker cannot be used: {0}")]
    Foreign(&'static str),
    /// It did not become ready.
    #[error("a container of {image} was not ready after {waited:?}: {missing}; its log: {log}")]
    NotReady {
        /// The image's reference.
        image: String,
        /// How long was waited.
        waited: Duration,
        /// What did not come.
        missing: String,
        /// What it said.
        log: String,
    },
    /// Nothing tells when it is ready.
    #[error("nothing tells when a container of {image} is ready: the image has no HEALTHCHECK")]
    NoSign {
        /// The image's reference.
        image: String,
    },
    /// Its namespaces could not be had.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// Its files could not be had.
    #[error(transparent)]
    Files(#[from] ScratchError),
}

fn missing_help(image: &str) -> &'static str {
    if image.starts_with("fwlab/") {
        "build it: fwlab images"
    } else {
        "build or pull it first; fwlab pulls nothing by itself"
    }
}

/// A container to start, without network and without privilege but what is named here.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The image's reference: repository and tag.
    pub(crate) image: String,
    /// What is run in place of the image's entry point.
    pub(crate) entry_point: Option<EntryPoint>,
    pub(crate) environment: Vec<(String, String)>,
    /// Capabilities beyond the engine's own choice.
    pub(crate) capabilities: &'static [&'static str],
    /// What can be written.
    pub(crate) writable: Writable,
    /// Whether the engine removes it as soon as it ends, with its log.
    pub(crate) goes_when_it_ends: bool,
}

/// What a container can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writable {
    /// These directories, which are empty, and nothing else.
    Only(&'static [&'static str]),
    /// All of its root, as the engine has it by itself. Its entry point is process 1 then, as
    /// images expect that somebody else made.
    AsUsual,
}

#[derive(Debug, Clone)]
pub(crate) struct EntryPoint {
    pub(crate) program: &'static str,
    pub(crate) arguments: Vec<String>,
}

/// A running container. Dropping it removes it; [`crate::settle`] waits for that.
pub(crate) struct Container {
    engine: Engine,
    /// As the machine sees it.
    pub(crate) pid: u32,
    inner: Option<ContainerAsync<GenericImage>>,
}

impl Container {
    /// Starts one, and looks at it. Giving up on this leaves nothing behind: the start
    /// goes on, and what came of it is removed.
    pub(crate) async fn start(
        engine: &Engine,
        request: Request,
    ) -> Result<Container, ContainerError> {
        let engine = engine.clone();
        let working = Working::start();
        let starting = tokio::spawn(async move {
            let started = start(engine, &request).await;
            drop(working);
            started
        });
        match starting.await {
            Ok(started) => started,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Whether it still runs.
    pub(crate) fn lives(&self) -> bool {
        Path::new(&format!("/proc/{}", self.pid)).exists()
    }

    /// Its name to the engine.
    pub(crate) fn id(&self) -> &str {
        self.inner.as_ref().map_or("", |inner| inner.id())
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Its last words.
    pub(crate) async fn log(&self) -> String {
        match &self.inner {
            Some(inner) => log_of(&self.engine, inner.id()).await,
            None => String::new(),
        }
    }

    /// How it ended, once the engine knows that it has.
    pub(crate) async fn status(&self) -> Option<i64> {
        let options = WaitContainerOptionsBuilder::new().build();
        let mut end = std::pin::pin!(
            self.engine
                .docker()
                .wait_container(self.id(), Some(options))
        );
        match end.next().await? {
            Ok(response) => Some(response.status_code),
            // What is not 0 is an error to the library.
            Err(Error::DockerContainerWaitError { code, .. }) => Some(code),
            Err(_) => None,
        }
    }

    /// Ends it, and waits until it is removed.
    pub(crate) async fn remove(mut self) {
        if let Some(inner) = self.inner.take() {
            remove(&self.engine, inner).await;
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else {
            return;
        };
        // Outside of a runtime nothing can be asked of the engine any more: the process
        // is ending, and the next one sweeps.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let engine = self.engine.clone();
            let working = Working::removal();
            runtime.spawn(async move {
                remove(&engine, inner).await;
                drop(working);
            });
        } else {
            std::mem::forget(inner);
        }
    }
}

async fn remove(engine: &Engine, inner: ContainerAsync<GenericImage>) {
    // Not `ContainerAsync::rm`: it takes a container that is on its way for an error,
    // and tries again. What cannot be removed now is removed by the next sweep.
    let _ = engine.remove(inner.id()).await;
    std::mem::forget(inner);
}

async fn start(engine: Engine, request: &Request) -> Result<Container, ContainerError> {
    let _permit = STARTS.acquire().await.expect("it is never closed");
    fits(&engine, &request.image).await?;
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let owner = Owner::this_process();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Known before it is there: what the engine makes and then does not start is found by it.
    let name = format!("fwlab-{owner}-{count}");
    let inner = match described(request, &owner, &name).start().await {
        Ok(inner) => inner,
        Err(source) => {
            engine.remove(&name).await?;
            return Err(ContainerError::Refused {
                image: request.image.clone(),
                source,
            });
        }
    };
    let mut container = Container {
        engine,
        pid: 0,
        inner: Some(inner),
    };
    container.pid = container.look(&request.image).await?;
    Ok(container)
}

impl Container {
    /// Its process id, when it runs and is of this machine.
    async fn look(&self, image: &str) -> Result<u32, ContainerError> {
        let id = self.id();
        let ended = async |status| ContainerError::Ended {
            image: image.to_owned(),
            status,
            log: self.log().await,
        };
        let found = self
            .engine
            .docker()
            .inspect_container(id, None::<InspectContainerOptions>)
            .await;
        let state = match found {
            Ok(found) => found.state.unwrap_or_default(),
            Err(Error::DockerResponseServerError {
                status_code: 404, ..
            }) => return Err(ended(None).await),
            Err(error) => return Err(error.into()),
        };
        let pid = state.pid.and_then(|pid| u32::try_from(pid).ok());
        let Some(pid) = pid.filter(|pid| *pid > 0 && state.running == Some(true)) else {
            return Err(ended(state.exit_code).await);
        };
        match belongs(pid, id) {
            Ok(()) => Ok(pid),
            // It may have ended in between.
            Err(_) if !Path::new(&format!("/proc/{pid}")).exists() => Err(ended(None).await),
            Err(why) => Err(ContainerError::Foreign(why)),
        }
    }
}

/// Whether a process is a container's, in this process's own user namespace.
fn belongs(pid: u32, id: &str) -> Result<(), &'static str> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    if !groups.contains(id) {
        return Err("its processes are not seen from here; run fwlab on the machine itself");
    }
    let user = |process: &str| {
        let found = fs::metadata(format!("/proc/{process}/ns/user")).ok()?;
        Some((found.dev(), found.ino()))
    };
    if user(&pid.to_string()) != user("self") {
        return Err("it gives containers users of their own (rootless, or userns-remap)");
    }
    Ok(())
}

/// Looks at the image first: what the engine says without it is about pulling.
pub(crate) async fn fits(engine: &Engine, image: &str) -> Result<ImageInspect, ContainerError> {
    let found = match engine.docker().inspect_image(image).await {
        Ok(found) => found,
        Err(Error::DockerResponseServerError {
            status_code: 404, ..
        }) => {
            return Err(ContainerError::NoImage {
                image: image.to_owned(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    let of = found.architecture.clone().unwrap_or_default();
    if of.is_empty() || of == *ARCHITECTURE {
        return Ok(found);
    }
    Err(ContainerError::Platform {
        image: image.to_owned(),
        of,
        here: &ARCHITECTURE,
    })
}

/// This machine's, in Go's words.
static ARCHITECTURE: LazyLock<&'static str> = LazyLock::new(|| match std::env::consts::ARCH {
    "x86_64" => "amd64",
    "aarch64" => "arm64",
    "x86" => "386",
    "powerpc64" => "ppc64le",
    "loongarch64" => "loong64",
    other => other,
});

/// The container as testcontainers takes it.
fn described(
    request: &Request,
    owner: &Owner,
    name: &str,
) -> testcontainers::ContainerRequest<GenericImage> {
    // A tag begins behind the last colon; before the last slash, it is a port.
    let (repository, tag) = match request.image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (request.image.as_str(), "latest"),
    };
    let mut image = GenericImage::new(repository, tag);
    if let Some(entry_point) = &request.entry_point {
        image = image.with_entrypoint(entry_point.program);
    }
    let mut described = image
        .with_network("none")
        .with_container_name(name)
        .with_label(Owner::LABEL, owner.to_string())
        .with_label("org.fwlab.version", env!("CARGO_PKG_VERSION"))
        .with_readonly_rootfs(request.writable != Writable::AsUsual);
    if let Some(entry_point) = &request.entry_point {
        described = described.with_cmd(entry_point.arguments.clone());
    }
    for (name, value) in &request.environment {
        described = described.with_env_var(name, value);
    }
    for capability in request.capabilities {
        described = described.with_cap_add(*capability);
    }
    if let Writable::Only(directories) = request.writable {
        for directory in directories {
            described = described.with_mount(Mount::tmpfs_mount(*directory));
        }
    }
    let goes_when_it_ends = request.goes_when_it_ends;
    let has_init = request.writable != Writable::AsUsual;
    described.with_host_config_modifier(move |host| {
        // vsftpd as process 1 dies of the first orphan that it is told of.
        host.init = Some(has_init);
        host.publish_all_ports = Some(false);
        host.auto_remove = Some(goes_when_it_ends);
    })
}

async fn log_of(engine: &Engine, id: &str) -> String {
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .tail(LOG_LINES)
        .build();
    let mut lines = std::pin::pin!(engine.docker().logs(id, Some(options)));
    let mut text = String::new();
    while let Some(Ok(line)) = lines.next().await {
        text += &line.to_string();
    }
    if text.trim().is_empty() {
        return "it said nothing".into();
    }
    text.trim_end().to_owned()
}
