use std::sync::Arc;

use fwlab_ftp::{Client, PeerMissing, Server};
use fwlab_record::PeerName;

use crate::client::{ColdClient, contained};
use crate::kind::Kind;
use crate::server::ContainerServer;
use crate::warm::Warm;
use crate::{ContainerError, ContainerReuse, Engine, Image};

/// The server of that name, in containers.
///
/// # Errors
/// When there is none, its image is not built, or no container of it can be started.
pub async fn server(
    peer: PeerName,
    engine: &Engine,
    reuse: ContainerReuse,
) -> Result<Arc<dyn Server>, PeerMissing> {
    let kind = Kind::of(peer).ok_or_else(|| none(peer))?;
    let warm = warm(peer, kind.image(), engine).await?;
    Ok(Arc::new(ContainerServer {
        kind,
        engine: engine.clone(),
        root: warm.root(),
        version: warm.version(kind.package()),
        reuse,
    }))
}

/// The client of that name, in containers.
///
/// # Errors
/// When there is none, its image is not built, or no container of it can be started.
pub async fn client(
    peer: PeerName,
    engine: &Engine,
    reuse: ContainerReuse,
) -> Result<Arc<dyn Client>, PeerMissing> {
    let contained = contained(peer).ok_or_else(|| none(peer))?;
    let warm = warm(peer, Image::Client, engine).await?;
    let client = (contained.inside)(warm.root(), warm.version(contained.package));
    Ok(match reuse {
        ContainerReuse::Warm => client,
        ContainerReuse::Cold => Arc::new(ColdClient {
            engine: engine.clone(),
            warm: client,
        }),
    })
}

async fn warm(peer: PeerName, image: Image, engine: &Engine) -> Result<Arc<Warm>, PeerMissing> {
    Warm::of(engine, image).await.map_err(|error| PeerMissing {
        peer,
        why: with_causes(&error),
        remedy: remedy(&error).into(),
    })
}

fn remedy(error: &ContainerError) -> &'static str {
    match error {
        ContainerError::NoImage { .. }
        | ContainerError::NotBuilt { .. }
        | ContainerError::Platform { .. } => "fwlab images",
        _ => "fix that, or run it on the host: --where host",
    }
}

fn none(peer: PeerName) -> PeerMissing {
    PeerMissing {
        peer,
        why: "it cannot run in a container".into(),
        remedy: "run it on the host: --where host".into(),
    }
}

/// A message with all that lead to it, as one.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Some libraries repeat the cause in their own words.
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        source = cause.source();
    }
    words
}
