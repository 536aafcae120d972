//! A firewall that is a container: it is the node, and its rules are those that it loaded itself.

use std::time::Duration;

use fwlab_containers::{Engine, Firewall};
use fwlab_fabric::{Fabric, NetworkNamespace};
use fwlab_record::NodeName;
use fwlab_scenario::plan::Cell;

use super::fault::Fault;
use crate::rules::{Loader, PreparedRuleset};

/// How long an image may take until its rules are in.
const READY: Duration = Duration::from_secs(30);

/// The firewall's container of one cell.
pub(super) struct ImageFirewall {
    container: Firewall,
    node: NodeName,
    pub(super) namespace: NetworkNamespace,
}

impl ImageFirewall {
    /// Starts it, where the cell's firewall is an image.
    pub(super) async fn of(cell: &Cell) -> Result<Option<ImageFirewall>, Fault> {
        let scenario = &cell.scenario;
        let image = scenario.rulesets[cell.ruleset].image();
        let Some((image, node)) = image.zip(scenario.deployment.firewall.clone()) else {
            return Ok(None);
        };
        let engine = Engine::connect().await;
        let engine = engine.map_err(|none| Fault::NotSupported(none.to_string()))?;
        let container = image.start(&engine).await?;
        let namespace = container.namespace().await?;
        Ok(Some(ImageFirewall {
            container,
            node,
            namespace,
        }))
    }

    pub(super) fn node(&self) -> &NodeName {
        &self.node
    }

    /// What stands in the evidence of it.
    pub(super) fn remark(&self) -> String {
        format!("a container of {}", self.container.image())
    }

    /// Waits until its rules are in, and reads them. It has its links by then: rules and entry
    /// points may need them.
    pub(super) async fn rules(
        &self,
        cell: &Cell,
        fabric: &Fabric,
        loader: &Loader,
    ) -> Result<PreparedRuleset, Fault> {
        self.container.wait_ready(READY).await?;
        self.standing(cell, fabric, loader).await
    }

    /// Makes sure that it was the same firewall to the end: that it runs, with the same rules.
    pub(super) async fn was(
        &self,
        rules: &PreparedRuleset,
        cell: &Cell,
        fabric: &Fabric,
        loader: &Loader,
    ) -> Result<(), Fault> {
        let now = self.standing(cell, fabric, loader).await?;
        self.container.still_runs().await?;
        if now.is_listed_as(rules) {
            Ok(())
        } else {
            Err(Fault::RulesChanged {
                node: self.node.clone(),
            })
        }
    }

    async fn standing(
        &self,
        cell: &Cell,
        fabric: &Fabric,
        loader: &Loader,
    ) -> Result<PreparedRuleset, Fault> {
        let node = fabric.node(&self.node).ok_or_else(|| Fault::NoNode {
            name: self.node.clone(),
        })?;
        let deployment = &cell.scenario.deployment;
        Ok(loader.standing(node, deployment, cell.axes.backend).await?)
    }
}
