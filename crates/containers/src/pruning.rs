use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptions};

use crate::engine::{REMOVAL, answered, answered_within};
use crate::{Engine, Image};

/// Longer than a build takes.
const A_BUILD: Duration = Duration::from_secs(3600);

/// What becomes of an image that no fwlab of this version uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PruneEvent {
    /// It was removed.
    Removed(String),
    /// It was not, and why.
    Kept(String, String),
}

/// Removes fwlab's images under tags that are not this version's, and what failed builds left. The
/// base stays, and so does every image that bears a name of somebody else's.
///
/// # Errors
/// When the engine does not say which images there are.
pub async fn prune_images(
    engine: &Engine,
    tell: &(dyn Fn(PruneEvent) + Sync),
) -> Result<(), Error> {
    let filters = HashMap::from([("label", vec![Image::LABEL])]);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = now.as_secs().cast_signed();
    let options = ListImagesOptionsBuilder::new().filters(&filters).build();
    for found in answered(engine.docker().list_images(Some(options))).await? {
        let none = found.repo_tags.iter().all(|tag| tag == "<none>:<none>");
        let references = match none {
            // One of a build that goes on has no name yet.
            true if now.saturating_sub(found.created) < A_BUILD.as_secs().cast_signed() => vec![],
            true => vec![found.id],
            false => found
                .repo_tags
                .into_iter()
                .filter(|tag| is_old(tag))
                .collect(),
        };
        for reference in references {
            // Not by force: what a container or another image is made of stays.
            let options = None::<RemoveImageOptions>;
            let removing = engine.docker().remove_image(&reference, options, None);
            tell(match answered_within(REMOVAL, removing).await {
                Ok(_) => PruneEvent::Removed(reference),
                Err(error) => PruneEvent::Kept(reference, error.to_string()),
            });
        }
    }
    Ok(())
}

/// Whether a reference is of another version's image.
fn is_old(reference: &str) -> bool {
    Image::ALL.into_iter().any(|image| {
        let tag = reference.strip_prefix(&image.repository());
        let tag = tag.and_then(|rest| rest.strip_prefix(':'));
        tag.is_some_and(|tag| tag != image.tag())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_other_versions_are_old() {
        for image in Image::ALL {
            assert!(!is_old(&image.to_string()), "{image}");
            assert!(is_old(&format!("{}:0123456789ab", image.repository())));
        }
        for other in [
            "fwlab/base:bookworm",
            "fwlab/vsftpd-mine:1",
            "mine/vsftpd:1",
            "vsftpd:1",
        ] {
            assert!(!is_old(other), "{other}");
        }
    }
}
