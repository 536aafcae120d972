use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use testcontainers::bollard::body_full;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};
use tokio::sync::{mpsc, oneshot};

use crate::base::{BaseError, SILENCE, base};
use crate::events::{Base, BuildEvent, Builds};
use crate::turn::Turn;
use crate::unfinished;
use crate::work::Working;
use crate::{Engine, Image};

/// The most that is kept of what a build says, in bytes.
const KEPT: usize = 4096;

/// Longer than all images take.
const ANOTHERS: Duration = Duration::from_secs(3600);

/// An image was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is nothing to build it on.
    #[error("there is no base image, and none can be made")]
    Base(#[from] Arc<BaseError>),
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
    /// Its build did not go on.
    #[error(
        "{image} was not built: the build said nothing for {silence:?}; its last words:\n{said}"
    )]
    Silent {
        /// Which image.
        image: Image,
        /// For how long.
        silence: Duration,
        /// The end of what the build said.
        said: String,
    },
}

/// Builds the images that are not there yet, all at once, and returns which were not built, and why.
/// Giving up on this leaves nothing behind: [`crate::settle`] waits for that.
pub async fn build_images(
    engine: &Engine,
    images: &[Image],
    builds: &Builds,
) -> BTreeMap<Image, BuildError> {
    let (wanted, mut failed) = missing(engine, images, builds).await;
    if wanted.is_empty() {
        return failed;
    }
    // Without a turn, as where the kernel gives none, two may do the same, which harms nobody.
    let waiting = || builds.tell(BuildEvent::Waiting);
    let turn = Turn::wait(engine, ANOTHERS, waiting).await;
    let turn = Arc::new(turn.ok().flatten());
    let (missing, unknown) = missing(engine, &wanted, builds).await;
    failed.extend(unknown);
    if missing.is_empty() {
        return failed;
    }
    builds.tell(BuildEvent::Begun(missing.clone()));
    let tell_of_base = |line: &str| {
        let made = Base::Own { made_because: None };
        builds.tell(BuildEvent::Line(made.reference().into(), line.into()));
    };
    let base = match base(engine, &tell_of_base).await {
        Ok(base) => base,
        Err(error) => {
            let error = Arc::new(error);
            let none = missing.into_iter();
            failed.extend(none.map(|image| (image, Arc::clone(&error).into())));
            return failed;
        }
    };
    builds.tell(BuildEvent::Base(base.clone()));
    let running = missing.into_iter().map(|image| {
        let (base, turn) = (base.reference(), Arc::clone(&turn));
        async move {
            let started = Instant::now();
            let built = build(engine, image, base, builds, turn).await;
            if built.is_ok() {
                let took = started.elapsed();
                builds.tell(BuildEvent::Built { image, took });
            }
            Some((image, built.err()?))
        }
    });
    let ended = futures::future::join_all(running).await;
    failed.extend(ended.into_iter().flatten());
    if !failed.is_empty() && turn.is_some() {
        // What is left all the same, the next process removes.
        let _ = unfinished::remove(engine).await;
    }
    failed
}

/// Those that are not there, and those that the engine does not know of.
async fn missing(
    engine: &Engine,
    images: &[Image],
    builds: &Builds,
) -> (Vec<Image>, BTreeMap<Image, BuildError>) {
    let (mut missing, mut failed) = (Vec::new(), BTreeMap::new());
    for &image in images {
        match image.is_built(engine).await {
            Ok(true) => builds.tell(BuildEvent::Kept(image)),
            Ok(false) => missing.push(image),
            Err(source) => drop(failed.insert(image, BuildError::Asked { image, source })),
        }
    }
    (missing, failed)
}

/// Why images were not built, in the life of this process: that is not tried twice.
static NOT_BUILT: Mutex<BTreeMap<Image, String>> = Mutex::new(BTreeMap::new());

/// Builds those of these images that are missing, but none that could not be built before. Why one
/// was not, [`Image::not_built`] tells from then on.
pub async fn provide_images(engine: &Engine, images: &[Image], builds: &Builds) {
    let wanted: Vec<Image> = images
        .iter()
        .copied()
        .filter(|image| image.not_built().is_none())
        .collect();
    for (image, error) in build_images(engine, &wanted, builds).await {
        let why = error.with_causes();
        builds.tell(BuildEvent::Failed { image, why });
        let mut not_built = NOT_BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        not_built.insert(image, error.in_short());
    }
}

impl Image {
    /// Why it could not be built in the life of this process, in one line; `None`: nobody has tried,
    /// or it was.
    pub fn not_built(self) -> Option<String> {
        let not_built = NOT_BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        not_built.get(&self).cloned()
    }
}

impl BuildError {
    /// Its message with all that lead to it.
    pub fn with_causes(&self) -> String {
        crate::registry::with_causes(self)
    }

    /// What it says without what the build said.
    fn in_short(&self) -> String {
        let why = match self {
            BuildError::Failed { source, .. } => source.to_string(),
            BuildError::Silent { silence, .. } => format!("the build said nothing for {silence:?}"),
            BuildError::Base(_) | BuildError::Asked { .. } => self.with_causes(),
        };
        let lines: Vec<&str> = why.lines().map(str::trim).collect();
        lines.join(" ")
    }
}

/// Builds one. The work goes on for itself, so that it can be ended in order when nobody waits for it
/// any more.
async fn build(
    engine: &Engine,
    image: Image,
    base: &'static str,
    builds: &Builds,
    turn: Arc<Option<Turn>>,
) -> Result<(), BuildError> {
    let (say, mut said) = mpsc::unbounded_channel();
    let (_wanted, given_up) = oneshot::channel::<()>();
    let working = Working::start();
    let engine = engine.clone();
    let building = tokio::spawn(async move {
        let mut built = std::pin::pin!(steps(&engine, image, base, say));
        let built = tokio::select! {
            built = &mut built => built,
            // Nothing is ever sent: it wakes when nobody waits any more.
            _ = given_up => {
                if turn.is_some() {
                    let ended = async { drop(built.await) };
                    unfinished::end(&engine, ended).await;
                    // What is left all the same, the next process removes.
                    let _ = unfinished::remove(&engine).await;
                }
                return Ok(());
            }
        };
        drop((turn, working));
        built
    });
    let told = async {
        while let Some(line) = said.recv().await {
            builds.tell(BuildEvent::Line(image.to_string(), line));
        }
    };
    let (built, ()) = tokio::join!(building, told);
    match built {
        Ok(built) => built,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Has the engine go through the steps of an image, and says what it says of them.
async fn steps(
    engine: &Engine,
    image: Image,
    base: &str,
    say: mpsc::UnboundedSender<String>,
) -> Result<(), BuildError> {
    // The builder that every engine has; BuildKit is one more thing to install.
    let options = BuildImageOptionsBuilder::new()
        .t(&image.to_string())
        .buildargs(&HashMap::from([("BASE", base)]))
        .rm(true)
        .forcerm(true)
        .version(BuilderVersion::BuilderV1)
        .build();
    let context = archive(image).expect("memory takes everything");
    let docker = engine.docker().clone().with_timeout(SILENCE);
    let mut building =
        std::pin::pin!(docker.build_image(options, None, Some(body_full(context.into()))));
    let mut said = String::new();
    loop {
        match tokio::time::timeout(SILENCE, building.try_next()).await {
            Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some(info))) => {
                let words = info.stream.unwrap_or_default();
                // Names of layers and of steps' containers tell a person nothing.
                let mut lines = words.lines().map(str::trim);
                if let Some(line) =
                    lines.rfind(|line| !line.is_empty() && !line.starts_with("--->"))
                {
                    // Nobody listens to a build that is being ended.
                    let _ = say.send(line.to_owned());
                }
                said += &words;
                let mut cut = said.len().saturating_sub(KEPT);
                while !said.is_char_boundary(cut) {
                    cut += 1;
                }
                said.drain(..cut);
            }
            Ok(Err(source)) => {
                return Err(BuildError::Failed {
                    image,
                    said,
                    source,
                });
            }
            Err(_) => {
                return Err(BuildError::Silent {
                    image,
                    silence: SILENCE,
                    said,
                });
            }
        }
    }
}

/// The build's context as a tar archive, the same for the same files.
fn archive(image: Image) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (at, (path, content)) in image.context().into_iter().enumerate() {
        // The Dockerfile is the first.
        let content = match at {
            0 => unfinished::labelled(content),
            _ => content.to_owned(),
        };
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, path, content.as_bytes())?;
    }
    archive.into_inner()
}
