use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use fwlab_containers::{Builds, Engine, FirewallImage, Image, NoEngine, image_of, provide_images};
use fwlab_ftp::{Client, DEVIATIONS, PeerMissing, Server};
use fwlab_record::{PeerName, Place};
use fwlab_scenario::plan::Cell;

use crate::abilities::Abilities;
use crate::images;
use crate::placement::Placement;
use crate::rules::no_container;

/// The peers of this machine, each looked for once.
pub struct PeerRegistry {
    servers: Searched<dyn Server>,
    clients: Searched<dyn Client>,
    /// The images that are to be firewalls and of which no container can be started, and why.
    without: BTreeMap<String, String>,
}

type Searched<P> = BTreeMap<PeerName, Result<Found<P>, PeerMissing>>;

/// A peer, and where it was found.
struct Found<P: ?Sized> {
    peer: Arc<P>,
    place: Place,
}

/// A peer of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Which.
    pub peer: PeerName,
    /// Its version.
    pub version: String,
    /// Where it runs.
    pub place: Place,
}

impl fmt::Display for Present {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Present { peer, version, .. } = self;
        match self.place {
            // Whose place nobody here knows.
            _ if *peer == PeerName::OwnServer => write!(f, "{peer} {version}"),
            _ if peer.is_embedded() => write!(f, "{peer} {version} in the lab"),
            Place::Host => write!(f, "{peer} {version} on the host"),
            Place::Container => write!(f, "{peer} {version} in a container"),
        }
    }
}

impl PeerRegistry {
    /// Looks for every peer on the host.
    pub fn discover() -> PeerRegistry {
        PeerRegistry::on_host(PeerName::ALL.iter().copied())
    }

    /// Whether one peer is on this machine: the others are not looked for, since each is a program that has to be run.
    pub fn finds(peer: PeerName) -> bool {
        PeerRegistry::on_host([peer]).has(peer)
    }

    fn on_host(peers: impl IntoIterator<Item = PeerName>) -> PeerRegistry {
        let place = Place::Host;
        let (servers, clients): (Vec<PeerName>, Vec<PeerName>) =
            peers.into_iter().partition(|peer| peer.is_server());
        let server = |peer| fwlab_ftp::server(peer).map(|peer| Found { peer, place });
        let client = |peer| fwlab_ftp::client(peer).map(|peer| Found { peer, place });
        PeerRegistry {
            servers: servers
                .into_iter()
                .map(|peer| (peer, server(peer)))
                .collect(),
            clients: clients
                .into_iter()
                .map(|peer| (peer, client(peer)))
                .collect(),
            without: BTreeMap::new(),
        }
    }

    /// Looks for the peers of these cells, each where it is to run. A container that is
    /// needed is started, and its image is built where somebody is told of that.
    pub async fn of_cells(
        cells: &[Cell],
        placement: impl Fn(PeerName) -> Placement,
        builds: Option<&Builds>,
    ) -> PeerRegistry {
        images::firewalls(cells, builds).await;
        let axes = cells.iter().map(|cell| &cell.axes);
        let peers = axes.flat_map(|axes| [axes.server, axes.client]);
        let peers = peers.map(|peer| (peer, placement(peer))).collect();
        let mut registry = PeerRegistry::of(peers, builds).await;
        let images = cells
            .iter()
            .filter_map(|cell| cell.scenario.rulesets[cell.ruleset].image());
        let mut seen = BTreeSet::new();
        for image in images.filter(|image| seen.insert(&image.image)) {
            if let Some(why) = no_container(image).await {
                registry.without.insert(image.image.clone(), why);
            }
        }
        registry
    }

    /// Looks for these peers, each where it is to run. A container that is needed is started, and its
    /// image is built where somebody is told of that.
    pub async fn of(peers: BTreeMap<PeerName, Placement>, builds: Option<&Builds>) -> PeerRegistry {
        let mut registry = PeerRegistry::on_host(peers.keys().copied());
        let wanted: Vec<(PeerName, Placement)> = peers
            .into_iter()
            .filter(|(peer, placement)| match placement.place {
                Some(Place::Host) => false,
                Some(Place::Container) => !peer.is_embedded(),
                None => !registry.has(*peer),
            })
            .collect();
        if wanted.is_empty() {
            return registry;
        }
        let engine = Engine::connect().await;
        if let (Ok(engine), Some(builds)) = (&engine, builds) {
            let images = wanted.iter().filter_map(|(peer, _)| image_of(*peer));
            let images: BTreeSet<Image> = images.collect();
            let images: Vec<Image> = images.into_iter().collect();
            provide_images(engine, &images, builds).await;
        }
        for (peer, placement) in wanted {
            if peer.is_server() {
                let found = match &engine {
                    Ok(engine) => fwlab_containers::server(peer, engine, placement.reuse).await,
                    Err(none) => Err(without_engine(peer, none)),
                };
                put(&mut registry.servers, peer, found, placement);
            } else {
                let found = match &engine {
                    Ok(engine) => fwlab_containers::client(peer, engine, placement.reuse).await,
                    Err(none) => Err(without_engine(peer, none)),
                };
                put(&mut registry.clients, peer, found, placement);
            }
        }
        registry
    }

    /// The server of that name, ready to be started as often as needed.
    ///
    /// # Errors
    /// When it is missing.
    pub fn server(&self, peer: PeerName) -> Result<Arc<dyn Server>, PeerMissing> {
        taken(&self.servers, peer, "server")
    }

    pub(crate) fn client(&self, peer: PeerName) -> Result<Arc<dyn Client>, PeerMissing> {
        taken(&self.clients, peer, "client")
    }

    /// What a peer can do, found out by asking it; `None` when it is missing.
    pub fn abilities(&self, peer: PeerName) -> Option<Abilities> {
        match (self.servers.get(&peer), self.clients.get(&peer)) {
            (Some(Ok(found)), _) => Some(Abilities::of_server(&*found.peer, DEVIATIONS)),
            (_, Some(Ok(found))) => Some(Abilities::of_client(&*found.peer, DEVIATIONS)),
            _ => None,
        }
    }

    /// Where a peer runs; `None` when it is missing.
    pub fn place(&self, peer: PeerName) -> Option<Place> {
        fn place<P: ?Sized>(registry: &Searched<P>, peer: PeerName) -> Option<Place> {
            Some(registry.get(&peer)?.as_ref().ok()?.place)
        }
        place(&self.servers, peer).or_else(|| place(&self.clients, peer))
    }

    /// Whether a peer is there.
    pub fn has(&self, peer: PeerName) -> bool {
        self.place(peer).is_some()
    }

    /// Why no container of a firewall's image can be started.
    pub(crate) fn lacks(&self, image: &FirewallImage) -> Option<String> {
        self.without.get(&image.image).cloned()
    }

    /// A peer that was looked for, where it is there.
    pub fn present(&self, peer: PeerName) -> Option<Present> {
        let mut inventory = self.inventory().into_iter().flatten();
        inventory.find(|present| present.peer == peer)
    }

    /// Every peer that was looked for, or why it cannot be used.
    pub fn inventory(&self) -> Vec<Result<Present, PeerMissing>> {
        let servers = self
            .servers
            .iter()
            .map(|(peer, found)| present(*peer, found, |server| server.version()));
        let clients = self
            .clients
            .iter()
            .map(|(peer, found)| present(*peer, found, |client| client.version()));
        servers.chain(clients).collect()
    }
}

fn present<P: ?Sized>(
    peer: PeerName,
    found: &Result<Found<P>, PeerMissing>,
    version: impl FnOnce(&P) -> String,
) -> Result<Present, PeerMissing> {
    let found = found.as_ref().map_err(Clone::clone)?;
    Ok(Present {
        peer,
        version: version(&found.peer),
        place: found.place,
    })
}

fn taken<P: ?Sized>(
    registry: &Searched<P>,
    peer: PeerName,
    role: &str,
) -> Result<Arc<P>, PeerMissing> {
    match registry.get(&peer) {
        Some(Ok(found)) => Ok(Arc::clone(&found.peer)),
        Some(Err(missing)) => Err(missing.clone()),
        None => Err(PeerMissing {
            peer,
            why: format!("it is no {role}"),
            remedy: format!("name a {role}"),
        }),
    }
}

/// Puts a peer of containers in the place of what was found on the host. A peer that is
/// nowhere is missing for both reasons.
fn put<P: ?Sized>(
    registry: &mut Searched<P>,
    peer: PeerName,
    found: Result<Arc<P>, PeerMissing>,
    placement: Placement,
) {
    let place = Place::Container;
    let found = match (found, registry.get(&peer)) {
        (Ok(peer), _) => Ok(Found { peer, place }),
        (Err(contained), Some(Err(host))) if placement.place.is_none() => Err(PeerMissing {
            peer,
            why: format!("{}; and in a container: {}", host.why, contained.why),
            remedy: format!("{}, or: {}", host.remedy, contained.remedy),
        }),
        (Err(missing), _) => Err(missing),
    };
    registry.insert(peer, found);
}

fn without_engine(peer: PeerName, none: &NoEngine) -> PeerMissing {
    PeerMissing {
        peer,
        why: none.why.clone(),
        remedy: none.remedy.clone(),
    }
}

impl fmt::Debug for PeerRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.servers.keys().chain(self.clients.keys()))
            .finish()
    }
}
