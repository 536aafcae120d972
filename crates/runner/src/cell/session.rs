use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use fwlab_fabric::Fabric;
use fwlab_model::{Flow, NodeName};
use fwlab_observe::{Direction, Event, Observer, What};

use super::fault::Fault;
use super::timeline::Timeline;
use crate::evidence::Evidence;
use crate::judge::{Death, Finding, Stop, StoppedBy, Watch};
use crate::plan::Cell;
use crate::rules::{PreparedRuleset, Reading, Rulebook};

/// A cell while it runs: what was seen, and what is done about it.
pub(super) struct Session<'a> {
    fabric: &'a Fabric,
    observers: BTreeMap<NodeName, &'a Observer>,
    client: NodeName,
    watch: Watch,
    rulebook: Rulebook<'a>,
    timeline: Timeline,
    ended: BTreeSet<Flow>,
    unread: BTreeSet<String>,
    early: bool,
    lost: bool,
    tracing_everything: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        cell: &Cell,
        ruleset: &'a PreparedRuleset,
        fabric: &'a Fabric,
        observers: &'a [Observer],
        early: bool,
    ) -> Session<'a> {
        let stage = &cell.scenario.stage;
        let mut owners: BTreeMap<IpAddr, NodeName> = BTreeMap::new();
        for end in stage.topology.links.iter().flat_map(|link| &link.ends) {
            owners.extend(
                end.addresses
                    .iter()
                    .map(|net| (net.addr(), end.node.clone())),
            );
        }
        owners.extend(
            stage
                .owner_of(stage.connect_to.ip())
                .map(|owner| (stage.connect_to.ip(), owner.clone())),
        );
        Session {
            fabric,
            observers: fabric
                .nodes()
                .map(|node| node.name().clone())
                .zip(observers)
                .collect(),
            client: stage.client.clone(),
            watch: Watch::new(stage.connect_to, cell.axes.data, owners).with_written_targets(
                cell.scenario
                    .written_targets(cell.axes.server, cell.axes.client),
            ),
            rulebook: Rulebook::new(ruleset),
            timeline: Timeline::new(Instant::now()),
            ended: BTreeSet::new(),
            unread: BTreeSet::new(),
            early,
            lost: false,
            tracing_everything: false,
        }
    }

    /// Takes in what the kernel reports.
    pub(super) async fn take(&mut self, event: Event) -> Result<(), Fault> {
        match &event.what {
            What::Captured(captured) => {
                let inbound = captured.direction == Direction::In;
                self.watch
                    .captured(event.at, &event.node, inbound, &captured.packet);
                if *event.node == self.client && !captured.payload.is_empty() {
                    let lines = self.watch.dialogue(&captured.packet, &captured.payload);
                    self.timeline.dialogue(&event, &lines);
                }
                self.timeline.captured(&event, captured);
            }
            What::Trace(step) => {
                if self.rulebook.wants_handles(&event.node, step)
                    && let Some(observer) = self.observers.get(&*event.node)
                {
                    let rules = observer.nft_rules().await?;
                    self.rulebook.learn_handles(&event.node, rules);
                }
                match self.rulebook.read(&event.node, event.at, step) {
                    Reading::Went => {}
                    Reading::Stopped(stop) => {
                        self.timeline.stopped(&stop, &self.rulebook);
                        self.watch.stopped(stop);
                    }
                    Reading::Unknown(why) => {
                        self.unread.insert(why);
                    }
                }
            }
            What::Conntrack(change) => self.timeline.conntrack(&event, change),
            What::Expectation(change) => self.timeline.expectation(&event, change),
            What::HelperDrop(drop) => {
                let stop = Stop {
                    at: event.at,
                    node: (*event.node).clone(),
                    by: StoppedBy::Helper(drop.reason.clone()),
                    rejects: false,
                    packet: drop.packet,
                };
                self.timeline.stopped(&stop, &self.rulebook);
                self.watch.stopped(stop);
            }
            What::Invalid(invalid) => self.timeline.invalid(&event, invalid),
            What::Lost { source } => {
                self.lost = true;
                self.timeline.lost(&event, *source);
            }
        }
        Ok(())
    }

    /// Ends the connections that the rules have stopped, so that whoever waits for one
    /// goes on as after a timeout. Tells whether the cell is decided.
    pub(super) async fn end_dead_connections(&mut self) -> Result<bool, Fault> {
        if !self.early || self.lost || !self.unread.is_empty() {
            return Ok(false);
        }
        let dead: Vec<(Flow, Death)> = self
            .watch
            .deaths()
            .filter(|(flow, role, death)| {
                matches!(death, Death::Dropped(_))
                    && role.is_watched()
                    && !self.ended.contains(flow)
            })
            .map(|(flow, _, death)| (flow, death))
            .collect();
        for (flow, death) in dead {
            self.ended.insert(flow);
            self.end(flow).await?;
            if !death.in_handshake() {
                self.end(flow.reversed()).await?;
            }
        }
        Ok(matches!(
            self.watch.deciding(),
            Some((_, _, Death::Dropped(_)))
        ))
    }

    async fn end(&mut self, flow: Flow) -> Result<(), Fault> {
        let Some(node) = self
            .watch
            .owner_of(flow.from.ip())
            .and_then(|owner| self.fabric.node(owner))
        else {
            return Ok(());
        };
        if node.destroy_tcp(flow).await? {
            self.timeline.ended(node.name(), flow);
        }
        Ok(())
    }

    /// Nothing was reported for a while, and the client waits: from now on every
    /// packet is traced, so that a retransmission that is dropped is seen.
    pub(super) async fn stalled(&mut self) -> Result<(), Fault> {
        if !std::mem::replace(&mut self.tracing_everything, true) {
            for observer in self.observers.values() {
                observer.trace_everything().await?;
            }
        }
        Ok(())
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    pub(super) fn rulebook(&self) -> &Rulebook<'a> {
        &self.rulebook
    }

    pub(super) fn events_lost(&self) -> bool {
        self.lost
    }

    /// Things to know that change nothing.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let lost = self
            .lost
            .then(|| "the kernel lost events: full patience from then on".to_owned());
        self.unread.iter().cloned().chain(lost)
    }

    /// What was seen, the deciding line marked.
    pub(super) fn timeline(self, finding: &Finding) -> Evidence {
        self.timeline.into_evidence(finding)
    }
}
