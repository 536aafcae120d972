use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use testcontainers::bollard::body_full;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};

use crate::base::{Base, BaseError, base};
use crate::{Engine, Image};

/// The most that is kept of what a build says, in bytes.
const KEPT: usize = 4096;

/// What happens while images are built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// An image is there already.
    Kept(Image),
    /// This is what images are built on.
    Base(Base),
    /// An image was built.
    Built {
        /// Which.
        image: Image,
        /// How long it took.
        took: Duration,
    },
}

/// An image was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is nothing to build it on.
    #[error("there is no base image, and none can be made")]
    Base(#[from] BaseError),
    /// The engine did not answer.
    #[error("the engine does not say whether {image} is there")]
    Asked {
        /// Which image.
        image: Image,
        /// What it says.
        source: Error,
    },
    /// Its build failed.
    #[error("{image} was not built; the build's last words:\n{said}")]
    Failed {
        /// Which image.
        image: Image,
        /// The end of what the build said.
        said: String,
        /// What the engine says.
        source: Error,
    },
}

/// Builds the images that are not there yet, all at once.
///
/// # Errors
/// The first that fails.
pub async fn build_images(
    engine: &Engine,
    images: &[Image],
    tell: &(dyn Fn(BuildEvent) + Sync),
) -> Result<(), BuildError> {
    let mut missing = Vec::new();
    for &image in images {
        let built = image.is_built(engine).await;
        if built.map_err(|source| BuildError::Asked { image, source })? {
            tell(BuildEvent::Kept(image));
        } else {
            missing.push(image);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let base = base(engine).await?;
    tell(BuildEvent::Base(base.clone()));
    let builds = missing.into_iter().map(|image| {
        let base = base.reference();
        async move {
            let started = Instant::now();
            build(engine, image, base).await?;
            let took = started.elapsed();
            tell(BuildEvent::Built { image, took });
            Ok::<_, BuildError>(())
        }
    });
    futures::future::try_join_all(builds).await.map(drop)
}

async fn build(engine: &Engine, image: Image, base: &str) -> Result<(), BuildError> {
    // The builder that every engine has; BuildKit is one more thing to install.
    let options = BuildImageOptionsBuilder::new()
        .t(&image.to_string())
        .buildargs(&HashMap::from([("BASE", base)]))
        .rm(true)
        .forcerm(true)
        .version(BuilderVersion::BuilderV1)
        .build();
    let context = archive(image).expect("memory takes everything");
    let docker = engine.docker();
    let mut building =
        std::pin::pin!(docker.build_image(options, None, Some(body_full(context.into()))));
    let mut said = String::new();
    loop {
        match building.try_next().await {
            Ok(None) => return Ok(()),
            Ok(Some(info)) => {
                said += &info.stream.unwrap_or_default();
                let mut cut = said.len().saturating_sub(KEPT);
                while !said.is_char_boundary(cut) {
                    cut += 1;
                }
                said.drain(..cut);
            }
            Err(source) => {
                return Err(BuildError::Failed {
                    image,
                    said,
                    source,
                });
            }
        }
    }
}

/// The build's context as a tar archive, the same for the same files.
fn archive(image: Image) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in image.context() {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, path, content.as_bytes())?;
    }
    archive.into_inner()
}
