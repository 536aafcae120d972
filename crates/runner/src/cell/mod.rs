//! One cell: everything fresh, one transfer, its evidence, its judgement.

mod barrier;
mod by_chance;
mod drive;
mod ends;
mod expectations;
mod fault;
mod firewall;
mod guard;
mod lab;
mod merged;
mod namespaces;
mod neighbours;
mod packets;
mod peers;
mod sent;
mod session;
mod sinks;
mod steps;
mod timeline;
mod transferred;
mod verdict;

use std::time::{Duration, Instant};

use fwlab_fabric::neighbour_overflows;
use fwlab_ftp::deviation::Deviation;
use fwlab_judge::{Finding, Stream};
use fwlab_observe::ObserverSettings;
use fwlab_record::{CellRecord, Evidence, Judgement, NotRun, SchemaVersion, Versions};
use fwlab_scenario::plan::Cell;

use crate::deviating::with_deviations;
use crate::patience::Patience;
use crate::peers::PeerRegistry;
use crate::rules::{CellRules, Loader, lacks};
use crate::waits::Waits;

pub use by_chance::{is_about_port, settling_ports};
use fault::Fault;
use guard::guarded;
use lab::Lab;
use namespaces::Namespaces;
use neighbours::without_neighbours;
pub use packets::Packets;
use peers::Peers;
use transferred::Asked;
use verdict::Ran;

/// The longest that a cell may take, whatever its peers do: each step of it has a deadline of its own, and all of them together
/// are far from this.
const DEADLINE: Duration = Duration::from_secs(900);

/// What every cell of a run needs.
#[derive(Debug)]
pub(crate) struct CellRunner {
    pub(crate) peers: PeerRegistry,
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

impl CellRunner {
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

    /// A cell from its namespaces to its verdict. Whatever is made is dropped in the other order.
    async fn attempt(&self, cell: &Cell, rules: &CellRules, waits: &Waits) -> Result<Ran, Fault> {
        if let Some(lacks) = rules.lacks() {
            return Err(Fault::NotSupported(lacks.clone()));
        }
        let peers = Peers::of(cell, &self.peers, self.deviations)?;
        let namespaces = Namespaces::of(cell, &peers).await?;
        let mut lab = Lab::of(self, cell, rules, &peers, &namespaces).await?;
        let asked = Asked {
            cell_runner: self,
            cell,
            peers: &peers,
            namespaces: &namespaces,
            waits,
        };
        asked.transferred(&mut lab).await?.verdict(asked).await
    }
}

/// Why a cell would be skipped, as far as is known without running it.
pub(crate) fn skip_reason(
    cell: &Cell,
    registry: &PeerRegistry,
    deviations: &[Deviation],
) -> Option<String> {
    let ruleset = &cell.scenario.rulesets[cell.ruleset];
    lacks(ruleset, cell.axes.backend)
        .or_else(|| registry.lacks(ruleset.image()?))
        .or_else(|| {
            let peers = Peers::of(cell, registry, deviations);
            peers.err().map(|fault| fault.in_words())
        })
}

/// A cell's record; and what its judge was told, a stream a client, and its packets, where these are kept.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) record: CellRecord,
    pub(crate) streams: Vec<Stream>,
    pub(crate) packets: Option<Packets>,
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
