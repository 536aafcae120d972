use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use fwlab_fabric::{Fabric, Node};
use fwlab_ftp::PeerName;
use fwlab_ftp::deviation::Sign;
use fwlab_ftp::wire::{Announcement, Progress};
use fwlab_model::{Flow, NodeName, Packet, Topology};
use fwlab_observe::{CapturedPacket, Change, Direction, Event, Observer, What};

use super::ends::ControlEnds;
use super::expectations::{Announced, Expectations, Seen};
use super::fault::Fault;
use super::observed;
use super::sent::SentPackets;
use super::sinks::is_swallowed;
use super::timeline::Timeline;
use crate::evidence::Evidence;
use crate::judge::{ConnectionId, Death, Finding, Showing, Stop, StoppedBy, Terms, Watch, showing};
use crate::plan::Cell;
use crate::rules::{PreparedRuleset, Reading, Rulebook};

/// The nodes of peers that pause.
fn pausing(cell: &Cell, client: &NodeName) -> BTreeSet<NodeName> {
    let scenario = &cell.scenario;
    let scripts = [
        (PeerName::ScriptedClient, &scenario.client.script, client),
        (
            PeerName::ScriptedServer,
            &scenario.server.script,
            &scenario.stage.server,
        ),
    ];
    scripts
        .into_iter()
        .filter(|(peer, ..)| [cell.axes.client, cell.axes.server].contains(peer))
        .filter(|(_, script, _)| script.as_ref().is_some_and(|script| script.pauses()))
        .map(|(.., node)| node.clone())
        .collect()
}

/// A cell while it runs: what was seen, and what is done about it.
pub(super) struct Session<'a> {
    fabric: &'a Fabric,
    topology: &'a Topology,
    observers: BTreeMap<NodeName, &'a Observer>,
    watch: Watch,
    rulebook: Rulebook<'a>,
    timeline: Timeline,
    expectations: Expectations,
    /// What the client says was announced.
    told: Vec<Announcement>,
    ended: BTreeSet<ConnectionId>,
    unread: BTreeSet<String>,
    early: bool,
    lost: bool,
    /// What may decide on a stopped packet otherwise the next time, so that only the peers' own timers tell.
    waits_for: BTreeSet<String>,
    tracing_everything: bool,
    /// The nodes of peers that pause, as their scripts say, and may speak when they have.
    pausing: BTreeSet<NodeName>,
    /// The packets that opened connections, as they were sent.
    sent: SentPackets,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        cell: &'a Cell,
        client: &NodeName,
        ends: ControlEnds,
        ruleset: &'a PreparedRuleset,
        fabric: &'a Fabric,
        observers: &'a [Observer],
        early: bool,
    ) -> Session<'a> {
        let stage = &cell.scenario.stage;
        let addresses = stage.topology.addresses();
        let mut owners: BTreeMap<IpAddr, NodeName> = addresses
            .map(|(address, node)| (address, node.clone()))
            .collect();
        // A loopback address is no link's.
        let target = ends.connect_to.ip();
        owners.extend(stage.owner_of(target).map(|owner| (target, owner.clone())));
        Session {
            fabric,
            topology: &stage.topology,
            observers: observed(fabric)
                .map(|node| node.name().clone())
                .zip(observers)
                .collect(),
            watch: Watch::new(Terms {
                control: ends.connect_to,
                listening: ends.listening,
                client: client.clone(),
                server: stage.server.clone(),
                asked: cell.axes.data,
                protection: cell.axes.protection,
                upload: cell.axes.operation.is_upload(),
                unannounced: cell.scenario.written_targets(&cell.axes),
                owners,
            }),
            rulebook: Rulebook::new(ruleset),
            timeline: Timeline::new(Instant::now()),
            expectations: Expectations::default(),
            told: Vec::new(),
            ended: BTreeSet::new(),
            unread: BTreeSet::new(),
            early,
            lost: false,
            waits_for: BTreeSet::new(),
            tracing_everything: false,
            pausing: pausing(cell, client),
            sent: SentPackets::default(),
        }
    }

    pub(super) fn fabric(&self) -> &'a Fabric {
        self.fabric
    }

    pub(super) fn node(&self, name: &NodeName) -> Result<&'a Node, Fault> {
        self.fabric
            .node(name)
            .ok_or_else(|| Fault::NoNode { name: name.clone() })
    }

    /// The flows of the control connection, as far as it is known.
    pub(super) fn control_flows(&self) -> Vec<Flow> {
        let control = self.watch.control();
        control.map_or_else(Vec::new, |control| self.watch.flows(control).to_vec())
    }

    /// Reads everything that the kernel has queued.
    pub(super) async fn drain(&self) -> Result<(), Fault> {
        for observer in self.observers.values() {
            observer.drain().await?;
        }
        Ok(())
    }

    /// Puts the lab's own tables back, where the rules may have flushed them.
    pub(super) async fn reload_tables(&self) -> Result<(), Fault> {
        for observer in self.observers.values() {
            observer.reload_table().await?;
        }
        Ok(())
    }

    /// From now on, what is stopped may be stopped by the old rules or by the new ones.
    pub(super) fn swap_begins(&mut self) {
        self.rulebook.swap_begins();
    }

    /// The new rules are in force.
    pub(super) fn swap_ends(&mut self, rules: &'a PreparedRuleset, name: &str) {
        self.rulebook.swap_ends(rules);
        for part in &rules.parts {
            self.timeline
                .remark(&part.node, format!("ruleset `{name}` was loaded"));
        }
    }

    /// Something that the lab itself did.
    pub(super) fn remark(&mut self, node: &NodeName, text: String) {
        self.timeline.remark(node, text);
    }

    /// Takes in what the kernel reports.
    pub(super) async fn take(&mut self, event: Event) -> Result<(), Fault> {
        match &event.what {
            // What comes in for the node, and leaves it, shows at the bridge too.
            What::Captured(captured)
                if captured
                    .interface
                    .name
                    .as_ref()
                    .is_some_and(|name| self.topology.is_port(&event.node, name)) => {}
            What::Captured(captured) => {
                let inbound = captured.direction == Direction::In;
                self.watch
                    .captured(event.at, &event.node, inbound, &captured.packet);
                if !inbound
                    && let Packet::Tcp { flow, .. } = captured.packet
                    && is_swallowed(self.topology, &event.node, flow.to.ip())
                {
                    self.watch
                        .swallowed(event.at, &event.node, &captured.packet);
                }
                if !captured.payload.is_empty() {
                    self.dialogue(&event, captured);
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
                // What was handed on and takes another step was not stopped.
                self.watch.goes_on(&event.node, step.packet_id.0);
                match self.rulebook.read(&event.node, event.at, step) {
                    Reading::MayBeStopped(stop) => {
                        self.may_wait(&stop);
                        self.timeline.stopped(&stop, &self.rulebook);
                        self.watch.may_be_stopped(step.packet_id.0, stop);
                    }
                    Reading::Went => {}
                    Reading::Translated(rule) => self.watch.translated(rule),
                    Reading::Unsettled => {
                        let text = format!("{} was stopped between two rulesets", step.packet);
                        self.timeline.remark(&event.node, text);
                    }
                    Reading::Stopped(stop) => {
                        self.may_wait(&stop);
                        self.timeline.stopped(&stop, &self.rulebook);
                        self.watch.stopped(stop);
                    }
                    Reading::Unknown(why) => {
                        self.unread.insert(why);
                    }
                }
            }
            What::Sent(sent) => {
                self.watch.sent(&sent.packet);
                self.sent.keep(&event.node, sent);
            }
            What::Conntrack(change) => {
                if let Some(flow) = change.original.flow() {
                    // How far TCP is changes by the very packets that are sent again.
                    let is_new = change.change != Change::Update;
                    self.watch.tracked(&flow, is_new, change.mark);
                }
                self.timeline.conntrack(&event, change);
                if let Some(used) = self.expectations.conntrack(&event.node, change) {
                    self.timeline.expected(&event, &used);
                }
            }
            What::Expectation(change) => {
                self.watch.expected();
                let became = self.expectations.expectation(&event.node, change);
                self.timeline.expectation(&event, change, became);
            }
            What::HelperDrop(drop) => {
                let stop = Stop {
                    at: event.at,
                    node: (*event.node).clone(),
                    by: StoppedBy::Helper(drop.reason.clone()),
                    rejects: false,
                    packet: drop.packet,
                    doubt: None,
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

    /// Notes that only the peers' own timers tell whether a packet is stopped again.
    fn may_wait(&mut self, stop: &Stop) {
        if let Some(doubt) = stop.doubt.as_ref().filter(|_| self.early) {
            self.waits_for
                .insert(format!("full patience: {}", doubt.why));
        }
    }

    fn dialogue(&mut self, event: &Event, captured: &CapturedPacket) {
        let Terms { client, server, .. } = self.watch.terms();
        let (at_client, at_server) = (*event.node == *client, *event.node == *server);
        if at_client {
            let lines = self
                .watch
                .dialogue(event.at, &captured.packet, &captured.payload);
            self.timeline.dialogue(event, &lines);
        }
        if at_server {
            self.watch
                .dialogue_at_server(&captured.packet, &captured.payload);
        }
        let rewritten = self.watch.rewritten();
        self.timeline.rewritten(event, &rewritten);
    }

    /// Whether the lab may act on what it knows by now, in place of the peers' timers.
    fn may_act(&self) -> bool {
        self.early && !self.lost && self.unread.is_empty()
    }

    /// Whether nobody will be told of a connection's end, however long is waited.
    fn is_final(&self, id: ConnectionId, death: &Death) -> bool {
        // What a side says when it has paused may change what conntrack makes of the rest. While it opens a connection,
        // it does not pause.
        let may_speak = |node: &NodeName| {
            let opens = death.opening && self.watch.opener(id) == Some(node);
            self.pausing.contains(node) && !opens
        };
        // What is stopped of the control connection when the final reply was read is the goodbye.
        let is_goodbye = self.watch.control() == Some(id) && self.watch.is_complete();
        let is_unheard = death.settled && !death.heard;
        is_unheard && !is_goodbye && !self.pausing.iter().any(may_speak)
    }

    /// Sends again what was stopped, as TCP would in a second or so: what becomes of it then is what the cell's outcome
    /// rests on.
    pub(super) async fn send_again(&mut self) -> Result<(), Fault> {
        if !self.may_act() {
            return Ok(());
        }
        let wanted: Vec<ConnectionId> = self.watch.wanted_again().collect();
        for id in wanted {
            let known = self.sent.of(self.watch.flows(id));
            let Some((node, packet)) =
                known.and_then(|(node, packet)| Some((self.fabric.node(node)?, packet.clone())))
            else {
                continue;
            };
            self.watch.sent_again(id);
            self.timeline.sent_again(node.name(), &packet.packet);
            node.send_again(packet.bytes).await?;
        }
        Ok(())
    }

    /// Ends the connections that the rules have stopped, so that whoever waits for one
    /// goes on as after a timeout. Tells whether the cell is decided.
    pub(super) async fn end_dead_connections(&mut self) -> Result<bool, Fault> {
        // Nobody waits for a server without end, whatever its patience.
        if self.watch.flood().is_some() {
            return Ok(true);
        }
        if !self.may_act() {
            return Ok(false);
        }
        let dead: Vec<(ConnectionId, bool)> = self
            .watch
            .deaths()
            .filter(|(id, role, death)| {
                self.is_final(*id, death) && role.is_watched() && !self.ended.contains(id)
            })
            .map(|(id, _, death)| (id, death.opening))
            .collect();
        for (id, opening) in dead {
            self.ended.insert(id);
            // Behind a translating gateway each end knows the connection by another flow.
            for flow in self.watch.flows(id).to_vec() {
                self.end(flow).await?;
                if !opening {
                    self.end(flow.reversed()).await?;
                }
            }
        }
        let decided = self.watch.deciding();
        Ok(decided.is_some_and(|(id, _, death)| self.is_final(id, &death)))
    }

    /// Whether the lab itself has ended a connection of the session. What the peers did from then on is no answer to
    /// whether the rules let a transfer through.
    pub(super) fn has_meddled(&self) -> bool {
        !self.ended.is_empty()
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

    /// Adds why a helper made no expectation for what was announced.
    fn explain_expectations(&mut self) {
        let watch = &self.watch;
        let hidden = watch.terms().protection.hides_setup();
        let captured = watch
            .announcements()
            .map(|(announcement, at_start)| Announced {
                announcement: *announcement,
                seen: if at_start {
                    Seen::AtStart
                } else {
                    Seen::Within
                },
            });
        let told = self.told.iter().map(|announcement| Announced {
            announcement: *announcement,
            seen: Seen::Hidden,
        });
        let all: Vec<Announced> = if hidden {
            told.collect()
        } else {
            captured.collect()
        };
        for announced in &all {
            let missing = self
                .expectations
                .missing(announced, |flow| watch.is_control(flow));
            for (node, why) in missing {
                self.timeline.hindsight(node, why);
            }
        }
    }

    /// What the client itself tells of the dialogue, which TLS may have hidden.
    pub(super) fn told_by_client(
        &mut self,
        progress: Option<Progress>,
        announcements: Vec<Announcement>,
    ) {
        if let Some(progress) = progress {
            self.watch.told_by_client(progress);
        }
        self.told = announcements;
    }

    /// Whether a deviation showed. Where events were lost nobody can tell.
    pub(super) fn showing(&self, sign: Sign) -> Showing {
        if self.lost {
            Showing::Untold
        } else {
            showing(sign, &self.watch, &self.told)
        }
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
        let notes = self.unread.iter().chain(&self.waits_for).cloned();
        notes.chain(lost)
    }

    /// What is left of a finding where something stopped a packet, or may have, that could not be read:
    /// a reset that nobody's rule is known for may be that very rule's, and not a host's.
    pub(super) fn doubted(&self, finding: Finding) -> Finding {
        let Finding::Outcome(outcome) = &finding else {
            return finding;
        };
        let firm = ["none", "rule", "policy", "helper"].contains(&outcome.cause.kind());
        match self.unread.first() {
            Some(unread) if !firm => {
                Finding::Inconclusive(format!("{unread}; it seems to be {outcome}"))
            }
            _ => finding,
        }
    }

    /// What was seen, the deciding line marked.
    pub(super) fn timeline(mut self, finding: &Finding) -> Evidence {
        self.explain_expectations();
        self.timeline.into_evidence(finding)
    }
}
