//! One cell: everything fresh, one transfer, its evidence, its judgement.

mod barrier;
mod by_chance;
mod drive;
mod ends;
mod expectations;
mod fault;
mod firewall;
mod guard;
mod neighbours;
mod packets;
mod peers;
mod sent;
mod session;
mod sinks;
mod steps;
mod timeline;
mod unison;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fwlab_fabric::{Fabric, Node, neighbour_overflows};
use fwlab_ftp::deviation::Deviation;
use fwlab_ftp::{ClientReport, FailureKind, Pauses, PeerError, RunningServer, TransferSpec};
use fwlab_judge::{ClientEnd, Ending, Finding, Stream};
use fwlab_model::Topology;
use fwlab_observe::{Observer, ObserverSettings};
use fwlab_record::{
    Cause, CellRecord, Chance, Evidence, Judgement, NodeName, NotRun, PeerName, SchemaVersion,
    Versions,
};
use fwlab_scenario::Requirement;
use fwlab_scenario::plan::Cell;
use tokio::sync::mpsc::unbounded_channel;

use crate::deviating::{Sought, with_deviations};
use crate::patience::Patience;
use crate::peers::PeerShelf;
use crate::rules::{CellRules, Loader, lacks};
use crate::waits::Waits;

use barrier::Barrier;
use by_chance::by_chance;
use drive::{Transfer, drive, take_what_is_there};
use fault::Fault;
use firewall::ImageFirewall;
use guard::guarded;
use neighbours::without_neighbours;
use packets::PacketRecorder;
pub use packets::Packets;
use peers::Peers;
use session::{Session, SessionSettings};
use steps::Stagehand;
use unison::in_unison;

/// The longest that a cell may take, whatever its peers do: each step of it has a deadline of its own, and all of them together
/// are far from this.
const DEADLINE: Duration = Duration::from_secs(900);

/// What every cell of a run needs.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) peers: PeerShelf,
    pub(crate) loader: Loader,
    pub(crate) deviations: &'static [Deviation],
    pub(crate) patience: Patience,
    pub(crate) keep_evidence: bool,
    pub(crate) keep_streams: bool,
    pub(crate) keep_packets: bool,
    /// The kernel's release.
    pub(crate) kernel: String,
    pub(crate) observation: ObserverSettings,
}

impl Workshop {
    /// Runs a cell. Whatever goes wrong in the lab is in the record, never lost and never an outcome.
    pub(crate) async fn run(&self, cell: &Cell, rules: &CellRules, waits: &Waits) -> Recorded {
        let started = Instant::now();
        let overflows = neighbour_overflows();
        let ran = guarded(self.attempt(cell, rules, waits), DEADLINE).await;
        let [server_place, client_place] =
            [cell.axes.server, cell.axes.client].map(|peer| self.peers.place(peer));
        let mut record = CellRecord {
            server_place,
            client_place,
            versions: Versions {
                kernel: Some(self.kernel.clone()),
                loader: rules.first.loader().map(str::to_owned),
                ..Versions::default()
            },
            took: started.elapsed(),
            ..record_of(cell, Judgement::NotRun(NotRun::stopped()))
        };
        let mut streams = Vec::new();
        let mut packets = None;
        match ran {
            Ok(mut ran) => {
                let finding = if neighbour_overflows() == overflows {
                    ran.finding
                } else {
                    without_neighbours(ran.finding)
                };
                let judgement = held_against(cell, finding);
                record.judgement = with_deviations(judgement, &ran.sought, &mut ran.notes);
                record.evidence = ran.evidence;
                record.notes = ran.notes;
                record.chance = ran.chance;
                record.versions.loader = ran.loader;
                record.versions.server = Some(ran.server_version);
                record.versions.client = Some(ran.client_version);
                streams = ran.streams;
                packets = ran.packets;
            }
            Err(Fault::NotSupported(why)) => record.judgement = Judgement::Skipped { why },
            Err(fault) => {
                let why = fault.in_words();
                record.judgement = Judgement::Inconclusive { why };
            }
        }
        Recorded {
            record,
            streams,
            packets,
        }
    }

    async fn attempt(&self, cell: &Cell, rules: &CellRules, waits: &Waits) -> Result<Ran, Fault> {
        if let Some(lacks) = rules.lacks() {
            return Err(Fault::NotSupported(lacks.clone()));
        }
        let stage = &cell.scenario.stage;
        let Peers {
            server,
            client,
            mut spec,
            settings,
            ends,
            deviations,
        } = Peers::of(cell, &self.peers, self.deviations)?;

        // Before the fabric, and so dropped after it: what is a node goes after its links.
        let housed = async { Ok(tokio::try_join!(server.housed(&settings), client.housed())?) };
        let (image, (housed_server, housed_client)) =
            tokio::try_join!(ImageFirewall::of(cell), housed)?;
        let mut namespaces = BTreeMap::new();
        if let Some(housed) = &housed_client {
            namespaces.insert(stage.client.clone(), housed.namespace.clone());
        }
        // Where both run on one node, it is the server's.
        if let Some(housed) = &housed_server {
            namespaces.insert(stage.server.clone(), housed.namespace.clone());
        }
        if let Some(image) = &image {
            let taken = namespaces.insert(image.node().clone(), image.namespace.clone());
            if taken.is_some() {
                return Err(Fault::NotSupported(format!(
                    "{} is the firewall's container, and a cold peer would be another there",
                    image.node()
                )));
            }
        }
        let server = housed_server
            .as_ref()
            .map_or(&*server, |housed| &*housed.peer);
        let client = housed_client
            .as_ref()
            .map_or(&*client, |housed| &*housed.peer);
        let server_version = server.version();
        let fabric = Fabric::build_with(&stage.topology, namespaces).await?;
        let node = |name| {
            fabric.node(name).ok_or_else(|| Fault::NoNode {
                name: Clone::clone(name),
            })
        };
        let rules = &match &image {
            None => rules.clone(),
            Some(image) => CellRules {
                first: Arc::new(image.rules(cell, &fabric, &self.loader).await?),
                later: BTreeMap::new(),
            },
        };
        let mut notes: Vec<String> = rules.first.notes.clone();
        notes.extend(barrier::out_of_step(cell));
        let (sender, mut events) = unbounded_channel();
        let mut control_ports = vec![ends.connect_to.port(), ends.listening.port()];
        control_ports.dedup();
        let observation = ObserverSettings {
            control_ports,
            ..self.observation.clone()
        };
        let observe = async {
            let starts =
                observed(&fabric).map(|node| Observer::start(node, &observation, sender.clone()));
            futures::future::try_join_all(starts)
                .await
                .map_err(Fault::from)
        };
        let load = async {
            // What an image loads is loaded by now.
            if image.is_none() {
                self.loader.load(&fabric, &rules.first).await?;
            }
            Ok::<_, Fault>(())
        };
        let serve = async {
            server
                .start(node(&stage.server)?, &settings)
                .await
                .map_err(Fault::from)
        };
        let record = async {
            if !self.keep_packets {
                return Ok(None);
            }
            let recorder = PacketRecorder::start(&fabric, observed(&fabric)).await;
            recorder.map(Some).map_err(Fault::from)
        };
        let (observers, (), mut server, recorder) = tokio::try_join!(observe, load, serve, record)?;
        spec.tls_secrets = recorder.as_ref().map(|one| one.tls_secrets.clone());
        if rules.first.may_flush() {
            for observer in &observers {
                observer.reload_table().await?;
            }
        }

        let clients: Vec<&NodeName> = clients(&stage.topology, &stage.client).collect();
        let mut sessions: Vec<Session<'_>> = clients
            .iter()
            .map(|client| {
                let settings = SessionSettings {
                    early: self.patience == Patience::Early,
                    keep_stream: self.keep_streams,
                    waits: waits.clone(),
                };
                Session::new(
                    cell,
                    client,
                    ends,
                    &rules.first,
                    &fabric,
                    &observers,
                    settings,
                )
            })
            .collect();
        if let Some(image) = &image {
            for session in &mut sessions {
                session.remark(image.node(), image.remark());
            }
        }
        let stagehand = Stagehand {
            cell,
            rules,
            loader: &self.loader,
            waits,
        };
        stagehand.act(None, &mut sessions, &mut events).await?;
        let (pauses, paused) = Pauses::at(barrier::moments(cell));
        spec.pauses = spec.pauses.take().map(|_| pauses);
        let reports = {
            let mut transfers: Vec<Transfer<'_>> = Vec::new();
            for name in &clients {
                transfers.push(client.transfer(node(name)?, &spec));
            }
            let mut barrier = Barrier::of(cell, paused, server.as_mut());
            let reports = drive(
                &mut sessions,
                &mut events,
                stagehand,
                &mut barrier,
                transfers,
            )
            .await?;
            notes.extend(barrier.lost_step());
            reports
        };
        take_what_is_there(&mut sessions, &mut events).await?;
        // Before anything is made of what the client met.
        if let Some(how) = server.died().await {
            let peer = cell.axes.server;
            return Err(Fault::Peer(PeerError::Died { peer, how }));
        }
        if let Some(image) = &image {
            image.was(&rules.first, cell, &fabric, &self.loader).await?;
        }
        let packets = match recorder {
            Some(recorder) => Some(recorder.end().await),
            None => None,
        };
        let secret = spec.login.secret();
        let mut findings = Vec::new();
        let mut streams = Vec::new();
        for (session, report) in sessions.iter_mut().zip(reports) {
            let ending = match report {
                None => Ending::of(ClientEnd::Cut),
                Some(report) => ending(&spec, report, server.as_mut(), &mut notes).await?,
            };
            let finding = session.judged(&ending);
            streams.extend(session.stream(cell, &ending, &finding, &secret));
            findings.push(finding);
            notes.extend(session.notes());
        }
        let session = sessions.swap_remove(0);
        let mut finding = in_unison(&clients, findings);
        let by_chance = by_chance(cell, &rules.first, &finding, session.watch());
        let chance = by_chance.iter().map(|one| one.chance).collect();
        notes.extend(by_chance.into_iter().map(|one| one.note));
        if let Finding::Inconclusive(why) = &mut finding {
            *why = secret.masked(why);
            let words = last_lines(&server.last_words().await);
            if !words.is_empty() {
                notes.push(format!("the server's last words: {words}"));
            }
        }
        for note in &mut notes {
            *note = secret.masked(note);
        }
        let version = |peer: PeerName| {
            if peer.is_server() {
                server_version.clone()
            } else {
                client.version()
            }
        };
        let sought = deviations
            .into_iter()
            .map(|deviation| Sought {
                deviation,
                version: version(deviation.peer),
                showing: session.showing(deviation.sign),
            })
            .collect();
        let passed = matches!(&finding, Finding::Outcome(outcome) if outcome.cause == Cause::None);
        let unwanted = |requirement: &Requirement| match &finding {
            Finding::Outcome(outcome) => !requirement.differences(outcome).is_empty(),
            Finding::Inconclusive(_) => false,
        };
        let missed = cell.requirement.as_ref().is_some_and(unwanted);
        let evidence = if passed && !missed && !self.keep_evidence {
            Evidence::default()
        } else {
            session.evidence(&finding)
        };
        Ok(Ran {
            finding,
            evidence,
            notes,
            chance,
            sought,
            loader: rules.first.loader().map(str::to_owned),
            server_version,
            client_version: client.version(),
            streams,
            packets,
        })
    }
}

/// The nodes with something to observe: a mere switch decides nothing, and whatever it
/// carries is seen where it comes from and where it arrives.
fn observed(fabric: &Fabric) -> impl Iterator<Item = &Node> {
    fabric.nodes().filter(|node| !node.addresses().is_empty())
}

/// Why a cell would be skipped, as far as is known without running it.
pub(crate) fn skip_reason(
    cell: &Cell,
    shelf: &PeerShelf,
    deviations: &[Deviation],
) -> Option<String> {
    let ruleset = &cell.scenario.rulesets[cell.ruleset];
    lacks(ruleset, cell.axes.backend)
        .or_else(|| shelf.lacks(ruleset.image()?))
        .or_else(|| {
            let peers = Peers::of(cell, shelf, deviations);
            peers.err().map(|fault| fault.in_words())
        })
}

/// The nodes that run a client: the cell's, and those beside it, `client2`, `client3`, ….
fn clients<'a>(topology: &'a Topology, first: &'a NodeName) -> impl Iterator<Item = &'a NodeName> {
    let is_another = |name: &&NodeName| {
        let number = name.as_str().strip_prefix(NodeName::client().as_str());
        number.is_some_and(|number| number.parse::<u8>().is_ok())
    };
    let names = topology.nodes.iter().map(|node| &node.name);
    std::iter::once(first).chain(names.filter(is_another).filter(move |name| *name != first))
}

struct Ran {
    finding: Finding,
    evidence: Evidence,
    notes: Vec<String>,
    chance: Vec<Chance>,
    sought: Vec<Sought>,
    /// What loaded the rules: the lab's, or an image's own.
    loader: Option<String>,
    server_version: String,
    client_version: String,
    streams: Vec<Stream>,
    packets: Option<Packets>,
}

/// A cell's record; and what its judge was told, a stream a client, and its packets, where these are kept.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) record: CellRecord,
    pub(crate) streams: Vec<Stream>,
    pub(crate) packets: Option<Packets>,
}

/// The end of a log, short enough for a note.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("\n    ")
}

/// What the client's report amounts to: done only when the bytes are the right ones too. And the data setup by which
/// they came where the client fell back to another.
async fn ending(
    spec: &TransferSpec,
    report: ClientReport,
    server: &mut dyn RunningServer,
    notes: &mut Vec<String>,
) -> Result<Ending, Fault> {
    let ending = |client, came_through| Ending {
        client,
        came_through,
        progress: report.progress,
        announcements: report.announcements,
    };
    let (transferred, fell_back) = match report.result {
        Ok(transferred) => (transferred, None),
        Err(failure) => {
            let words = failure.to_string();
            let FailureKind::Fallback { used, transferred } = failure.kind else {
                return Ok(ending(ClientEnd::Failed(words), None));
            };
            let in_words: Vec<&str> = used.iter().map(|setup| setup.word()).collect();
            notes.push(format!(
                "the client used {} instead of {}",
                in_words.join(", "),
                spec.data_setup
            ));
            match (transferred, used.last()) {
                (Some(transferred), Some(last)) => (transferred, Some((words, *last))),
                _ => return Ok(ending(ClientEnd::Failed(words), None)),
            }
        }
    };
    let stored = if spec.operation.is_upload() {
        server.stored(spec.content.name()).await?
    } else {
        None
    };
    match (spec.verify(&transferred, stored), fell_back) {
        (Ok(()), None) => Ok(ending(ClientEnd::Done, None)),
        (Ok(()), Some((words, setup))) => Ok(ending(ClientEnd::Failed(words), Some(setup))),
        (Err(mismatch), _) => Err(Fault::Mismatch(mismatch)),
    }
}

/// The record of a cell of which nothing is known but what it is.
pub(crate) fn record_of(cell: &Cell, judgement: Judgement) -> CellRecord {
    CellRecord {
        schema: SchemaVersion,
        axes: cell.axes.clone(),
        server_place: None,
        client_place: None,
        judgement,
        requirement: cell.requirement.as_ref().map(ToString::to_string),
        notes: Vec::new(),
        chance: Vec::new(),
        versions: Versions::default(),
        took: Duration::ZERO,
        evidence: Evidence::default(),
    }
}

fn held_against(cell: &Cell, finding: Finding) -> Judgement {
    let outcome = match finding {
        Finding::Inconclusive(why) => return Judgement::Inconclusive { why },
        Finding::Outcome(outcome) => outcome,
    };
    let Some(requirement) = &cell.requirement else {
        return Judgement::Reported(outcome);
    };
    let differences = requirement.differences(&outcome);
    if differences.is_empty() {
        Judgement::met(outcome)
    } else {
        Judgement::Missed {
            outcome,
            why: differences.join("; "),
        }
    }
}
