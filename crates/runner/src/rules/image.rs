use std::sync::Arc;

use fwlab_containers::{Engine, FirewallImage};
use fwlab_model::Placed;
use fwlab_scenario::ImageRules;

use super::PreparedRuleset;
use super::error::PrepareError;

/// Why no container of an image can be started as a firewall here, where that is no mistake of
/// whoever named it: then its cells are skipped.
pub(crate) async fn no_container(image: &FirewallImage) -> Option<String> {
    engine_for(image).await.err()
}

async fn engine_for(image: &FirewallImage) -> Result<Engine, String> {
    let engine = Engine::connect().await;
    let engine = engine.map_err(|none| format!("no containers: {none}"))?;
    let Some(own) = image.own() else {
        return Ok(engine);
    };
    match own.is_built(&engine).await {
        Ok(true) => Ok(engine),
        Ok(false) => Err(match own.not_built() {
            Some(why) => format!("there is no image {own}, and it could not be built: {why}"),
            None => format!("there is no image {own}: fwlab images builds what is missing"),
        }),
        Err(error) => Err(format!("Docker did not answer: {error}")),
    }
}

/// Looks at an image that is to be a firewall. What its rules are is known when it has loaded
/// them: in each cell, by a container of its own.
pub(super) async fn examine(rules: &ImageRules) -> Result<PreparedRuleset, PrepareError> {
    let engine = match engine_for(&rules.image).await {
        Ok(engine) => engine,
        Err(why) => {
            return Ok(PreparedRuleset {
                lacks: Some(why),
                ..PreparedRuleset::default()
            });
        }
    };
    match rules.image.examine(&engine).await {
        Ok(()) => Ok(PreparedRuleset::default()),
        Err(why) => Err(PrepareError::Image {
            placed: Placed::here(rules.span.clone(), crate::with_causes(&why))
                .with_help(why.help())
                .of(Arc::clone(&rules.file)),
            why: why.into(),
        }),
    }
}
