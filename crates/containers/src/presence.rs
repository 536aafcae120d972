use testcontainers::bollard::errors::Error;

use crate::engine::answered;
use crate::{Engine, Image};

impl Image {
    /// Whether it is built.
    ///
    /// # Errors
    /// When the engine does not say.
    pub async fn is_built(self, engine: &Engine) -> Result<bool, Error> {
        exists(engine, &self.to_string()).await
    }
}

/// Whether the engine has an image of that reference.
pub(crate) async fn exists(engine: &Engine, reference: &str) -> Result<bool, Error> {
    match answered(engine.docker().inspect_image(reference)).await {
        Ok(_) => Ok(true),
        Err(Error::DockerResponseServerError {
            status_code: 404, ..
        }) => Ok(false),
        Err(error) => Err(error),
    }
}
