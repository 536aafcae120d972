//! One cell: everything fresh, one transfer, its evidence, its judgement.

mod barrier;
mod drive;
mod ends;
mod expectations;
mod fault;
mod firewall;
mod peers;
mod sent;
mod session;
mod sinks;
mod steps;
mod timeline;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use fwlab_fabric::{Fabric, Node};
use fwlab_ftp::deviation::Deviation;
use fwlab_ftp::{
    ClientReport, FailureKind, Pauses, PeerError, PeerName, RunningServer, TransferSpec,
};
use fwlab_model::{DataSetup, NodeName, Outcome, Topology};
use fwlab_observe::{Observer, ObserverSettings};
use tokio::sync::mpsc::unbounded_channel;

use crate::deviating::{Sought, with_deviations};
use crate::evidence::Evidence;
use crate::judge::{ClientEnd, Finding, judge};
use crate::patience::Patience;
use crate::peers::PeerShelf;
use crate::plan::Cell;
use crate::record::{CellRecord, Judgement};
use crate::rules::{CellRules, Loader, lacks};
use crate::scenario::Requirement;

use barrier::Barrier;
use drive::{Transfer, drive, take_what_is_there};
use fault::Fault;
use firewall::ImageFirewall;
use peers::Peers;
use session::Session;
use steps::Stagehand;

/// What every cell of a run needs.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) peers: PeerShelf,
    pub(crate) loader: Loader,
    pub(crate) deviations: &'static [Deviation],
    pub(crate) patience: Patience,
    pub(crate) keep_evidence: bool,
    pub(crate) observation: ObserverSettings,
}

impl Workshop {
    /// Runs a cell. Whatever goes wrong in the lab is in the record, never lost and never an outcome.
    pub(crate) async fn run(&self, cell: &Cell, rules: &CellRules) -> CellRecord {
        let started = Instant::now();
        let (judgement, evidence, notes) = match self.attempt(cell, rules).await {
            Ok(Ran {
                finding,
                evidence,
                mut notes,
                sought,
            }) => {
                let judgement = held_against(cell, finding);
                let judgement = with_deviations(judgement, &sought, &mut notes);
                (judgement, evidence, notes)
            }
            Err(Fault::NotSupported(why)) => {
                (Judgement::Skipped { why }, Evidence::default(), Vec::new())
            }
            Err(fault) => (
                Judgement::Inconclusive {
                    why: fault.in_words(),
                },
                Evidence::default(),
                Vec::new(),
            ),
        };
        CellRecord {
            axes: cell.axes.clone(),
            places: [cell.axes.server, cell.axes.client].map(|peer| self.peers.place(peer)),
            judgement,
            requirement: cell.requirement.as_ref().map(ToString::to_string),
            evidence,
            took: started.elapsed(),
            notes,
        }
    }

    async fn attempt(&self, cell: &Cell, rules: &CellRules) -> Result<Ran, Fault> {
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
        let early = self.patience == Patience::Early;
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
        let (observers, (), mut server) = tokio::try_join!(observe, load, serve)?;
        if rules.first.may_flush() {
            for observer in &observers {
                observer.reload_table().await?;
            }
        }

        let clients: Vec<&NodeName> = clients(&stage.topology, &stage.client).collect();
        let mut sessions: Vec<Session<'_>> = clients
            .iter()
            .map(|client| {
                Session::new(cell, client, ends, &rules.first, &fabric, &observers, early)
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
        let mut findings = Vec::new();
        for (session, report) in sessions.iter_mut().zip(reports) {
            let (end, came_through) = match report {
                None => (ClientEnd::Cut, None),
                Some(mut report) => {
                    let announcements = std::mem::take(&mut report.announcements);
                    session.told_by_client(report.progress.take(), announcements);
                    end_of(&spec, report, server.as_mut(), &mut notes).await?
                }
            };
            let end = match end {
                ClientEnd::Done if session.has_meddled() => ClientEnd::Failed(
                    "it was done when the lab had ended a connection of its session".to_owned(),
                ),
                end => end,
            };
            let (lost, rulebook) = (session.events_lost(), session.rulebook());
            let mut finding = judge(session.watch(), &end, lost, rulebook);
            // What a client does when the lab has ended a connection is not what it does when nobody has.
            if let Finding::Outcome(outcome) = &mut finding
                && !session.has_meddled()
            {
                outcome.came_through = came_through;
            }
            findings.push(session.doubted(finding));
            notes.extend(session.notes());
        }
        let session = sessions.swap_remove(0);
        let finding = in_unison(&clients, findings);
        if matches!(finding, Finding::Inconclusive(_)) {
            let words = last_lines(&server.last_words().await);
            if !words.is_empty() {
                notes.push(format!("the server's last words: {words}"));
            }
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
        let passed =
            matches!(&finding, Finding::Outcome(outcome) if outcome.cause.kind() == "none");
        let unwanted = |requirement: &Requirement| match &finding {
            Finding::Outcome(outcome) => !requirement.differences(outcome).is_empty(),
            Finding::Inconclusive(_) => false,
        };
        let missed = cell.requirement.as_ref().is_some_and(unwanted);
        let evidence = if passed && !missed && !self.keep_evidence {
            Evidence::default()
        } else {
            session.timeline(&finding)
        };
        Ok(Ran {
            finding,
            evidence,
            notes,
            sought,
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

/// What clients that do the same at one time come to: one outcome, or the lab cannot tell which.
fn in_unison(clients: &[&NodeName], findings: Vec<Finding>) -> Finding {
    let mut findings = findings.into_iter();
    let first = findings.next().expect("there is a client");
    for (client, other) in clients.iter().skip(1).zip(findings) {
        let differs = match (&first, &other) {
            (Finding::Outcome(first), Finding::Outcome(other)) => {
                let kind = |outcome: &Outcome| {
                    let Outcome {
                        symptom,
                        phase,
                        came_through,
                        ..
                    } = outcome;
                    (*symptom, *phase, *came_through, outcome.cause.kind())
                };
                kind(first) != kind(other)
            }
            (Finding::Outcome(_), Finding::Inconclusive(_)) => true,
            (Finding::Inconclusive(_), _) => false,
        };
        if differs {
            let words = |finding: &Finding| match finding {
                Finding::Outcome(outcome) => outcome.to_string(),
                Finding::Inconclusive(why) => why.clone(),
            };
            return Finding::Inconclusive(format!(
                "{} and {client} did the same, and it ended in two ways: {}; and {}",
                clients[0],
                words(&first),
                words(&other)
            ));
        }
    }
    first
}

struct Ran {
    finding: Finding,
    evidence: Evidence,
    notes: Vec<String>,
    sought: Vec<Sought>,
}

/// The end of a log, short enough for a note.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("\n    ")
}

/// What the client's report amounts to: done only when the bytes are the right ones too. And the data setup by which
/// they came where the client fell back to another.
async fn end_of(
    spec: &TransferSpec,
    report: ClientReport,
    server: &mut dyn RunningServer,
    notes: &mut Vec<String>,
) -> Result<(ClientEnd, Option<DataSetup>), Fault> {
    let (transferred, fell_back) = match report.result {
        Ok(transferred) => (transferred, None),
        Err(failure) => {
            let words = failure.to_string();
            let FailureKind::Fallback { used, transferred } = failure.kind else {
                return Ok((ClientEnd::Failed(words), None));
            };
            let in_words: Vec<&str> = used.iter().map(|setup| setup.word()).collect();
            notes.push(format!(
                "the client used {} instead of {}",
                in_words.join(", "),
                spec.data_setup
            ));
            match (transferred, used.last()) {
                (Some(transferred), Some(last)) => (transferred, Some((words, *last))),
                _ => return Ok((ClientEnd::Failed(words), None)),
            }
        }
    };
    let stored = if spec.operation.is_upload() {
        server.stored(spec.content.name()).await?
    } else {
        None
    };
    match (spec.verify(&transferred, stored), fell_back) {
        (Ok(()), None) => Ok((ClientEnd::Done, None)),
        (Ok(()), Some((words, setup))) => Ok((ClientEnd::Failed(words), Some(setup))),
        (Err(mismatch), _) => Err(Fault::Mismatch(mismatch)),
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
        Judgement::Met(outcome)
    } else {
        Judgement::Missed {
            outcome,
            differences,
        }
    }
}
