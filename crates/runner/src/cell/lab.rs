//! A cell's lab: its nodes and links, its rules loaded, watched, and its server waiting.

use std::collections::BTreeMap;
use std::sync::Arc;

use fwlab_fabric::{Fabric, Node};
use fwlab_ftp::RunningServer;
use fwlab_observe::{Event, Observer, ObserverSettings};
use fwlab_record::NodeName;
use fwlab_scenario::plan::Cell;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::CellRunner;
use super::fault::Fault;
use super::namespaces::Namespaces;
use super::packets::PacketRecorder;
use super::peers::Peers;
use crate::rules::CellRules;

/// A lab in which everything waits for a client.
pub(super) struct Lab {
    pub(super) recorder: Option<PacketRecorder>,
    pub(super) server: Box<dyn RunningServer>,
    pub(super) observers: Vec<Observer>,
    pub(super) events: UnboundedReceiver<Event>,
    pub(super) rules: CellRules,
    // Last: what runs in its nodes goes before them.
    pub(super) fabric: Fabric,
}

impl Lab {
    /// Builds it.
    pub(super) async fn of(
        cell_runner: &CellRunner,
        cell: &Cell,
        rules: &CellRules,
        peers: &Peers,
        namespaces: &Namespaces,
    ) -> Result<Lab, Fault> {
        let CellRunner { loader, .. } = cell_runner;
        let deployment = &cell.scenario.deployment;
        let fabric = Fabric::build_with(&deployment.topology, namespaces.by_node(cell)?).await?;
        let rules = match &namespaces.image {
            None => rules.clone(),
            Some(image) => CellRules {
                first: Arc::new(image.rules(cell, &fabric, loader).await?),
                later: BTreeMap::new(),
            },
        };
        let (sender, events) = unbounded_channel();
        let mut control_ports = vec![peers.ends.connect_to.port(), peers.ends.listening.port()];
        control_ports.dedup();
        let observation = ObserverSettings {
            control_ports,
            ..cell_runner.observation.clone()
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
            if namespaces.image.is_none() {
                loader.load(&fabric, &rules.first).await?;
            }
            Ok::<_, Fault>(())
        };
        let serve = async {
            let server = namespaces.server(peers);
            let node = node_of(&fabric, &deployment.server)?;
            server
                .start(node, &peers.settings)
                .await
                .map_err(Fault::from)
        };
        let record = async {
            if !cell_runner.keep_packets {
                return Ok(None);
            }
            let recorder = PacketRecorder::start(&fabric, observed(&fabric)).await;
            recorder.map(Some).map_err(Fault::from)
        };
        let (observers, (), server, recorder) = tokio::try_join!(observe, load, serve, record)?;
        if rules.first.may_flush() {
            for observer in &observers {
                observer.reload_table().await?;
            }
        }
        Ok(Lab {
            recorder,
            server,
            observers,
            events,
            rules,
            fabric,
        })
    }
}

/// A node of the topology.
pub(super) fn node_of<'f>(fabric: &'f Fabric, name: &NodeName) -> Result<&'f Node, Fault> {
    fabric.node(name).ok_or_else(|| Fault::NoNode {
        name: Clone::clone(name),
    })
}

/// The nodes with something to observe: a mere switch decides nothing, and whatever it
/// carries is seen where it comes from and where it arrives.
pub(super) fn observed(fabric: &Fabric) -> impl Iterator<Item = &Node> {
    fabric.nodes().filter(|node| !node.addresses().is_empty())
}
