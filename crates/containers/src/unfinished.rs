//! What a build that did not come to its end leaves in the engine: a step's container, and images
//! without a name. Each has a label that says so, and that a finished image takes away.

use std::collections::HashMap;
use std::time::Duration;

use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::{ContainerSummary, ImageSummary};
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions,
};

use crate::engine::{ANSWER, REMOVAL, answered, answered_within};
use crate::turn::Turn;
use crate::{Engine, Image};

/// Of all that a build makes, until it is finished.
const LABEL: &str = "org.fwlab.build";
const UNFINISHED: &str = "unfinished";

/// How often it is looked for the container of a step that is to end.
const PACE: Duration = Duration::from_millis(50);

/// A Dockerfile whose steps are labelled until the last of them is done.
pub(crate) fn labelled(dockerfile: &str) -> String {
    let mut text = String::with_capacity(dockerfile.len() + 128);
    let first = format!("LABEL {}=", Image::LABEL);
    for line in dockerfile.lines() {
        text += line;
        // With the label that is there already, as each instruction is a step of its own.
        if line.starts_with(&first) {
            text += &format!(" {LABEL}={UNFINISHED}");
        }
        text.push('\n');
    }
    text + &format!("LABEL {LABEL}=finished\n")
}

/// Removes what builds of processes that have ended left. Where a process builds, nothing is known
/// to be left.
pub(crate) async fn sweep(engine: &Engine) -> Result<(), Error> {
    if containers(engine).await?.is_empty() && images(engine).await?.is_empty() {
        return Ok(());
    }
    // Whose it is, is known only by nobody's building.
    match Turn::take(engine).await {
        Ok(Some(_turn)) => remove(engine).await,
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Removes all of it. Only for who has the turn to build.
pub(crate) async fn remove(engine: &Engine) -> Result<(), Error> {
    remove_containers(engine).await?;
    for image in images(engine).await? {
        // Not by force: what somebody has made a container of stays.
        let options = None::<RemoveImageOptions>;
        let removing = engine.docker().remove_image(&image.id, options, None);
        match answered_within(REMOVAL, removing).await {
            Ok(_) => {}
            Err(Error::DockerResponseServerError {
                status_code: 404 | 409,
                ..
            }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes builds fail, by taking the container of each one's step away, until they have ended.
pub(crate) async fn end(engine: &Engine, ended: impl Future<Output = ()>) {
    let fail = async {
        loop {
            // An engine that does not answer now is asked again.
            let _ = remove_containers(engine).await;
            tokio::time::sleep(PACE).await;
        }
    };
    tokio::select! {
        () = ended => {}
        () = fail => {}
        () = tokio::time::sleep(ANSWER) => {}
    }
}

async fn remove_containers(engine: &Engine) -> Result<(), Error> {
    for container in containers(engine).await? {
        if let Some(id) = container.id {
            engine.remove(&id).await?;
        }
    }
    Ok(())
}

fn filter() -> (&'static str, Vec<String>) {
    ("label", vec![format!("{LABEL}={UNFINISHED}")])
}

/// Looked at once more: what is removed for its label has it.
fn is_unfinished(labels: &HashMap<String, String>) -> bool {
    labels.get(LABEL).is_some_and(|value| value == UNFINISHED)
}

async fn containers(engine: &Engine) -> Result<Vec<ContainerSummary>, Error> {
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&HashMap::from([filter()]))
        .build();
    let mut found = answered(engine.docker().list_containers(Some(options))).await?;
    found.retain(|container| container.labels.as_ref().is_some_and(is_unfinished));
    Ok(found)
}

/// Those without a name, and that no other image is made of.
async fn images(engine: &Engine) -> Result<Vec<ImageSummary>, Error> {
    let options = ListImagesOptionsBuilder::new()
        .filters(&HashMap::from([
            filter(),
            ("dangling", vec!["true".to_owned()]),
        ]))
        .build();
    let mut found = answered(engine.docker().list_images(Some(options))).await?;
    let is_nameless = |image: &ImageSummary| {
        let mut names = image.repo_tags.iter();
        names.all(|name| name == "<none>:<none>")
    };
    found.retain(|image| is_nameless(image) && is_unfinished(&image.labels));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_is_labelled_until_the_last_step() {
        for image in Image::ALL {
            let (_, dockerfile) = image.context()[0];
            let text = labelled(dockerfile);
            let lines: Vec<&str> = text.lines().collect();
            let from = lines.iter().position(|line| line.starts_with("FROM "));
            let from = from.expect("it is made from something");
            let first = format!(
                "LABEL org.fwlab.image={} org.fwlab.build=unfinished",
                image.word()
            );
            assert_eq!(lines[from + 1], first);
            assert_eq!(lines.last(), Some(&"LABEL org.fwlab.build=finished"));
            let others = text.replace(" org.fwlab.build=unfinished", "");
            assert_eq!(
                others,
                format!("{dockerfile}LABEL org.fwlab.build=finished\n")
            );
        }
    }
}
