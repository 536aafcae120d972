use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt;
use fwlab_fabric::Privilege;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use testcontainers::core::client::docker_client_instance;
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use crate::NoEngine;
use crate::owner::Owner;
use crate::unfinished;

/// How long the engine may take to answer at all.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// How long it may take to end and remove something.
pub(crate) const REMOVAL: Duration = Duration::from_secs(30);

/// The container engine of this machine, at work.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
}

impl Engine {
    /// Finds the engine, as `DOCKER_HOST` says or behind `/var/run/docker.sock`. The
    /// first time in a process, this also removes what earlier processes of fwlab left
    /// that were killed: their containers, and nobody else's.
    ///
    /// # Errors
    /// When there is none, it may not be used, or it does not answer.
    pub async fn connect() -> Result<Engine, NoEngine> {
        match Privilege::current() {
            Ok(Privilege::Root) => {}
            Ok(Privilege::UserNamespace) => {
                return Err(NoEngine::new(
                    "only root may give a container its network",
                    "run fwlab as root: sudo fwlab …",
                ));
            }
            Err(error) => return Err(NoEngine::new(error.to_string(), error.help)),
        }
        let socket = socket()?;
        may_use(&socket).await?;
        let docker = docker_client_instance()
            .await
            .map_err(|error| NoEngine::new(error.to_string(), remedy(&socket)))?;
        match tokio::time::timeout(ANSWER, docker.ping()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                let why = format!("Docker does not answer at {}: {error}", socket.display());
                return Err(NoEngine::new(why, remedy(&socket)));
            }
            Err(_) => {
                let why = format!("Docker says nothing at {} for {ANSWER:?}", socket.display());
                return Err(NoEngine::new(why, remedy(&socket)));
            }
        }
        let engine = Engine { docker };
        engine.sweep_once().await?;
        Ok(engine)
    }

    pub(crate) fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Its version.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn version(&self) -> Result<String, NoEngine> {
        let version = answered(self.docker.version()).await;
        let version = version.map_err(|error| NoEngine::new(error.to_string(), "try again"))?;
        Ok(version.version.unwrap_or_else(|| "unknown".into()))
    }

    async fn sweep_once(&self) -> Result<(), NoEngine> {
        static SWEPT: Mutex<bool> = Mutex::const_new(false);
        let mut swept = SWEPT.lock().await;
        if !*swept {
            let sweeping = async {
                self.sweep().await?;
                unfinished::sweep(self).await
            };
            sweeping.await.map_err(|error| {
                let why = format!("what an earlier run left could not be removed: {error}");
                NoEngine::new(
                    why,
                    format!("docker ps --all --filter label={}", Owner::LABEL),
                )
            })?;
            *swept = true;
        }
        Ok(())
    }

    /// Removes the containers whose owner has ended, and returns how many there were.
    async fn sweep(&self) -> Result<usize, Error> {
        let here = Owner::this_process();
        let filters = HashMap::from([("label", vec![Owner::LABEL])]);
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filters)
            .build();
        let mut removed = 0;
        let listing = answered(self.docker.list_containers(Some(options)));
        for container in listing.await? {
            let owner = container
                .labels
                .as_ref()
                .and_then(|labels| labels.get(Owner::LABEL))
                .and_then(|label| Owner::parse(label));
            // Without an owner that can be read it is nothing that fwlab made.
            let (Some(owner), Some(id)) = (owner, container.id) else {
                continue;
            };
            if owner.has_ended(&here) {
                self.remove(&id).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Ends a container and removes it. One that is gone, or on its way, is as good: this
    /// waits until it is gone.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), Error> {
        let options = RemoveContainerOptionsBuilder::new()
            .force(true)
            .v(true)
            .build();
        let removing = self.docker.remove_container(id, Some(options));
        match answered_within(REMOVAL, removing).await {
            Err(Error::DockerResponseServerError {
                status_code: 404, ..
            }) => Ok(()),
            Err(Error::DockerResponseServerError {
                status_code: 409, ..
            }) => answered(self.wait_until_gone(id)).await,
            result => result,
        }
    }

    /// Waits for a removal that somebody else has begun: the engine, by itself.
    async fn wait_until_gone(&self, id: &str) -> Result<(), Error> {
        let options = WaitContainerOptionsBuilder::new()
            .condition("removed")
            .build();
        let mut waiting = std::pin::pin!(self.docker.wait_container(id, Some(options)));
        match waiting.next().await {
            // An exit status other than zero, or a container that is gone already.
            None
            | Some(
                Ok(_)
                | Err(
                    Error::DockerContainerWaitError { .. }
                    | Error::DockerResponseServerError {
                        status_code: 404, ..
                    },
                ),
            ) => Ok(()),
            Some(Err(error)) => Err(error),
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// What the engine answers, or that it does not.
pub(crate) async fn answered<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    answered_within(ANSWER, asked).await
}

/// The same, of what takes it longer than to look something up.
pub(crate) async fn answered_within<T>(
    deadline: Duration,
    asked: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let answer = tokio::time::timeout(deadline, asked).await;
    answer.unwrap_or(Err(Error::RequestTimeoutError))
}

/// Where the engine listens. It must be this machine's: a namespace is handed over by
/// its process.
fn socket() -> Result<PathBuf, NoEngine> {
    let Some(host) = std::env::var_os("DOCKER_HOST").filter(|host| !host.is_empty()) else {
        return Ok("/var/run/docker.sock".into());
    };
    let host = host.to_string_lossy();
    match host.strip_prefix("unix://") {
        Some(path) => Ok(path.into()),
        None => Err(NoEngine::new(
            format!("DOCKER_HOST is {host}, but fwlab can only use Docker on this machine"),
            "unset DOCKER_HOST",
        )),
    }
}

async fn may_use(socket: &Path) -> Result<(), NoEngine> {
    let shown = socket.display();
    match UnixStream::connect(socket).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(NoEngine::new(
            format!("Docker is not here: there is no {shown}"),
            "install it, and start it: sudo apt-get install docker.io && sudo systemctl start docker",
        )),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(NoEngine::new(
            format!("this user may not use Docker's socket {shown}"),
            "run fwlab as root: sudo fwlab …",
        )),
        Err(error) => Err(NoEngine::new(
            format!("Docker does not listen at {shown}: {error}"),
            remedy(socket),
        )),
    }
}

fn remedy(socket: &Path) -> String {
    if socket == Path::new("/var/run/docker.sock") {
        "sudo systemctl start docker".into()
    } else {
        format!("start the Docker that listens at {}", socket.display())
    }
}
