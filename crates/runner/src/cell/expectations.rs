use std::collections::BTreeMap;
use std::sync::Arc;

use fwlab_observe::{Change, ConntrackEvent, ExpectationEvent};
use fwlab_record::{Announcement, Became, Flow, NodeName, Tuple};

/// What conntrack's helper made of the announcements, node by node: the expectations that
/// it made, what became of them, and why it made none.
#[derive(Debug, Default)]
pub(super) struct Expectations {
    nodes: BTreeMap<NodeName, AtNode>,
}

#[derive(Debug, Default)]
struct AtNode {
    connections: Vec<Tracked>,
    made: Vec<Made>,
}

/// A connection that conntrack tracks, expected or not.
#[derive(Debug)]
struct Tracked {
    original: Tuple,
    reply: Option<Tuple>,
    helper: Option<Arc<str>>,
}

#[derive(Debug)]
struct Made {
    event: ExpectationEvent,
    used: bool,
}

/// An announcement, and how it stood on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announced {
    pub(super) announcement: Announcement,
    /// Whether it was where a helper looks for it: at the start of a segment, and in the clear.
    pub(super) seen: Seen,
}

/// How an announcement stood on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// At the start of a segment.
    AtStart,
    /// Behind something else in its segment, or with its beginning in an earlier one.
    Within,
    /// Nowhere: TLS hid it.
    Hidden,
}

impl Expectations {
    /// Takes in a change of a connection; tells the expectation that it fulfils.
    pub(super) fn conntrack(
        &mut self,
        node: &NodeName,
        event: &ConntrackEvent,
    ) -> Option<ExpectationEvent> {
        if event.change == Change::Destroy {
            return None;
        }
        let at = self.nodes.entry(node.clone()).or_default();
        let known = at
            .connections
            .iter_mut()
            .find(|tracked| tracked.original == event.original);
        match known {
            Some(tracked) => {
                tracked.helper = event.helper.clone().or(tracked.helper.take());
                tracked.reply = event.reply.or(tracked.reply);
            }
            None => at.connections.push(Tracked {
                original: event.original,
                reply: event.reply,
                helper: event.helper.clone(),
            }),
        }
        event.master?;
        let made = at
            .made
            .iter_mut()
            .find(|made| !made.used && made.event.expects(&event.original))?;
        made.used = true;
        Some(made.event.clone())
    }

    /// Takes in a change of an expectation; tells what became of it.
    pub(super) fn expectation(&mut self, node: &NodeName, event: &ExpectationEvent) -> Became {
        let at = self.nodes.entry(node.clone()).or_default();
        if event.change == Change::New {
            at.made.push(Made {
                event: event.clone(),
                used: false,
            });
            return Became::Made;
        }
        let known = at
            .made
            .iter()
            .rfind(|made| made.event.tuple == event.tuple && made.event.master == event.master);
        if known.is_some_and(|made| made.used) {
            Became::UsedUp
        } else {
            Became::Gone
        }
    }

    /// Why there was no expectation for an announcement, node by node where conntrack tracks
    /// the control connection; nothing where there was one. `assigning` names a rule of a node that would have assigned the helper.
    pub(super) fn missing<'a>(
        &'a self,
        announced: &'a Announced,
        is_control: impl Fn(&Flow) -> bool + 'a,
        assigning: impl Fn(&NodeName) -> Option<String> + 'a,
    ) -> impl Iterator<Item = (&'a NodeName, String)> + 'a {
        self.nodes.iter().filter_map(move |(node, at)| {
            let control = at.connections.iter().find(|tracked| {
                tracked
                    .original
                    .flow()
                    .is_some_and(|flow| is_control(&flow))
            })?;
            let why = at.why_not(control, announced, || assigning(node))?;
            Some((node, why))
        })
    }
}

impl AtNode {
    fn why_not(
        &self,
        control: &Tracked,
        announced: &Announced,
        assigning: impl FnOnce() -> Option<String>,
    ) -> Option<String> {
        let Announcement {
            setup,
            address,
            port,
        } = announced.announcement;
        let is_made = self.made.iter().any(|made| {
            let ports = made.event.tuple.ports;
            made.event.master == control.original && ports.is_some_and(|(_, to)| to == port)
        });
        // The helper may have had to take another port than the one that was announced.
        let is_made =
            is_made || setup.is_active() && control.is_translated() && !self.made.is_empty();
        if is_made {
            return None;
        }
        let Some(helper) = &control.helper else {
            let unmet = assigning().map_or_else(String::new, |rule| {
                format!("; {rule} would assign one, but its first packet did not meet it in time")
            });
            return Some(format!(
                "no conntrack helper is assigned to the control connection{unmet}"
            ));
        };
        match announced.seen {
            Seen::Hidden => return Some(format!("TLS hides it from the helper `{helper}`")),
            Seen::Within => {
                return Some(format!(
                    "it is not at the start of a segment, where the helper `{helper}` looks for it"
                ));
            }
            Seen::AtStart => {}
        }
        let own = if setup.is_active() {
            Some(control.original.from)
        } else {
            control.reply.map(|reply| reply.from)
        };
        match (own, address) {
            (Some(own), Some(address)) if own != address => Some(format!(
                "it names {address}, but the peer that announces it has {own} here: the helper `{helper}` \
                 accepts no other address (nf_conntrack_ftp, loose=0)"
            )),
            _ => Some(format!(
                "the helper `{helper}` made none, and the kernel does not say why"
            )),
        }
    }
}

impl Tracked {
    fn is_translated(&self) -> bool {
        self.reply
            .is_some_and(|reply| (reply.from, reply.to) != (self.original.to, self.original.from))
    }
}
