use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use fwlab_fabric::NetworkNamespace;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::ImageInspect;
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, LogsOptionsBuilder, WaitContainerOptions,
};
use testcontainers::core::Mount;
use testcontainers::core::error::ClientError;
use testcontainers::runners::AsyncRunner;
use testcontainers::{GenericImage, ImageExt, TestcontainersError};
use tokio::sync::Semaphore;

use crate::engine::{ANSWER, answered};
use crate::error::ContainerError;
use crate::held::{self, Held, HeldRequest};
use crate::owner::Owner;
use crate::work::{self, Working};
use crate::{Engine, Image};

/// The most containers that are started at a time: more of them only wait for each other.
static STARTS: Semaphore = Semaphore::const_new(4);

/// How long the engine may take to make a container and to start it.
const START: Duration = Duration::from_secs(60);

/// The most that is shown of a container's log, in lines.
const LOG_LINES: &str = "30";

/// A container to start, without network and without privilege but what is named here.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The image's reference: repository and tag.
    pub(crate) image: String,
    pub(crate) environment: Vec<(String, String)>,
    /// Capabilities beyond the engine's own choice.
    pub(crate) capabilities: &'static [&'static str],
    /// What can be written.
    pub(crate) writable: Writable,
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

/// Either kind of a container.
#[derive(Debug, Clone)]
enum AnyRequest {
    AsImagesAre(Request),
    Held(HeldRequest),
}

impl AnyRequest {
    fn image(&self) -> &str {
        match self {
            AnyRequest::AsImagesAre(request) => &request.image,
            AnyRequest::Held(request) => &request.image,
        }
    }
}

/// A running container. Dropping it removes it; [`crate::settle`] waits for that.
pub(crate) struct Container {
    engine: Engine,
    /// As the machine sees it.
    pub(crate) pid: u32,
    image: String,
    /// Until it is removed.
    id: Option<String>,
    /// What it ends with, where it ends with this process.
    held: Option<Held>,
}

impl Container {
    /// Starts one as its image says, and looks at it. Giving up on this leaves nothing behind: the
    /// start goes on, and what came of it is removed.
    pub(crate) async fn start(
        engine: &Engine,
        request: Request,
    ) -> Result<Container, ContainerError> {
        Container::begin(engine, AnyRequest::AsImagesAre(request)).await
    }

    /// Starts one that ends with this process, in the same way.
    pub(crate) async fn hold(
        engine: &Engine,
        request: HeldRequest,
    ) -> Result<Container, ContainerError> {
        Container::begin(engine, AnyRequest::Held(request)).await
    }

    async fn begin(engine: &Engine, wanted: AnyRequest) -> Result<Container, ContainerError> {
        let engine = engine.clone();
        let working = Working::start();
        // Both are handed over together: where nobody waits for them any more, the container goes
        // first, and so its removal has begun when this work ends.
        let starting = tokio::spawn(async move { (start(engine, &wanted).await, working) });
        match starting.await {
            Ok((started, _working)) => started,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Whether it still runs.
    pub(crate) fn lives(&self) -> bool {
        lives(self.pid)
    }

    /// Its name to the engine.
    pub(crate) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The network namespace that it has to itself.
    pub(crate) async fn namespace(&self) -> Result<NetworkNamespace, ContainerError> {
        match NetworkNamespace::of_process(self.pid) {
            Ok(namespace) => Ok(namespace),
            Err(_) if !self.lives() => Err(self.ended().await),
            Err(error) => Err(error.into()),
        }
    }

    /// What is said of one that has ended, though it should not.
    pub(crate) async fn ended(&self) -> ContainerError {
        self.ended_with(self.exit_status().await).await
    }

    async fn ended_with(&self, status: Option<i64>) -> ContainerError {
        ContainerError::Ended {
            image: self.image.clone(),
            status,
            log: self.log().await,
        }
    }

    /// How its entry point ended, once it has; `None` when the engine does not say.
    async fn exit_status(&self) -> Option<i64> {
        let id = self.id.as_deref()?;
        let docker = self.engine.docker();
        let mut waiting = std::pin::pin!(docker.wait_container(id, None::<WaitContainerOptions>));
        match tokio::time::timeout(ANSWER, waiting.next()).await {
            Ok(Some(Ok(ended))) => Some(ended.status_code),
            // An end that is no success is an error there.
            Ok(Some(Err(Error::DockerContainerWaitError { code, .. }))) => Some(code),
            _ => None,
        }
    }

    /// Its last words.
    pub(crate) async fn log(&self) -> String {
        match &self.id {
            Some(id) => log_of(&self.engine, id).await,
            None => String::new(),
        }
    }

    /// Ends it, and waits until it is removed.
    pub(crate) async fn remove(mut self) {
        drop(self.held.take());
        if let Some(id) = self.id.take() {
            remove(&self.engine, &id).await;
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else {
            return;
        };
        // Outside of a runtime nothing can be asked of the engine any more: the process
        // is ending, and the next one sweeps.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let engine = self.engine.clone();
            let working = Working::removal();
            runtime.spawn(async move {
                remove(&engine, &id).await;
                drop(working);
            });
        }
    }
}

async fn remove(engine: &Engine, id: &str) {
    if engine.remove(id).await.is_err() {
        work::left();
    }
}

async fn start(engine: Engine, wanted: &AnyRequest) -> Result<Container, ContainerError> {
    let _permit = STARTS.acquire().await.expect("it is never closed");
    fits(&engine, wanted.image()).await?;
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let owner = Owner::this_process();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Known before it is there: what the engine makes and then does not start is found by it.
    let name = format!("fwlab-{owner}-{count}");
    let image = || wanted.image().to_owned();
    let starting = async {
        match wanted {
            AnyRequest::AsImagesAre(request) => {
                let started = described(request, &owner, &name).start().await?;
                let id = started.id().to_owned();
                // Its own end blocks a thread until the container is removed, and for ever where the
                // runtime ends before that.
                std::mem::forget(started);
                Ok((id, None))
            }
            AnyRequest::Held(request) => {
                let (id, held) = held::start(&engine, request, &owner, &name).await?;
                Ok((id, Some(held)))
            }
        }
    };
    let (id, held) = match tokio::time::timeout(START, starting).await {
        Ok(Ok(started)) => started,
        Ok(Err(source)) => {
            engine.remove(&name).await?;
            return Err(if was_gone(&source) {
                ContainerError::Ended {
                    image: image(),
                    status: None,
                    log: "it went with it".into(),
                }
            } else {
                ContainerError::Refused {
                    image: image(),
                    source,
                }
            });
        }
        Err(_) => {
            remove(&engine, &name).await;
            return Err(ContainerError::Silent {
                image: image(),
                waited: START,
            });
        }
    };
    let mut container = Container {
        engine,
        pid: 0,
        image: image(),
        id: Some(id),
        held,
    };
    container.pid = container.look().await?;
    Ok(container)
}

/// Whether it was started, and had ended and was removed before it was looked at.
fn was_gone(error: &TestcontainersError) -> bool {
    let TestcontainersError::Client(ClientError::InspectContainer(error)) = error else {
        return false;
    };
    matches!(
        error,
        Error::DockerResponseServerError {
            status_code: 404,
            ..
        }
    )
}

impl Container {
    /// Its process id, when it runs and is of this machine.
    async fn look(&self) -> Result<u32, ContainerError> {
        let id = self.id();
        let docker = self.engine.docker();
        let found = docker.inspect_container(id, None::<InspectContainerOptions>);
        let state = match answered(found).await {
            Ok(found) => found.state.unwrap_or_default(),
            Err(Error::DockerResponseServerError {
                status_code: 404, ..
            }) => return Err(self.ended_with(None).await),
            Err(error) => return Err(error.into()),
        };
        let pid = state.pid.and_then(|pid| u32::try_from(pid).ok());
        let Some(pid) = pid.filter(|pid| *pid > 0 && state.running == Some(true)) else {
            return Err(self.ended_with(state.exit_code).await);
        };
        match belongs(pid, id) {
            Ok(()) => Ok(pid),
            // It may have ended since it was looked at.
            Err(_) if !lives(pid) => Err(self.ended().await),
            Err(why) => Err(ContainerError::Foreign(why)),
        }
    }
}

/// Whether a process is a container's, in this process's own user namespace.
fn belongs(pid: u32, id: &str) -> Result<(), &'static str> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    if !groups.contains(id) {
        return Err("its processes cannot be seen from here; run fwlab on the machine itself");
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
    let found = match answered(engine.docker().inspect_image(image)).await {
        Ok(found) => found,
        Err(Error::DockerResponseServerError {
            status_code: 404, ..
        }) => {
            let own = Image::ALL.into_iter().find(|own| own.to_string() == image);
            let image = image.to_owned();
            return Err(match own.and_then(Image::not_built) {
                Some(why) => ContainerError::NotBuilt { image, why },
                None => ContainerError::NoImage { image },
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
    let mut described = GenericImage::new(repository, tag)
        .with_network("none")
        .with_container_name(name)
        .with_label(Owner::LABEL, owner.to_string())
        .with_label("org.fwlab.version", env!("CARGO_PKG_VERSION"))
        .with_readonly_rootfs(request.writable != Writable::AsUsual);
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
    let has_init = request.writable != Writable::AsUsual;
    described.with_host_config_modifier(move |host| {
        // vsftpd as process 1 dies of the first orphan that it is told of.
        host.init = Some(has_init);
        host.publish_all_ports = Some(false);
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
    let reading = async {
        while let Some(Ok(line)) = lines.next().await {
            text += &line.to_string();
        }
    };
    // What has come by then is shown.
    let _ = tokio::time::timeout(ANSWER, reading).await;
    if text.trim().is_empty() {
        return "it said nothing".into();
    }
    text.trim_end().to_owned()
}

/// No such process (`include/uapi/asm-generic/errno-base.h`).
const ESRCH: i32 = 3;

/// Whether a process has not ended. One that has, and was not waited for yet, is still listed, and has no namespaces any more.
fn lives(pid: impl std::fmt::Display) -> bool {
    let gone = |error: std::io::Error| {
        error.kind() == std::io::ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH)
    };
    !std::fs::read_link(format!("/proc/{pid}/ns/net")).is_err_and(gone)
}
