//! One cell: everything fresh, one transfer, its evidence, its judgement.

mod expectations;
mod fault;
mod session;
mod sinks;
mod steps;
mod timeline;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use fwlab_fabric::{Fabric, Node};
use fwlab_ftp::{
    Client, ClientReport, Content, FailureKind, PassivePorts, Paused, Pauses, RunningServer,
    Server, ServerSettings, Support, TransferSpec,
};
use fwlab_observe::{Event, Observer, ObserverSettings};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::evidence::Evidence;
use crate::judge::{ClientEnd, Finding, GRACE, judge};
use crate::patience::{CLIENT_PATIENCE, Patience, STALL};
use crate::peers::PeerShelf;
use crate::plan::Cell;
use crate::record::{CellRecord, Judgement};
use crate::rules::{CellRules, Loader, lacks};

use fault::Fault;
use session::Session;
use steps::Stagehand;

/// How many events are taken in before anything is done about them.
const BATCH: usize = 256;

/// The name of the file that every transfer moves.
const FILE_NAME: &str = "fwlab.bin";

/// What every cell of a run needs.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) peers: PeerShelf,
    pub(crate) loader: Loader,
    pub(crate) patience: Patience,
    pub(crate) keep_evidence: bool,
    pub(crate) observation: ObserverSettings,
}

impl Workshop {
    /// Runs a cell. Whatever goes wrong in the lab is in the record, never lost and never an outcome.
    pub(crate) async fn run(&self, cell: &Cell, rules: &CellRules) -> CellRecord {
        let started = Instant::now();
        let (judgement, evidence, notes) = match self.attempt(cell, rules).await {
            Ok(ran) => (held_against(cell, ran.finding), ran.evidence, ran.notes),
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
        } = Peers::of(cell, &self.peers)?;
        let early = self.patience == Patience::Early && rules.impurities().next().is_none();
        let full = |impurity: &String| format!("full patience: {impurity}");
        let mut notes: Vec<String> = rules.first.notes.clone();
        notes.extend(rules.impurities().map(full));

        let fabric = Fabric::build(&stage.topology).await?;
        let node = |name| {
            fabric.node(name).ok_or_else(|| Fault::NoNode {
                name: Clone::clone(name),
            })
        };
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
            self.loader
                .load(&fabric, &rules.first)
                .await
                .map_err(Fault::from)
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

        let mut session = Session::new(cell, ends, &rules.first, &fabric, &observers, early);
        let stagehand = Stagehand {
            cell,
            rules,
            loader: &self.loader,
        };
        stagehand.act(None, &mut session, &mut events).await?;
        let (pauses, mut paused) = Pauses::new();
        spec.pauses = spec.pauses.take().map(|_| pauses);
        let client_node = node(&stage.client)?;
        let report = {
            let mut transfer = std::pin::pin!(client.transfer(client_node, &spec));
            drive(
                &mut session,
                &mut events,
                stagehand,
                &mut paused,
                transfer.as_mut(),
            )
            .await?
        };
        take_what_is_there(&mut session, &mut events).await?;
        let end = match report {
            None => ClientEnd::Cut,
            Some(mut report) => {
                let announcements = std::mem::take(&mut report.announcements);
                session.told_by_client(report.progress.take(), announcements);
                end_of(&spec, report, server.as_mut(), &mut notes).await?
            }
        };
        let finding = judge(
            session.watch(),
            &end,
            session.events_lost(),
            session.rulebook(),
        );
        notes.extend(session.notes());
        let passed = matches!(&finding, Finding::Outcome(outcome) if end == ClientEnd::Done && outcome.cause.kind() == "none");
        let evidence = if passed && !self.keep_evidence {
            Evidence::default()
        } else {
            session.timeline(&finding)
        };
        Ok(Ran {
            finding,
            evidence,
            notes,
        })
    }
}

/// The nodes with something to observe: a mere switch decides nothing, and whatever it
/// carries is seen where it comes from and where it arrives.
fn observed(fabric: &Fabric) -> impl Iterator<Item = &Node> {
    fabric.nodes().filter(|node| !node.addresses().is_empty())
}

/// Takes in everything that the kernel had queued by now.
async fn take_what_is_there(
    session: &mut Session<'_>,
    events: &mut UnboundedReceiver<Event>,
) -> Result<(), Fault> {
    session.drain().await?;
    let mut rest = Vec::new();
    while tokio::task::unconstrained(events.recv_many(&mut rest, BATCH))
        .now_or_never()
        .is_some_and(|n| n > 0)
    {
        for event in rest.drain(..) {
            session.take(event).await?;
        }
    }
    Ok(())
}

/// Why a cell would be skipped, as far as is known without running it.
pub(crate) fn skip_reason(cell: &Cell, shelf: &PeerShelf) -> Option<String> {
    let ruleset = &cell.scenario.rulesets[cell.ruleset];
    lacks(ruleset, cell.axes.backend)
        .or_else(|| Peers::of(cell, shelf).err().map(|fault| fault.in_words()))
}

/// The two peers of a cell, and what they are told.
struct Peers {
    server: Arc<dyn Server>,
    client: Arc<dyn Client>,
    spec: TransferSpec,
    settings: ServerSettings,
    ends: ControlEnds,
}

impl Peers {
    fn of(cell: &Cell, shelf: &PeerShelf) -> Result<Peers, Fault> {
        let ends = ControlEnds::of(cell)?;
        let spec = transfer_of(cell, ends);
        let settings = settings_of(cell, ends, &spec);
        let server = shelf.server(cell.axes.server)?;
        let client = shelf.client(cell.axes.client)?;
        supported(cell.axes.server, server.supports(&spec, &settings))?;
        supported(cell.axes.client, client.supports(&spec))?;
        Ok(Peers {
            server,
            client,
            spec,
            settings,
            ends,
        })
    }
}

struct Ran {
    finding: Finding,
    evidence: Evidence,
    notes: Vec<String>,
}

fn supported(peer: fwlab_ftp::PeerName, support: Support) -> Result<(), Fault> {
    match support {
        Support::Yes => Ok(()),
        Support::No { why } => Err(Fault::NotSupported(format!(
            "not supported by {peer}: {why}"
        ))),
    }
}

/// Lets the client work and the kernel report, until the client is done, or the
/// cell is decided and the client has had its grace.
async fn drive<'a>(
    session: &mut Session<'a>,
    events: &mut UnboundedReceiver<Event>,
    stagehand: Stagehand<'a>,
    paused: &mut UnboundedReceiver<Paused>,
    mut transfer: std::pin::Pin<
        &mut (impl Future<Output = Result<ClientReport, fwlab_ftp::PeerError>> + ?Sized),
    >,
) -> Result<Option<ClientReport>, Fault> {
    let mut cut: Option<tokio::time::Instant> = None;
    // In batches by `recv_many` and never by `try_recv`: that one parks the thread while a
    // sender is in the middle of sending, and eats the wake-up of a `block_on` on it.
    let mut batch = Vec::new();
    loop {
        let stall = tokio::time::Instant::now() + STALL;
        let wake = cut.map_or(stall, |cut| cut.min(stall));
        tokio::select! {
            biased;
            1.. = events.recv_many(&mut batch, BATCH) => {
                for event in batch.drain(..) {
                    session.take(event).await?;
                }
                if session.end_dead_connections().await? && cut.is_none() {
                    cut = Some(tokio::time::Instant::now() + GRACE);
                }
            }
            Some(client) = paused.recv() => {
                stagehand.act(Some(client.moment), session, events).await?;
                client.go_on();
            }
            report = transfer.as_mut() => return Ok(Some(report?)),
            () = tokio::time::sleep_until(wake) => {
                if cut.is_some_and(|cut| cut <= tokio::time::Instant::now()) {
                    return Ok(None);
                }
                session.stalled().await?;
            }
        }
    }
}

/// What the client's report amounts to: done only when the bytes are the right ones too.
async fn end_of(
    spec: &TransferSpec,
    report: ClientReport,
    server: &mut dyn RunningServer,
    notes: &mut Vec<String>,
) -> Result<ClientEnd, Fault> {
    let transferred = match report.result {
        Ok(transferred) => transferred,
        Err(failure) => {
            if let FailureKind::Fallback { used } = &failure.kind {
                let used: Vec<&str> = used.iter().map(|setup| setup.word()).collect();
                notes.push(format!(
                    "the client used {} instead of {}",
                    used.join(", "),
                    spec.data_setup
                ));
            }
            return Ok(ClientEnd::Failed(failure.to_string()));
        }
    };
    let stored = if spec.operation.is_upload() {
        server.stored(spec.content.name()).await?
    } else {
        None
    };
    match spec.verify(&transferred, stored) {
        Ok(()) => Ok(ClientEnd::Done),
        Err(mismatch) => Err(Fault::Mismatch(mismatch)),
    }
}

fn transfer_of(cell: &Cell, ends: ControlEnds) -> TransferSpec {
    let scenario = &cell.scenario;
    TransferSpec {
        server: ends.connect_to,
        data_setup: cell.axes.data,
        protection: cell.axes.protection,
        session_reuse: scenario.client.session_reuse,
        passive_address: scenario.client.passive_address,
        operation: cell.axes.operation,
        content: Content::new(FILE_NAME, scenario.size)
            .expect("the reader admits no larger content"),
        active_ports: scenario.client.active_ports.clone(),
        pauses: scenario
            .steps
            .iter()
            .any(|step| step.at.is_some())
            .then(|| Pauses::new().0),
        patience: CLIENT_PATIENCE,
        pace: scenario
            .client
            .read_pace
            .and_then(std::num::NonZeroU64::new),
    }
}

fn settings_of(cell: &Cell, ends: ControlEnds, spec: &TransferSpec) -> ServerSettings {
    let scenario = &cell.scenario;
    ServerSettings {
        address: ends.listening.ip(),
        control_port: scenario.server.control_port,
        passive_ports: scenario
            .server
            .passive_ports
            .map(|(min, max)| PassivePorts { min, max }),
        advertised_address: scenario.server.advertised_address,
        protection: spec.protection,
        certificate: scenario.server.certificate.clone(),
        require_session_reuse: scenario.server.require_session_reuse,
        data_source_port: scenario.server.data_source_port,
        stored: spec.stored_before(),
        alone_in_node: scenario.stage.client != scenario.stage.server,
        options: scenario
            .server
            .options
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    }
}

/// Where a cell's control connection goes to. Behind NAT the two are not the same.
#[derive(Debug, Clone, Copy)]
struct ControlEnds {
    /// What the client connects to.
    connect_to: SocketAddr,
    /// What the server listens on.
    listening: SocketAddr,
}

impl ControlEnds {
    fn of(cell: &Cell) -> Result<ControlEnds, Fault> {
        let (scenario, family) = (&cell.scenario, cell.axes.family);
        let addresses = scenario.stage.connect_to(family);
        let (connect_to, own) = addresses
            .zip(scenario.stage.listens_on(family))
            .ok_or(Fault::NoAddress { family })?;
        Ok(ControlEnds {
            connect_to,
            listening: SocketAddr::new(own, scenario.server.control_port),
        })
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
