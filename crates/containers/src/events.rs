use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Image;

/// What happens while images are built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// An image is there already.
    Kept(Image),
    /// Another process makes images, and is waited for.
    Waiting,
    /// Images are built now, as they are missing.
    Begun(Vec<Image>),
    /// It goes on: the reference of what is made, and the last line of what is said about it.
    Line(String, String),
    /// This is what images are built on.
    Base(Base),
    /// An image was built.
    Built {
        /// Which.
        image: Image,
        /// How long it took.
        took: Duration,
    },
    /// An image was not built.
    Failed {
        /// Which.
        image: Image,
        /// Why not, and all that the build said in the end.
        why: String,
    },
}

/// Who is told of what happens while images are built.
#[derive(Clone)]
pub struct Builds(
    #[cfg_attr(
        not(feature = "engine"),
        expect(dead_code, reason = "nothing is built")
    )]
    Arc<dyn Fn(BuildEvent) + Send + Sync>,
);

impl Builds {
    /// Builds of which this is told.
    pub fn told(tell: impl Fn(BuildEvent) + Send + Sync + 'static) -> Builds {
        Builds(Arc::new(tell))
    }

    #[cfg(feature = "engine")]
    pub(crate) fn tell(&self, event: BuildEvent) {
        (self.0)(event);
    }
}

impl fmt::Debug for Builds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builds").finish_non_exhaustive()
    }
}

impl BuildEvent {
    /// What is to be said of it, in lines that may hold what tools and the engine said; `None`: nothing, unless somebody
    /// waits for just that.
    pub fn in_words(&self) -> Option<String> {
        Some(match self {
            BuildEvent::Kept(_) | BuildEvent::Line(..) => return None,
            BuildEvent::Waiting => "another fwlab is building images; waiting for it".into(),
            BuildEvent::Begun(images) => {
                let names: Vec<String> = images.iter().map(Image::to_string).collect();
                format!(
                    "building images that are missing, once: {}",
                    names.join(", ")
                )
            }
            BuildEvent::Base(base) => match base.made_because() {
                Some(why) => format!(
                    "{} was made from Debian's packages (debootstrap), because debian:bookworm-slim could not be fetched: {why}",
                    base.reference()
                ),
                None => format!("on {}", base.reference()),
            },
            BuildEvent::Built { image, took } => {
                format!("{image} built in {:.1} s", took.as_secs_f64())
            }
            BuildEvent::Failed { why, .. } => why.clone(),
        })
    }
}

/// What images are built on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Debian's own image.
    Published,
    /// An image that was made from Debian's packages.
    Own {
        /// Why it was made rather than fetched; `None` when it was there already.
        made_because: Option<String>,
    },
}

impl Base {
    /// Its reference.
    pub fn reference(&self) -> &'static str {
        match self {
            Base::Published => "debian:bookworm-slim",
            Base::Own { .. } => "fwlab/base:bookworm",
        }
    }

    /// Why it was made here just now, if it was.
    pub fn made_because(&self) -> Option<&str> {
        match self {
            Base::Published => None,
            Base::Own { made_because } => made_because.as_deref(),
        }
    }
}
