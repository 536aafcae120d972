use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use fwlab_fabric::{EnclosedError, EnclosedTool, find_tool};
use testcontainers::bollard::body_try_stream;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};

use crate::Engine;
use crate::events::Base;
use crate::presence::exists;

/// What images are built on where a registry can be reached.
const PUBLISHED: (&str, &str) = ("debian", "bookworm-slim");

/// What is made here where none can.
const OWN: (&str, &str) = ("fwlab/base", "bookworm");

const SUITE: &str = "bookworm";

/// How long a registry may take: one that cannot be reached may not say so.
const PULL: Duration = Duration::from_secs(120);

/// How long making an image may go without a word of anybody who takes part in it.
pub(crate) const SILENCE: Duration = Duration::from_secs(600);

/// The most that a base's files take up while it is made, in bytes: several times what they do.
const ROOM: u64 = 2 << 30;

/// How much is shown of what is said while it is made, in lines.
const LAST_WORDS: usize = 10;

/// What a base holds that no image needs.
const DROPPED: [&str; 6] = [
    "./var/cache/apt/archives/*.deb",
    "./var/lib/apt/lists/*",
    "./usr/share/doc/*",
    "./usr/share/man/*",
    "./usr/share/locale/*",
    "./usr/share/info/*",
];

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
    #[error("`debootstrap` failed, {status}:\n{said}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        said: String,
    },
    /// The tools that make it could not be run.
    #[error(transparent)]
    Run(#[from] EnclosedError),
    /// What they write could not be read.
    #[error("what `debootstrap` writes could not be read")]
    Lost(#[source] io::Error),
    /// Nothing went on any more.
    #[error("making it did not go on for {0:?}")]
    Silent(Duration),
}

/// Finds what images are built on, fetches it, or makes it: in this order.
pub(crate) async fn base(engine: &Engine, tell: &(dyn Fn(&str) + Sync)) -> Result<Base, BaseError> {
    let own = Base::Own { made_because: None };
    for base in [Base::Published, own] {
        if exists(engine, base.reference()).await? {
            return Ok(base);
        }
    }
    tell(&format!("fetching {}", Base::Published.reference()));
    let fetching = match tokio::time::timeout(PULL, pull(engine)).await {
        Ok(Ok(())) => return Ok(Base::Published),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("nothing came for {PULL:?}"),
    };
    let Some(debootstrap) = find_tool("debootstrap") else {
        return Err(BaseError::NoTool { fetching });
    };
    make(engine, &debootstrap, tell).await?;
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

/// Makes a root file system of packages, and writes it as an archive. All of it is in memory, and
/// gone when this ends.
const MAKE: &str = r#"
set -e
umask 022
debootstrap=$1
suite=$2
shift 2
"$debootstrap" --variant=minbase "$suite" "$PWD/root" >&2
exec tar "$@" --directory root --create .
"#;

async fn make(
    engine: &Engine,
    debootstrap: &Path,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<(), BaseError> {
    let mut arguments: Vec<OsString> = ["-c", MAKE, "sh"].map(OsString::from).into();
    arguments.extend([debootstrap.into(), SUITE.into()]);
    arguments.extend(DROPPED.map(|pattern| format!("--exclude={pattern}").into()));
    // Dropped when this is given up, and everything of it with it.
    let mut tool = EnclosedTool::start(Path::new("/bin/sh"), arguments, ROOM)?;
    let [mut archive, said] = tool.output().expect("nobody has taken it");
    let (alive, mut lives) = watch::channel(());
    let alive = Arc::new(alive);
    let (ended_well, is_whole) = oneshot::channel();
    let imported = async {
        // Nothing comes until all packages are unpacked: the engine need not wait for that.
        let first = piece(&mut archive).await.map_err(BaseError::Lost)?;
        if first.is_empty() {
            return Ok(());
        }
        let archive = Archive {
            next: Some(first),
            rest: archive,
            is_whole,
            alive: Arc::clone(&alive),
        };
        import(engine, archive).await
    };
    let mut recent_log = VecDeque::new();
    let told = async {
        let mut lines = BufReader::new(said).lines();
        // What is not text is no reason to stop.
        while let Ok(Some(line)) = lines.next_line().await {
            alive.send_replace(());
            tell(&line);
            recent_log.push_back(line);
            if recent_log.len() > LAST_WORDS {
                recent_log.pop_front();
            }
        }
    };
    let ended = async {
        let status = tool.wait().await.map_err(BaseError::Lost)?;
        // Nobody asks where nothing is imported.
        let _ = ended_well.send(status.success());
        Ok::<_, BaseError>(status)
    };
    let silent = async { while tokio::time::timeout(SILENCE, lives.changed()).await.is_ok() {} };
    let (imported, (), status) = tokio::select! {
        all = async { tokio::join!(imported, told, ended) } => all,
        () = silent => return Err(BaseError::Silent(SILENCE)),
    };
    let status = status?;
    if !status.success() {
        return Err(BaseError::Failed {
            status,
            said: Vec::from(recent_log).join("\n"),
        });
    }
    imported
}

/// An archive that is read as it is written.
struct Archive {
    next: Option<Vec<u8>>,
    rest: pipe::Receiver,
    /// Told when its end has been written: whether it is all of it.
    is_whole: oneshot::Receiver<bool>,
    /// Told of each piece.
    alive: Arc<watch::Sender<()>>,
}

impl Archive {
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.alive.send_replace(());
        let piece = match self.next.take() {
            Some(piece) => piece,
            None => piece(&mut self.rest).await?,
        };
        if !piece.is_empty() {
            return Ok(Some(piece));
        }
        // An archive without an error at its end would be taken for a whole one.
        match (&mut self.is_whole).await {
            Ok(true) => Ok(None),
            _ => Err(io::Error::other("the archive is not whole")),
        }
    }
}

/// A piece of an archive; empty at its end.
async fn piece(archive: &mut pipe::Receiver) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; 1 << 18];
    let length = archive.read(&mut piece).await?;
    piece.truncate(length);
    Ok(piece)
}

/// Gives a root file system to the engine, as an image.
async fn import(engine: &Engine, archive: Archive) -> Result<(), BaseError> {
    let (image, tag) = OWN;
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(image)
        .tag(tag)
        .changes(vec!["LABEL org.fwlab.image=base".into()])
        .build();
    let body = futures::stream::try_unfold(archive, async |mut archive: Archive| {
        let piece = archive.next().await?;
        Ok(piece.map(|piece| (piece.into(), archive)))
    });
    let docker = engine.docker().clone().with_timeout(SILENCE);
    let taken = docker.create_image(Some(options), Some(body_try_stream(body)), None);
    let mut taken = std::pin::pin!(taken);
    while taken.try_next().await?.is_some() {}
    Ok(())
}
