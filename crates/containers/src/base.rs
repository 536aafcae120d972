use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures::TryStreamExt;
use fwlab_fabric::find_tool;
use testcontainers::bollard::body_try_stream;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::Engine;
use crate::image::exists;

/// What images are built on where a registry can be reached.
const PUBLISHED: (&str, &str) = ("debian", "bookworm-slim");

/// What is made here where none can.
const OWN: (&str, &str) = ("fwlab/base", "bookworm");

const SUITE: &str = "bookworm";

/// How long a registry may take: one that cannot be reached may not say so.
const PULL: Duration = Duration::from_secs(120);

/// What a base holds that no image needs.
const DROPPED: [&str; 6] = [
    "./var/cache/apt/archives/*.deb",
    "./var/lib/apt/lists/*",
    "./usr/share/doc/*",
    "./usr/share/man/*",
    "./usr/share/locale/*",
    "./usr/share/info/*",
];

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

/// No base could be had.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// The engine did not answer, or did not take it.
    #[error("the engine did not take it")]
    Engine(#[from] Error),
    /// There is no registry, and the tool that makes a base is not there.
    #[error(
        "{} could not be fetched ({fetching}), and debootstrap, which makes one, is not installed: \
         sudo apt-get install debootstrap",
        Base::Published.reference()
    )]
    NoTool {
        /// What the registry, or the way to it, said.
        fetching: String,
    },
    /// It could not be made.
    #[error("`{command}` failed, {status}:\n{said}")]
    Failed {
        /// The tool.
        command: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        said: String,
    },
    /// A tool could not be run.
    #[error("`{command}` could not be run")]
    Run {
        /// The tool.
        command: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// Finds what images are built on, fetches it, or makes it: in this order.
pub(crate) async fn base(engine: &Engine) -> Result<Base, BaseError> {
    let own = Base::Own { made_because: None };
    for base in [Base::Published, own] {
        if exists(engine, base.reference()).await? {
            return Ok(base);
        }
    }
    let fetching = match tokio::time::timeout(PULL, pull(engine)).await {
        Ok(Ok(())) => return Ok(Base::Published),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("nothing came for {PULL:?}"),
    };
    let Some(debootstrap) = find_tool("debootstrap") else {
        return Err(BaseError::NoTool { fetching });
    };
    make(engine, &debootstrap).await?;
    Ok(Base::Own {
        made_because: Some(fetching),
    })
}

async fn pull(engine: &Engine) -> Result<(), Error> {
    let (image, tag) = PUBLISHED;
    let options = CreateImageOptionsBuilder::new()
        .from_image(image)
        .tag(tag)
        .build();
    let mut pulled = std::pin::pin!(engine.docker().create_image(Some(options), None, None));
    while pulled.try_next().await?.is_some() {}
    Ok(())
}

async fn make(engine: &Engine, debootstrap: &Path) -> Result<(), BaseError> {
    let failed = |command, source| BaseError::Run { command, source };
    let folder = tempfile::tempdir().map_err(|source| failed("debootstrap", source))?;
    let root = folder.path().join("root");
    let made = Command::new(debootstrap)
        .arg("--variant=minbase")
        .arg(SUITE)
        .arg(&root)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| failed("debootstrap", source))?;
    if !made.status.success() {
        return Err(BaseError::Failed {
            command: "debootstrap",
            status: made.status,
            said: last_lines(&[made.stdout, made.stderr].concat()),
        });
    }
    import(engine, &root).await
}

/// Gives a root file system to the engine, as an image.
async fn import(engine: &Engine, root: &Path) -> Result<(), BaseError> {
    let failed = |source| BaseError::Run {
        command: "tar",
        source,
    };
    let mut tar = Command::new("tar");
    tar.args(DROPPED.map(|pattern| format!("--exclude={pattern}")));
    let mut tar = tar
        .arg("--directory")
        .arg(root)
        .args(["--create", "."])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let out = tar.stdout.take().expect("it is a pipe");
    let archive = futures::stream::try_unfold(out, async |mut out| {
        let mut piece = vec![0; 1 << 18];
        let length = out.read(&mut piece).await?;
        piece.truncate(length);
        Ok((length > 0).then(|| (piece.into(), out)))
    });
    let (image, tag) = OWN;
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(image)
        .tag(tag)
        .changes(vec!["LABEL org.fwlab.image=base".into()])
        .build();
    let body = body_try_stream(archive);
    let taken = engine
        .docker()
        .create_image(Some(options), Some(body), None);
    let mut taken = std::pin::pin!(taken);
    while taken.try_next().await?.is_some() {}
    let status = tar.wait().await.map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    // What was imported is not whole.
    engine
        .docker()
        .remove_image(
            Base::Own { made_because: None }.reference(),
            None::<testcontainers::bollard::query_parameters::RemoveImageOptions>,
            None,
        )
        .await?;
    Err(BaseError::Failed {
        command: "tar",
        status,
        said: String::new(),
    })
}

fn last_lines(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}
