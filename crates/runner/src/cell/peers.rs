use std::sync::Arc;

use fwlab_ftp::deviation::{Asked, Deviation, deviations_of, ruled_out};
use fwlab_ftp::script::{ScriptedClient, ScriptedServer};
use fwlab_ftp::{
    Client, Content, Login, PassivePorts, Pauses, Server, ServerSettings, Support, TransferSpec,
};
use fwlab_record::PeerName;
use fwlab_scenario::plan::Cell;

use super::barrier;
use super::ends::ControlEnds;
use super::fault::Fault;
use crate::patience::CLIENT_TIMEOUTS;
use crate::peers::PeerRegistry;

/// The name of the file that every transfer moves.
const FILE_NAME: &str = "fwlab.bin";

/// The two peers of a cell, and what they are told.
pub(super) struct Peers {
    pub(super) server: Arc<dyn Server>,
    pub(super) client: Arc<dyn Client>,
    pub(super) spec: TransferSpec,
    pub(super) settings: ServerSettings,
    pub(super) ends: ControlEnds,
    /// What they may do otherwise than the rest.
    pub(super) deviations: Vec<Deviation>,
}

impl Peers {
    pub(super) fn of(
        cell: &Cell,
        registry: &PeerRegistry,
        deviations: &[Deviation],
    ) -> Result<Peers, Fault> {
        let ends = ControlEnds::of(cell)?;
        let (scenario, family) = (&cell.scenario, cell.axes.family);
        let server: Arc<dyn Server> = match (cell.axes.server, &scenario.server.script) {
            (PeerName::ScriptedServer, Some(script)) => Arc::new(ScriptedServer::new(
                Arc::clone(script),
                scenario.hosts(family),
            )),
            (PeerName::OwnServer, _) if scenario.server.own.is_some() => {
                Arc::new(scenario.server.own.clone().unwrap_or_default())
            }
            (name, _) => registry.server(name)?,
        };
        let client: Arc<dyn Client> = match (cell.axes.client, &scenario.client.script) {
            (PeerName::ScriptedClient, Some(script)) => Arc::new(ScriptedClient::new(
                Arc::clone(script),
                scenario.hosts(family),
            )),
            (name, _) => registry.client(name)?,
        };
        let login = scenario.server.login.clone();
        let login = login.unwrap_or_else(|| server.login());
        let spec = transfer_of(cell, ends, login);
        let settings = settings_of(cell, ends, &spec);
        let asked = Asked::of(&spec, &settings);
        let peers = [cell.axes.server, cell.axes.client];
        if !scenario.matrix.deviations {
            for peer in peers {
                supported(peer, ruled_out(peer, &asked, deviations))?;
            }
        }
        supported(cell.axes.server, server.supports(&spec, &settings))?;
        supported(cell.axes.client, client.supports(&spec))?;
        let deviations = peers
            .into_iter()
            .flat_map(|peer| deviations_of(peer, &asked, deviations))
            .copied()
            .collect();
        Ok(Peers {
            server,
            client,
            spec,
            settings,
            ends,
            deviations,
        })
    }
}

fn transfer_of(cell: &Cell, ends: ControlEnds, login: Login) -> TransferSpec {
    let scenario = &cell.scenario;
    TransferSpec {
        server: ends.connect_to,
        login,
        data_setup: cell.axes.data,
        protection: cell.axes.protection,
        session_reuse: scenario.client.session_reuse,
        passive_address: scenario.client.passive_address,
        operation: cell.axes.operation,
        content: Content::new(FILE_NAME, scenario.size)
            .expect("the reader admits no larger content"),
        active_ports: scenario.client.active_ports.clone(),
        pauses: Some(barrier::moments(cell))
            .filter(|moments| !moments.is_empty())
            .map(|moments| Pauses::at(moments).0),
        timeouts: CLIENT_TIMEOUTS,
        pace: scenario
            .client
            .read_pace
            .and_then(std::num::NonZeroU64::new),
        tls_secrets: None,
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
        login: spec.login.clone(),
        certificate: scenario.server.certificate.clone(),
        require_session_reuse: scenario.server.require_session_reuse,
        data_source_port: scenario.server.data_source_port,
        stored: spec.stored_before(),
        alone_in_node: scenario.deployment.client != scenario.deployment.server,
        options: scenario
            .server
            .options
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    }
}

fn supported(peer: PeerName, support: Support) -> Result<(), Fault> {
    match support {
        Support::Yes => Ok(()),
        Support::No { why } => Err(Fault::NotSupported(format!(
            "not supported by {peer}: {why}"
        ))),
    }
}
