use std::time::Duration;

use fwlab_fabric::{NamespaceError, ScratchError};
use testcontainers::TestcontainersError;
use testcontainers::bollard::errors::Error;

/// A container did not come to be.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// There is no such image.
    #[error("there is no image {image}: {}", missing_help(image))]
    NoImage {
        /// Its reference.
        image: String,
    },
    /// The image is fwlab's own, and it could not be made.
    #[error("there is no image {image}, and it could not be built: {why}")]
    NotBuilt {
        /// Its reference.
        image: String,
        /// Why not.
        why: String,
    },
    /// The image is of another kind of machine.
    #[error(
        "the image {image} is for {of}, but this machine is {here}: build it here with `fwlab images`"
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
    /// The engine did not come to start it.
    #[error("Docker did not start a container of {image} within {waited:?}")]
    Silent {
        /// The image's reference.
        image: String,
        /// How long was waited.
        waited: Duration,
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
    #[error("fwlab cannot tell when a container of {image} is ready: the image has no HEALTHCHECK")]
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

impl ContainerError {
    /// What to do about it, where the container was to be a firewall.
    pub fn help(&self) -> &'static str {
        match self {
            ContainerError::NoSign { .. } => {
                "write `ready = \"…\"`, a text that its log shows when its rules are in, or give the image a HEALTHCHECK: \
                 fwlab does not guess when rules are complete"
            }
            ContainerError::NoImage { .. } => "`docker images` lists those that exist",
            _ => "`fwlab doctor` says what this machine lacks",
        }
    }
}

fn missing_help(image: &str) -> &'static str {
    if image.starts_with("fwlab/") {
        "build it: fwlab images"
    } else {
        "build or pull it first; fwlab pulls nothing by itself"
    }
}
