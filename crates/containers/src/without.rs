//! What there is without the feature `engine`: no engine, and nothing that could be had of one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fwlab_fabric::NetworkNamespace;
use fwlab_ftp::{Client, PeerMissing, Server};
use fwlab_record::PeerName;

use crate::{Builds, ContainerReuse, FirewallImage, Image, NoEngine, Unsettled};

/// The container engine of this machine: this fwlab was built without, so that there is no value of it.
#[derive(Debug, Clone, Copy)]
pub struct Engine(Infallible);

impl Engine {
    /// Says that this fwlab was built without containers.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_async, reason = "with an engine it asks and waits")]
    pub async fn connect() -> Result<Engine, NoEngine> {
        Err(NoEngine::new(
            "this fwlab was built without containers",
            "in Cargo.toml: fwlab = { …, features = [\"containers\"] }",
        ))
    }
}

/// A container did not come to be: without an engine nobody asks for one.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The engine did not answer.
    #[error(transparent)]
    Engine(Infallible),
}

impl ContainerError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        let ContainerError::Engine(none) = *self;
        match none {}
    }
}

/// A container of a [`FirewallImage`]: there is none.
#[derive(Debug)]
pub struct Firewall(Infallible);

#[expect(clippy::unused_async, reason = "with an engine it asks and waits")]
impl Firewall {
    /// The reference of its image.
    pub fn image(&self) -> &str {
        match self.0 {}
    }

    /// Its network namespace.
    ///
    /// # Errors
    /// None.
    pub async fn namespace(&self) -> Result<NetworkNamespace, ContainerError> {
        match self.0 {}
    }

    /// Waits until its rules are in.
    ///
    /// # Errors
    /// None.
    pub async fn wait_ready(&self, _: Duration) -> Result<(), ContainerError> {
        match self.0 {}
    }

    /// Looks whether it is still there.
    ///
    /// # Errors
    /// None.
    pub async fn still_runs(&self) -> Result<(), ContainerError> {
        match self.0 {}
    }
}

#[expect(clippy::unused_async, reason = "with an engine it asks and waits")]
impl FirewallImage {
    /// Looks whether it can be started here.
    ///
    /// # Errors
    /// None.
    pub async fn examine(&self, engine: &Engine) -> Result<(), ContainerError> {
        match engine.0 {}
    }

    /// Starts a container of it.
    ///
    /// # Errors
    /// None.
    pub async fn start(&self, engine: &Engine) -> Result<Firewall, ContainerError> {
        match engine.0 {}
    }
}

#[expect(clippy::unused_async, reason = "with an engine it asks and waits")]
impl Image {
    /// Whether it is built.
    ///
    /// # Errors
    /// None.
    pub async fn is_built(self, engine: &Engine) -> Result<bool, Infallible> {
        match engine.0 {}
    }

    /// Why it could not be built in the life of this process: nobody has tried.
    pub fn not_built(self) -> Option<String> {
        None
    }
}

/// Builds images.
#[expect(clippy::unused_async, reason = "with an engine it asks and waits")]
pub async fn provide_images(engine: &Engine, _: &[Image], _: &Builds) {
    match engine.0 {}
}

/// A server in a container.
///
/// # Errors
/// None.
#[expect(clippy::unused_async, reason = "with an engine it asks and waits")]
pub async fn server(
    _: PeerName,
    engine: &Engine,
    _: ContainerReuse,
) -> Result<Arc<dyn Server>, PeerMissing> {
    match engine.0 {}
}

/// A client in a container.
///
/// # Errors
/// None.
#[expect(clippy::unused_async, reason = "with an engine it asks and waits")]
pub async fn client(
    _: PeerName,
    engine: &Engine,
    _: ContainerReuse,
) -> Result<Arc<dyn Client>, PeerMissing> {
    match engine.0 {}
}

/// Waits for the containers of cells that are over: there are none.
#[expect(clippy::unused_async, reason = "with an engine it asks and waits")]
pub async fn cleared() {}

/// Waits until every container of this process is removed: there are none.
///
/// # Errors
/// None.
#[expect(clippy::unused_async, reason = "with an engine it asks and waits")]
pub async fn settle() -> Result<(), Unsettled> {
    Ok(())
}
