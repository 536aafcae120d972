//! The clients of a cell at work, from the first step of the scenario to the last event.

use fwlab_fabric::Fabric;
use fwlab_ftp::{ClientReport, Pauses, PeerError, RunningServer, TransferSpec};
use fwlab_model::Topology;
use fwlab_record::NodeName;
use fwlab_scenario::plan::Cell;

use super::CellRunner;
use super::barrier::{self, Barrier};
use super::drive::{Transfer, drive, take_what_is_there};
use super::fault::Fault;
use super::lab::{Lab, node_of};
use super::namespaces::Namespaces;
use super::packets::Packets;
use super::peers::Peers;
use super::session::{Session, SessionSettings};
use super::steps::StepRunner;
use crate::patience::Patience;
use crate::rules::CellRules;
use crate::waits::Waits;

/// What a cell is run with.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) cell_runner: &'a CellRunner,
    pub(super) cell: &'a Cell,
    pub(super) peers: &'a Peers,
    pub(super) namespaces: &'a Namespaces,
    pub(super) waits: &'a Waits,
}

/// What there is when all clients are done.
pub(super) struct Transferred<'l> {
    pub(super) rules: &'l CellRules,
    pub(super) server: &'l mut dyn RunningServer,
    pub(super) spec: TransferSpec,
    pub(super) clients: Vec<&'l NodeName>,
    /// One a client, and so are the reports: nothing of one that was cut short.
    pub(super) sessions: Vec<Session<'l>>,
    pub(super) reports: Vec<Option<ClientReport>>,
    pub(super) notes: Vec<String>,
    pub(super) packets: Option<Packets>,
}

impl<'a> Asked<'a> {
    /// Lets the clients work in a lab.
    pub(super) async fn transferred<'l>(self, lab: &'l mut Lab) -> Result<Transferred<'l>, Fault>
    where
        'a: 'l,
    {
        let Asked {
            cell_runner,
            cell,
            peers,
            namespaces,
            waits,
        } = self;
        let Lab {
            recorder,
            server,
            observers,
            events,
            rules,
            fabric,
        } = lab;
        let (rules, observers, fabric): (&CellRules, _, &Fabric) = (rules, &*observers, fabric);
        let mut spec = peers.spec.clone();
        spec.tls_secrets = recorder.as_ref().map(|one| one.tls_secrets.clone());
        let mut notes: Vec<String> = rules.first.notes.clone();
        notes.extend(barrier::out_of_step(cell));
        let deployment = &cell.scenario.deployment;
        let clients: Vec<&NodeName> = clients(&deployment.topology, &deployment.client).collect();
        let session = |client: &&'a NodeName| {
            let settings = SessionSettings {
                early: cell_runner.patience == Patience::Early,
                keep_stream: cell_runner.keep_streams,
                waits: waits.clone(),
            };
            let rules = &rules.first;
            Session::new(cell, client, peers.ends, rules, fabric, observers, settings)
        };
        let mut sessions: Vec<Session<'l>> = clients.iter().map(session).collect();
        if let Some(image) = &namespaces.image {
            for session in &mut sessions {
                session.remark(image.node(), image.remark());
            }
        }
        let stagehand = StepRunner {
            cell,
            rules,
            loader: &cell_runner.loader,
            waits,
        };
        stagehand.run_steps(None, &mut sessions, events).await?;
        let (pauses, paused) = Pauses::at(barrier::moments(cell));
        spec.pauses = spec.pauses.take().map(|_| pauses);
        let reports = {
            let client = namespaces.client(peers);
            let mut transfers: Vec<Transfer<'_>> = Vec::new();
            for name in &clients {
                transfers.push(client.transfer(node_of(fabric, name)?, &spec));
            }
            let mut barrier = Barrier::of(cell, paused, server.as_mut());
            let driven = drive(&mut sessions, events, stagehand, &mut barrier, transfers);
            let reports = driven.await?;
            notes.extend(barrier.lost_step());
            reports
        };
        take_what_is_there(&mut sessions, events).await?;
        // Before anything is made of what the client met.
        if let Some(how) = server.died().await {
            let peer = cell.axes.server;
            return Err(Fault::Peer(PeerError::Died { peer, how }));
        }
        if let Some(image) = &namespaces.image {
            let loader = &cell_runner.loader;
            image.was(&rules.first, cell, fabric, loader).await?;
        }
        let packets = match recorder.take() {
            Some(recorder) => Some(recorder.end().await),
            None => None,
        };
        Ok(Transferred {
            rules,
            server: server.as_mut(),
            spec,
            clients,
            sessions,
            reports,
            notes,
            packets,
        })
    }
}

/// The nodes that clients run on: `client`, or whichever the scenario names, and `client2` and so on.
pub(super) fn clients<'a>(
    topology: &'a Topology,
    first: &'a NodeName,
) -> impl Iterator<Item = &'a NodeName> {
    let is_another = |name: &&NodeName| {
        let number = name.as_str().strip_prefix(NodeName::client().as_str());
        number.is_some_and(|number| number.parse::<u8>().is_ok())
    };
    let names = topology.nodes.iter().map(|node| &node.name);
    std::iter::once(first).chain(names.filter(is_another).filter(move |name| *name != first))
}
