use std::time::Duration;

use futures::StreamExt;
use fwlab_fabric::{NetworkNamespace, ProcessEnd};
use testcontainers::bollard::models::HealthStatusEnum;
use testcontainers::bollard::query_parameters::{InspectContainerOptions, LogsOptionsBuilder};

use crate::container::{Container, Request, Writable, fits};
use crate::error::ContainerError;
use crate::{Engine, FirewallImage};

/// How often an engine is asked for a container's health: it tells nobody by itself.
const HEALTH_PACE: Duration = Duration::from_millis(50);

impl FirewallImage {
    /// Looks whether it can be started here, and whether anything tells when it is ready.
    ///
    /// # Errors
    /// When it cannot, nothing tells, or the engine does not answer.
    pub async fn examine(&self, engine: &Engine) -> Result<(), ContainerError> {
        let image = self.reference();
        let found = fits(engine, &image).await?;
        let health = found.config.and_then(|config| config.healthcheck);
        let test = health.and_then(|health| health.test).unwrap_or_default();
        // `NONE` takes away what an image below had.
        let has_health = test.first().is_some_and(|word| word != "NONE");
        if self.ready.is_none() && !has_health {
            return Err(ContainerError::NoSign { image });
        }
        Ok(())
    }

    /// Starts a container of it, which may do in its network namespace what a firewall must
    /// (NET_ADMIN), and nothing else beyond the usual.
    ///
    /// # Errors
    /// When it cannot be started, or ends at once.
    pub async fn start(&self, engine: &Engine) -> Result<Firewall, ContainerError> {
        let request = Request {
            image: self.reference(),
            environment: self.environment.clone(),
            capabilities: &["NET_ADMIN"],
            writable: Writable::AsUsual,
        };
        let container = Container::start(engine, request).await?;
        Ok(Firewall {
            container,
            image: self.reference(),
            ready: self.ready.clone(),
        })
    }
}

/// A firewall's container. Dropping it removes it.
pub struct Firewall {
    container: Container,
    image: String,
    ready: Option<String>,
}

impl Firewall {
    /// The reference of its image.
    pub fn image(&self) -> &str {
        &self.image
    }

    /// Its network namespace, which is to be a node.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn namespace(&self) -> Result<NetworkNamespace, ContainerError> {
        self.container.namespace().await
    }

    /// Waits until its rules are in: until its log shows the text, or it is healthy.
    ///
    /// # Errors
    /// When it ends before, or is not ready by the deadline; both with its log.
    pub async fn wait_ready(&self, deadline: Duration) -> Result<(), ContainerError> {
        let ready = async {
            match &self.ready {
                Some(text) => self.logged(text).await,
                None => self.healthy().await,
            }
        };
        tokio::select! {
            biased;
            ready = ready => ready,
            error = self.end() => Err(error),
            () = tokio::time::sleep(deadline) => Err(ContainerError::NotReady {
                image: self.image.clone(),
                waited: deadline,
                missing: match &self.ready {
                    Some(text) => format!("its log does not show `{text}`"),
                    None => "its HEALTHCHECK does not find it healthy".into(),
                },
                log: self.container.log().await,
            }),
        }
    }

    /// Looks whether it is still there: a firewall that has ended is none that can be told of.
    ///
    /// # Errors
    /// When it has ended, with its log.
    pub async fn still_runs(&self) -> Result<(), ContainerError> {
        if self.container.lives() {
            return Ok(());
        }
        Err(self.container.ended().await)
    }

    /// Waits until the log shows a text; for ever when the log ends without it.
    async fn logged(&self, text: &str) -> Result<(), ContainerError> {
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .follow(true)
            .build();
        let docker = self.container.engine().docker();
        let mut pieces = std::pin::pin!(docker.logs(self.container.id(), Some(options)));
        // A text may come in two pieces, from either stream: they are read as one.
        let mut said = String::new();
        while let Some(piece) = pieces.next().await {
            said += &String::from_utf8_lossy(&piece?.into_bytes());
            if said.contains(text) {
                return Ok(());
            }
            let mut cut = said.len().saturating_sub(text.len());
            while !said.is_char_boundary(cut) {
                cut -= 1;
            }
            said.drain(..cut);
        }
        std::future::pending().await
    }

    async fn healthy(&self) -> Result<(), ContainerError> {
        let docker = self.container.engine().docker();
        loop {
            let found = docker
                .inspect_container(self.container.id(), None::<InspectContainerOptions>)
                .await?;
            let health = found.state.and_then(|state| state.health);
            let status = health.and_then(|health| health.status);
            if status == Some(HealthStatusEnum::HEALTHY) {
                return Ok(());
            }
            tokio::time::sleep(HEALTH_PACE).await;
        }
    }

    /// Waits until it ends by itself.
    async fn end(&self) -> ContainerError {
        // One that cannot be watched is gone.
        if let Ok(end) = ProcessEnd::of(self.container.pid) {
            let _ = end.wait().await;
        }
        self.container.ended().await
    }
}
