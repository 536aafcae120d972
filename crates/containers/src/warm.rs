use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fwlab_fabric::{ContainerRoot, Fabric, NetworkNamespace, ProgramSpec};
use fwlab_model::{NodeSpec, Topology};
use fwlab_record::NodeName;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use crate::container::Container;
use crate::error::ContainerError;
use crate::held::HeldRequest;
use crate::{Engine, Image};

/// What an idle container does: nothing, as long as its input is held open. When this process ends,
/// however it ends, its containers do.
const IDLE: &str = "mkfifo /run/waits && exec cat >/dev/null";

/// What tells that it has come to that.
const WAITS: &str = "run/waits";

/// How long an idle container may take until it waits.
const IDLE_DEADLINE: Duration = Duration::from_secs(20);

/// A container that does nothing: peers are started in its root. It ends when this is dropped.
pub(crate) struct Idle {
    container: Container,
    pub(crate) root: ContainerRoot,
}

impl Idle {
    /// Starts one.
    pub(crate) async fn start(engine: &Engine, image: Image) -> Result<Idle, ContainerError> {
        match Idle::attempt(engine, image, true).await {
            // Its log is gone with it: once more, for what it says.
            Err(ContainerError::Ended { .. }) => Idle::attempt(engine, image, false).await,
            started => started,
        }
    }

    async fn attempt(
        engine: &Engine,
        image: Image,
        goes_when_it_ends: bool,
    ) -> Result<Idle, ContainerError> {
        let request = HeldRequest {
            image: image.to_string(),
            command: IDLE,
            goes_when_it_ends,
        };
        let container = Container::hold(engine, request).await?;
        waits(&container).await?;
        let root = ContainerRoot::of_process(container.pid)?;
        Ok(Idle { container, root })
    }

    /// The network namespace that it has to itself.
    pub(crate) async fn namespace(&self) -> Result<NetworkNamespace, ContainerError> {
        self.container.namespace().await
    }

    async fn remove(self) {
        self.container.remove().await;
    }

    /// The versions of its packages.
    async fn versions(&self) -> BTreeMap<String, String> {
        let mut topology = Topology::default();
        topology.nodes.push(NodeSpec::new(NodeName::client()));
        let asked = async {
            let fabric = Fabric::build(&topology).await.ok()?;
            let query = ProgramSpec::new("/usr/bin/dpkg-query")
                .arguments(["--show", "--showformat", "${Package} ${Version}\\n"])
                .root(self.root.clone());
            let mut query = fabric
                .node(&NodeName::client())?
                .program(query)
                .await
                .ok()?;
            query.wait().await.ok()?;
            let said = String::from_utf8_lossy(&query.stdout()).into_owned();
            fabric.join().await;
            Some(said)
        };
        let said = asked.await.unwrap_or_default();
        let versions = said.lines().filter_map(|line| line.split_once(' '));
        versions
            .map(|(package, version)| (package.to_owned(), version.to_owned()))
            .collect()
    }
}

/// Waits until a container is idle.
async fn waits(container: &Container) -> Result<(), ContainerError> {
    let path = format!("/proc/{}/root/{WAITS}", container.pid);
    let end = Instant::now() + IDLE_DEADLINE;
    while !Path::new(&path).exists() {
        if !container.lives() || Instant::now() > end {
            return Err(container.ended().await);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// An idle container that every cell of this process shares. Nothing of a cell is in it:
/// each has a network of its own, and can change nothing here.
pub(crate) struct Warm {
    idle: Idle,
    versions: BTreeMap<String, String>,
}

type Shared = Arc<OnceCell<Arc<Warm>>>;

static POOL: Mutex<BTreeMap<Image, Shared>> = Mutex::const_new(BTreeMap::new());

impl Warm {
    /// The one of that image, started if it is not there yet.
    pub(crate) async fn of(engine: &Engine, image: Image) -> Result<Arc<Warm>, ContainerError> {
        let shared = Arc::clone(POOL.lock().await.entry(image).or_default());
        let warm = shared.get_or_try_init(async || {
            let idle = Idle::start(engine, image).await?;
            let versions = idle.versions().await;
            Ok::<_, ContainerError>(Arc::new(Warm { idle, versions }))
        });
        warm.await.map(Arc::clone)
    }

    pub(crate) fn root(&self) -> ContainerRoot {
        self.idle.root.clone()
    }

    /// The version of a package.
    pub(crate) fn version(&self, package: &str) -> String {
        let version = self.versions.get(package);
        version.map_or_else(|| "unknown".into(), Clone::clone)
    }
}

/// Ends all of them that no peer holds any more.
pub(crate) async fn end_all() {
    let all = std::mem::take(&mut *POOL.lock().await);
    let ends = all.into_values().filter_map(|shared| {
        let warm = Arc::into_inner(shared)?.into_inner()?;
        Some(async {
            if let Some(warm) = Arc::into_inner(warm) {
                warm.idle.remove().await;
            }
        })
    });
    futures::future::join_all(ends).await;
}
