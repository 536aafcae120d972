mod acts;
mod pausing;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use fwlab_fabric::{Fabric, Node};
use fwlab_ftp::deviation::Sign;
use fwlab_ftp::wire::{Event as Line, Side};
use fwlab_judge::{
    Ending, Event as Told, Finding, Said, SessionTracker, SignResult, StoppedBy, Stream, Terms,
    What as Reported, judge, sign_result,
};
use fwlab_model::Topology;
use fwlab_observe::{CapturedPacket, Change, Direction, Event, Observer, What};
use fwlab_record::{Announcement, EventId, Evidence, Flow, NodeName, Packet, Secret, Walked, Way};
use fwlab_scenario::plan::Cell;

use crate::cell::ends::ControlEnds;
use crate::cell::expectations::{Announced, Expectations, Seen};
use crate::cell::fault::Fault;
use crate::cell::lab::observed;
use crate::cell::sent::SentPackets;
use crate::cell::sinks::is_swallowed;
use crate::cell::timeline::Timeline;
use crate::rules::{PreparedRuleset, RuleReading, RuleResolver};
use crate::waits::Waits;

use pausing::pausing;
pub(in crate::cell) use settings::SessionSettings;

/// The most events that are kept of a session, so that no peer fills the memory: a session has some hundred.
const KEPT: usize = 1 << 16;

/// The most packets that met a rule whose ways to it are kept.
const WALKS: usize = 1 << 11;

/// A session while it runs: what was reported, and what is done about it.
pub(in crate::cell) struct Session<'a> {
    fabric: &'a Fabric,
    topology: &'a Topology,
    observers: BTreeMap<NodeName, &'a Observer>,
    start: Instant,
    /// The number of the latest event.
    latest: u64,
    tracker: SessionTracker,
    resolver: RuleResolver<'a>,
    timeline: Timeline,
    /// How packets that met a rule came there, by the events that told of them.
    walks: BTreeMap<EventId, Vec<Walked>>,
    expectations: Expectations,
    /// What the client says was announced.
    told: Vec<Announcement>,
    unread: BTreeSet<String>,
    notes: BTreeSet<String>,
    early: bool,
    /// What may decide on a stopped packet otherwise the next time, so that only the peers' own timers tell.
    waits_for: BTreeSet<String>,
    /// Who is told that, while it waits.
    waits: Waits,
    tracing_everything: bool,
    /// The packets that opened connections, as they were sent.
    sent: SentPackets,
    /// What the judge was told, where that is kept.
    kept: Option<Vec<Told>>,
}

impl<'a> Session<'a> {
    pub(in crate::cell) fn new(
        cell: &'a Cell,
        client: &NodeName,
        ends: ControlEnds,
        ruleset: &'a PreparedRuleset,
        fabric: &'a Fabric,
        observers: &'a [Observer],
        settings: SessionSettings,
    ) -> Session<'a> {
        let deployment = &cell.scenario.deployment;
        let pausing = pausing(cell, client);
        if !settings.early {
            settings.waits.tell("full patience, as it was asked for");
        }
        if !pausing.is_empty() {
            settings.waits.tell("a peer's script pauses");
        }
        let addresses = deployment.topology.addresses();
        let mut owners: BTreeMap<IpAddr, NodeName> = addresses
            .map(|(address, node)| (address, node.clone()))
            .collect();
        // A loopback address is no link's.
        let target = ends.connect_to.ip();
        let mut notes = BTreeSet::new();
        if deployment.owner_of(target).is_none() {
            notes.insert(format!(
                "no node has {target}: only address translation leads there"
            ));
        }
        owners.extend(
            deployment
                .owner_of(target)
                .map(|owner| (target, owner.clone())),
        );
        Session {
            fabric,
            topology: &deployment.topology,
            observers: observed(fabric)
                .map(|node| node.name().clone())
                .zip(observers)
                .collect(),
            start: Instant::now(),
            latest: 0,
            tracker: SessionTracker::new(Terms {
                control: ends.connect_to,
                listening: ends.listening,
                client: client.clone(),
                server: deployment.server.clone(),
                asked: cell.axes.data,
                protection: cell.axes.protection,
                upload: cell.axes.operation.is_upload(),
                unannounced: cell.scenario.written_targets(&cell.axes),
                pausing,
                owners,
            }),
            resolver: RuleResolver::new(ruleset),
            timeline: Timeline::default(),
            walks: BTreeMap::new(),
            expectations: Expectations::default(),
            told: Vec::new(),
            unread: BTreeSet::new(),
            notes,
            early: settings.early,
            waits_for: BTreeSet::new(),
            waits: settings.waits,
            tracing_everything: false,
            sent: SentPackets::default(),
            kept: settings.keep_stream.then(Vec::new),
        }
    }

    pub(in crate::cell) fn tracker(&self) -> &SessionTracker {
        &self.tracker
    }

    pub(in crate::cell) fn resolver(&self) -> &RuleResolver<'a> {
        &self.resolver
    }

    pub(in crate::cell) fn fabric(&self) -> &'a Fabric {
        self.fabric
    }

    pub(in crate::cell) fn node(&self, name: &NodeName) -> Result<&'a Node, Fault> {
        self.fabric
            .node(name)
            .ok_or_else(|| Fault::NoNode { name: name.clone() })
    }

    /// The flows of the control connection, as far as it is known.
    pub(in crate::cell) fn control_flows(&self) -> Vec<Flow> {
        self.tracker.control_flows().to_vec()
    }

    /// Reads everything that the kernel has queued.
    pub(in crate::cell) async fn drain(&self) -> Result<(), Fault> {
        for observer in self.observers.values() {
            observer.drain().await?;
        }
        Ok(())
    }

    /// Puts the lab's own tables back, where the rules may have flushed them.
    pub(in crate::cell) async fn reload_tables(&self) -> Result<(), Fault> {
        for observer in self.observers.values() {
            observer.reload_table().await?;
        }
        Ok(())
    }

    /// From now on, what is stopped may be stopped by the old rules or by the new ones.
    pub(in crate::cell) fn swap_begins(&mut self) {
        self.resolver.swap_begins();
    }

    /// The new rules are in force.
    pub(in crate::cell) fn swap_ends(&mut self, rules: &'a PreparedRuleset, name: &str) {
        self.resolver.swap_ends(rules);
        for part in &rules.parts {
            self.remark(&part.node, format!("ruleset `{name}` was loaded"));
        }
    }

    /// Something that the lab itself did.
    pub(in crate::cell) fn remark(&mut self, node: &NodeName, what: String) {
        let seen = self.seen(Instant::now());
        self.timeline.remark(seen, node, what);
    }

    /// The next event's number, and its time.
    fn seen(&mut self, at: Instant) -> (EventId, Duration) {
        self.latest += 1;
        (EventId(self.latest), self.since_start(at))
    }

    /// Since the session began, in microseconds: as streams have it.
    fn since_start(&self, at: Instant) -> Duration {
        let since = at.saturating_duration_since(self.start);
        Duration::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// Tells the judge.
    fn tell(&mut self, (id, at): (EventId, Duration), node: &NodeName, what: Reported) -> Said {
        let told = Told {
            id,
            at,
            node: node.clone(),
            what,
        };
        let said = self.tracker.take(&told);
        if let Some(kept) = self.kept.as_mut().filter(|kept| kept.len() < KEPT) {
            kept.push(told);
        } else if self.kept.take().is_some() {
            self.notes.insert(format!(
                "what the judge was told is not recorded: it was more than {KEPT} events"
            ));
        }
        said
    }

    /// Takes in what the kernel reports.
    pub(in crate::cell) async fn take(&mut self, event: Event) -> Result<(), Fault> {
        let node = &*event.node;
        match &event.what {
            // What comes in for the node, and leaves it, shows at the bridge too.
            What::Captured(captured)
                if captured
                    .interface
                    .name
                    .as_ref()
                    .is_some_and(|name| self.topology.is_port(node, name)) => {}
            What::Captured(captured) => self.captured(&event, captured),
            What::Trace(step) => {
                if self.resolver.wants_handles(node, step)
                    && let Some(observer) = self.observers.get(node)
                {
                    let rules = observer.nft_rules().await?;
                    self.resolver.learn_handles(node, rules);
                }
                // What was handed on and takes another step was not stopped.
                let number = step.packet_id.0;
                if self.tracker.awaits(node, number) {
                    let seen = self.seen(event.at);
                    self.tell(seen, node, Reported::WentOn { number });
                }
                match self.resolver.read(node, step) {
                    RuleReading::Passed => {}
                    RuleReading::Met(what) => {
                        let event = self.met_a_rule(event.at, node, *what);
                        if self.walks.len() < WALKS {
                            let walked = self.resolver.walked(node, step.packet_id);
                            self.walks.insert(event, walked);
                        }
                    }
                    RuleReading::Unsettled => {
                        let seen = self.seen(event.at);
                        self.timeline.stopped_between(seen, node, &step.packet);
                    }
                    RuleReading::Unknown(why) => {
                        let seen = self.seen(event.at);
                        let unread = Reported::Unread { why: why.clone() };
                        self.tell(seen, node, unread);
                        self.unread.insert(why);
                    }
                }
            }
            What::Sent(sent) => {
                let packet = sent.packet;
                let seen = self.seen(event.at);
                self.tell(seen, node, Reported::Sent { packet });
                self.sent.keep(node, sent);
            }
            What::Conntrack(change) => {
                let seen = self.seen(event.at);
                if let Some(flow) = change.original.flow() {
                    let tracked = Reported::Tracked {
                        flow,
                        // How far TCP is changes by the very packets that are sent again.
                        is_new: change.change != Change::Update,
                        mark: change.mark,
                    };
                    self.tell(seen, node, tracked);
                }
                self.timeline.conntrack(seen, node, change);
                if let Some(used) = self.expectations.conntrack(node, change) {
                    self.timeline.used(seen, node, &used);
                }
            }
            What::Expectation(change) => {
                let seen = self.seen(event.at);
                self.tell(seen, node, Reported::Expected);
                let became = self.expectations.expectation(node, change);
                self.timeline.expectation(seen, node, change, became);
            }
            What::HelperDrop(drop) => {
                let stopped = Reported::Stopped {
                    by: StoppedBy::Helper {
                        reason: drop.reason.clone(),
                    },
                    rejects: false,
                    packet: drop.packet,
                    state: None,
                    doubt: None,
                };
                self.met_a_rule(event.at, node, stopped);
            }
            What::Invalid(invalid) => {
                let seen = self.seen(event.at);
                self.timeline.invalid(seen, node, invalid);
            }
            What::Lost { source } => {
                let seen = self.seen(event.at);
                self.tell(seen, node, Reported::Lost);
                self.timeline.lost(seen, node, *source);
            }
        }
        Ok(())
    }

    fn captured(&mut self, event: &Event, captured: &CapturedPacket) {
        let node = &*event.node;
        let way = match captured.direction {
            Direction::In => Way::In,
            Direction::Out => Way::Out,
        };
        let swallowed = way == Way::Out
            && matches!(captured.packet, Packet::Tcp { flow, .. }
                if is_swallowed(self.topology, node, flow.to.ip()));
        let seen = self.seen(event.at);
        let side = match way {
            Way::Out => Side::Client,
            Way::In => Side::Server,
        };
        let hidden = self.tracker.hidden(side);
        let mut said = self.tell(
            seen,
            node,
            Reported::Captured {
                way,
                packet: captured.packet,
                swallowed,
                payload: captured.payload.to_vec(),
            },
        );
        let at_client = *node == self.tracker.terms().client;
        let more = self.tracker.hidden(side) - hidden;
        if at_client && self.tracker.is_hidden_from_start(side) {
            // What looks like lines is none.
            said.lines.clear();
            if hidden == 0 && more > 0 && side == Side::Client {
                said.lines.push(Line::Secured);
            }
        }
        self.timeline.said(seen, node, &said);
        if more > 0 {
            self.timeline.encrypted(seen, node, way, more);
        }
        self.timeline
            .captured(seen, node, way, &captured.packet, at_client);
    }

    /// A rule or a helper stopped a packet, or may have, or sent it elsewhere: the event that it is.
    fn met_a_rule(&mut self, at: Instant, node: &NodeName, what: Reported) -> EventId {
        let seen = self.seen(at);
        if let Reported::Stopped { doubt, .. } | Reported::HandedOn { doubt, .. } = &what
            && let Some(doubt) = doubt.as_ref().filter(|_| self.early)
        {
            // Only the peers' own timers tell whether it is stopped again.
            let why = format!("full patience: {}", doubt.why);
            if self.waits_for.insert(why.clone()) {
                self.waits.tell(&why);
            }
        }
        self.timeline.met_a_rule(seen, node, &what);
        self.tell(seen, node, what);
        seen.0
    }

    /// Adds why a helper made no expectation for what was announced.
    fn explain_expectations(&mut self) {
        let tracker = &self.tracker;
        let hidden = tracker.terms().protection.hides_setup();
        let captured = tracker
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
        // It shows only when everything was seen.
        let at = self.since_start(Instant::now());
        for announced in &all {
            let missing = self.expectations.missing(
                announced,
                |flow| tracker.is_control(flow),
                |node| self.resolver.latest().assigning(node),
            );
            for (node, why) in missing {
                self.latest += 1;
                let seen = (EventId(self.latest), at);
                let announcement = announced.announcement;
                self.timeline.not_expected(seen, node, announcement, why);
            }
        }
    }

    /// Decides, when the session is over.
    pub(in crate::cell) fn judged(&mut self, ending: &Ending) -> Finding {
        self.told.clone_from(&ending.announcements);
        judge(&mut self.tracker, ending)
    }

    /// Whether a deviation showed. Where events were lost nobody can tell.
    pub(in crate::cell) fn sign_result(&self, sign: Sign) -> SignResult {
        if self.tracker.has_lost() {
            SignResult::Untold
        } else {
            sign_result(sign, &self.tracker, &self.told)
        }
    }

    /// Things to know that change nothing.
    pub(in crate::cell) fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let lost = self
            .tracker
            .has_lost()
            .then(|| "the kernel lost events: full patience from then on".to_owned());
        let notes = self.unread.iter().chain(&self.waits_for);
        let notes = notes.chain(&self.notes).cloned();
        let elsewhere = self.tracker.data_from_elsewhere().map(|(came, known)| {
            format!(
                "the data connection came from {came}, but the client had connected to {known}: clients that check this refuse it"
            )
        });
        notes.chain(lost).chain(elsewhere)
    }

    /// What the judge was told, and what it made of it; nothing where that was not to be kept.
    pub(in crate::cell) fn stream(
        &mut self,
        cell: &Cell,
        ending: &Ending,
        finding: &Finding,
        secret: &Secret,
    ) -> Option<Stream> {
        let stream = Stream {
            cell: cell.axes.to_string(),
            terms: self.tracker.terms().clone(),
            events: self.kept.take()?,
            ending: ending.clone(),
            finding: finding.clone(),
        };
        Some(stream.without(secret))
    }

    /// What was seen, in order, what decided marked.
    pub(in crate::cell) fn evidence(mut self, finding: &Finding) -> Evidence {
        self.explain_expectations();
        let decided_by = match finding {
            Finding::Outcome(outcome) => outcome.event,
            Finding::Inconclusive(_) => None,
        };
        let mut evidence = self.timeline.into_evidence(&self.tracker, decided_by);
        evidence.matched = self.resolver.matched();
        // A step that was lost cannot be told from one that there was not.
        if !self.tracker.has_lost() {
            let walked = decided_by.and_then(|event| self.walks.remove(&event));
            evidence.walked = walked.unwrap_or_default();
        }
        evidence
    }
}
