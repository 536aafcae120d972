//! An observer, and what it has said so far.

use std::time::Duration;

use fwlab_observe::{Event, Observer, ObserverSettings, Source, TracePlace, TraceStep, What};
use fwlab_record::{Backend, Packet, RuleOrdinal};
use tokio::sync::mpsc;

use crate::lab::Lab;

/// Far beyond what anything here takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Watch {
    pub(crate) observer: Observer,
    events: mpsc::UnboundedReceiver<Event>,
    pub(crate) seen: Vec<What>,
}

/// What stopped a packet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stop {
    pub(crate) backend: Backend,
    pub(crate) place: String,
}

impl Watch {
    pub(crate) async fn start(lab: &Lab, node: &str) -> Watch {
        Watch::with(lab, node, ObserverSettings::default()).await
    }

    pub(crate) async fn with(lab: &Lab, node: &str, settings: ObserverSettings) -> Watch {
        let (sender, events) = mpsc::unbounded_channel();
        let observer = Observer::start(lab.node(node), &settings, sender)
            .await
            .expect("an observer");
        Watch {
            observer,
            events,
            seen: Vec::new(),
        }
    }

    /// Takes what has come so far.
    fn take(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.seen.push(event.what);
        }
    }

    pub(crate) async fn drain(&mut self) {
        self.observer.drain().await.expect("the observer lives");
        self.take();
    }

    /// Waits until something is found among what was seen.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut find: impl FnMut(&[What]) -> Option<T>,
    ) -> T {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(found) = find(&self.seen) {
                    return found;
                }
                let event = self.events.recv().await.expect("the observer lives");
                self.seen.push(event.what);
                self.take();
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("no {what} in {PATIENCE:?}; seen: {:#?}", self.seen))
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = &TraceStep> {
        steps(&self.seen)
    }

    pub(crate) fn has_lost(&self, from: Source) -> bool {
        self.seen
            .iter()
            .any(|what| matches!(what, What::Lost { source } if *source == from))
    }

    /// The ordinal of a step's rule, by one listing of all rules.
    pub(crate) async fn stop_of(&self, step: &TraceStep, saved: &str) -> Stop {
        let mut place = format!("{}/{}", step.table, step.chain);
        let rule = match step.at {
            TracePlace::Rule { handle } => {
                let rules = self.observer.nft_rules().await.expect("a listing");
                let ordinal = rules.ordinal(step.table_family, &step.table, &step.chain, handle);
                Some(ordinal.expect("a rule of the listing"))
            }
            TracePlace::Policy => None,
            TracePlace::Line { number, .. } => {
                let rules = rules_of(saved, &step.table, &step.chain).count();
                (number as usize <= rules).then_some(RuleOrdinal(number))
            }
        };
        match rule {
            Some(ordinal) => place.push_str(&format!(" rule {ordinal}")),
            None => place.push_str(" policy"),
        }
        Stop {
            backend: step.backend,
            place,
        }
    }
}

pub(crate) fn steps(seen: &[What]) -> impl Iterator<Item = &TraceStep> {
    seen.iter().filter_map(|what| match what {
        What::Trace(step) => Some(step),
        _ => None,
    })
}

/// The step that stopped a SYN to a port, once there is one.
pub(crate) fn stopped_syn(seen: &[What], port: u16, saved: &str) -> Option<TraceStep> {
    let mut of_syns = steps(seen).filter(|step| is_syn_to(&step.packet, port));
    of_syns
        .find(|step| match step.at {
            TracePlace::Line { number } => ends(saved, step, number),
            TracePlace::Rule { .. } | TracePlace::Policy => step.is_drop(),
        })
        .cloned()
}

pub(crate) fn is_syn_to(packet: &Packet, port: u16) -> bool {
    matches!(packet, Packet::Tcp { flow, flags, .. } if flags.is_syn() && flow.to.port() == port)
}

/// The lines of a chain in what `iptables-save` wrote.
fn rules_of<'a>(saved: &'a str, table: &str, chain: &str) -> impl Iterator<Item = &'a str> {
    let start = format!("*{table}");
    let rule = format!("-A {chain} ");
    saved
        .lines()
        .skip_while(move |line| *line != start)
        .take_while(|line| *line != "COMMIT")
        .filter(move |line| line.starts_with(&rule))
}

/// Whether what stands in a line of legacy's rules ends every packet.
fn ends(saved: &str, step: &TraceStep, number: u32) -> bool {
    match rules_of(saved, &step.table, &step.chain).nth(number as usize - 1) {
        Some(rule) => rule.contains("-j DROP") || rule.contains("-j REJECT"),
        None => saved
            .lines()
            .skip_while(|text| text.strip_prefix('*') != Some(&*step.table))
            .take_while(|text| *text != "COMMIT")
            .any(|text| text.starts_with(&format!(":{} DROP", step.chain))),
    }
}
