//! The judge: from what was reported of a cell to its outcome. Pure.
//!
//! A [`SessionTracker`] takes in the [`Event`]s of a session, in order, and says what the lab may do meanwhile; [`judge`] decides when
//! it is over. What a cell's judge was told can be kept as a [`Stream`], and [replayed](Stream::replay) anywhere, without any
//! privilege.

mod acts;
mod answers;
mod connections;
mod event;
mod failure;
mod intake;
mod opened;
mod opening;
mod order;
mod path;
mod recording;
mod roles;
mod sign_result;
mod stop;
mod talk;
mod terms;
mod track;
mod tracker;

use std::net::IpAddr;
use std::time::Duration;

use failure::Ender;
use fwlab_ftp::wire::{Progress, Reply};
use fwlab_record::{
    Announcement, Cause, DataSetup, EventId, NodeName, Outcome, Phase, Role, Symptom,
};
use serde::{Deserialize, Serialize};
use track::Closed;

pub use acts::InVain;
pub use connections::ConnectionId;
pub use event::{Event, What};
pub use failure::ConnectionFailure;
pub use intake::Said;
pub use recording::{Differs, Stream};
pub use sign_result::{SignResult, sign_result};
pub use stop::{Doubted, Stop, StoppedBy};
pub use terms::Terms;
pub use tracker::SessionTracker;

/// How the client's part ended, as far as the judge needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientEnd {
    /// The bytes compared and the final reply was read, over the data setup that was asked for.
    Done,
    /// It failed, in its own words.
    Failed(String),
    /// The cell was decided before it ended.
    Cut,
}

/// What is known when a session is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// How the client's part ended.
    pub client: ClientEnd,
    /// The data setup by which its transfer came through all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came_through: Option<DataSetup>,
    /// What the client itself tells of the dialogue, which TLS may have hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What the client itself tells that was announced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub announcements: Vec<Announcement>,
}

impl Ending {
    /// An ending of which the client tells nothing more.
    pub fn of(client: ClientEnd) -> Ending {
        Ending {
            client,
            came_through: None,
            progress: None,
            announcements: Vec::new(),
        }
    }
}

/// What the judge makes of a cell.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one a cell, and it is looked into at once"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// This happened.
    Outcome(Outcome),
    /// The lab could not tell, and why.
    Inconclusive(String),
}

/// Decides a cell.
///
/// Passing is decided end to end. Not passing is decided by what the kernel showed:
/// a connection's death, a peer's refusal, a packet that vanished. Where there is
/// none of these, or where events were lost, the lab could not tell.
pub fn judge(tracker: &mut SessionTracker, ending: &Ending) -> Finding {
    if let Some(progress) = &ending.progress {
        tracker.take_client_report(progress.clone());
    }
    let client = match &ending.client {
        ClientEnd::Done if tracker.has_meddled() => &ClientEnd::Failed(
            "it was done when the lab had ended a connection of its session".to_owned(),
        ),
        client => client,
    };
    let mut outcome = match decided(tracker, client) {
        Finding::Outcome(outcome) => outcome,
        inconclusive @ Finding::Inconclusive(_) => return inconclusive,
    };
    // What a client does when the lab has ended a connection is not what it does when nobody has.
    if !tracker.has_meddled() {
        outcome.came_through = ending.came_through;
    }
    // Something stopped a packet, or may have, that could not be read: a reset that nobody's rule is known for may be that
    // very rule's, and not a host's.
    if !outcome.cause.may_be_the_labs() {
        return Finding::Outcome(outcome);
    }
    let not_found = || tracker.not_found().map(not_found);
    match tracker.unread().map(str::to_owned).or_else(not_found) {
        Some(why) => Finding::Inconclusive(format!("{why}; it seems to be {outcome}")),
        None => Finding::Outcome(outcome),
    }
}

/// A node of the lab that another did not find is a fault of the lab, or of rules that the lab does not trace.
fn not_found(address: IpAddr) -> String {
    format!(
        "nobody told the hardware address of {address}, and no rule is known to have stopped the question: rules of ARP or of a \
         device may have, or the machine's table of neighbours was full (net.ipv4.neigh.default.gc_thresh3, which all \
         namespaces share)"
    )
}

fn decided(tracker: &SessionTracker, client: &ClientEnd) -> Finding {
    let client_words = match client {
        // Where the lab reads the dialogue, it must have come to its end there, too.
        ClientEnd::Done
            if !tracker.has_lost() && !tracker.is_hidden() && !tracker.is_complete() =>
        {
            "it was done, and no final reply had come"
        }
        ClientEnd::Done => {
            return Finding::Outcome(Outcome {
                symptom: Symptom::Transferred,
                phase: Phase::Completion,
                cause: Cause::None,
                event: None,
                came_through: None,
            });
        }
        ClientEnd::Failed(words) => words.as_str(),
        ClientEnd::Cut => "it was still waiting",
    };
    if tracker.has_lost() {
        return Finding::Inconclusive(format!(
            "the transfer failed, and the kernel's evidence is incomplete (events were lost); the client: {client_words}"
        ));
    }
    if let Some((id, role, failure)) = tracker.deciding() {
        return Finding::Outcome(failed(tracker, (id, role), &failure));
    }
    if let Some(outcome) = vanished(tracker) {
        return Finding::Outcome(outcome);
    }
    let told = told_late(tracker);
    // That the server could not connect is what came of it.
    let is_hearsay = |reply: &Reply| told.is_some() && reply.code.number() == CANNOT_CONNECT;
    if let Some((phase, reply)) = refusal(tracker).filter(|(_, reply)| !is_hearsay(reply)) {
        return Finding::Outcome(Outcome {
            symptom: Symptom::Refused,
            phase,
            cause: Cause::Reply {
                reply: reply.to_string(),
            },
            event: tracker.event_of(&reply),
            came_through: None,
        });
    }
    if let Some(flood) = tracker.flood() {
        let phase = tracker.progress().phase();
        return Finding::Inconclusive(format!("the transfer failed at {phase}: {flood}"));
    }
    if let Some(outcome) = told {
        return Finding::Outcome(outcome);
    }
    if let Some(outcome) = closed(tracker) {
        return Finding::Outcome(outcome);
    }
    if let Some(outcome) = never_spoke(tracker) {
        return Finding::Outcome(outcome);
    }
    if let Some(address) = tracker.not_found() {
        return Finding::Inconclusive(not_found(address));
    }
    Finding::Inconclusive(format!(
        "the transfer failed at {}, but no rule stopped a packet of it and no host or peer said no; the client: \
         {client_words}",
        tracker.progress().phase()
    ))
}

/// A host's no, or a loss, with its event; or the rule that had sent the packet there, where it was meant for somewhere else.
fn led_to(
    tracker: &SessionTracker,
    (id, role): (ConnectionId, Role),
    met: Cause,
    event: EventId,
) -> (Cause, EventId) {
    // Who does not learn a neighbour's hardware address tells itself, after some seconds, that there is no way to it.
    let to_itself = match &met {
        Cause::Host { node, .. } => tracker.opener(id) == Some(node),
        Cause::Loss { .. } => true,
        _ => false,
    };
    if let Some(stop) = tracker.neighbour().filter(|_| to_itself) {
        return (stop.cause(), stop.event);
    }
    let Some(rule) = tracker.sent_away(id, role) else {
        return (met, event);
    };
    let mut cause = rule.cause();
    if let Cause::Rule { led_to, .. } = &mut cause {
        *led_to = Some(Box::new(met));
    }
    (cause, rule.event)
}

fn failed(
    tracker: &SessionTracker,
    (id, role): (ConnectionId, Role),
    failure: &ConnectionFailure,
) -> Outcome {
    let control = role == Role::Control;
    let symptom = match (control, failure.heard) {
        (true, false) => Symptom::ControlTimeout,
        (true, true) => Symptom::ControlRejected,
        (false, false) => Symptom::DataTimeout,
        (false, true) => Symptom::DataRejected,
    };
    let phase = match (control, failure.opening) {
        (true, true) => Phase::ControlConnect,
        (true, false) => tracker.phase_without(failure),
        (false, true) => Phase::DataConnect,
        (false, false) => Phase::Transfer,
    };
    let met = match &failure.by {
        Ender::Stop(stop) => stop.cause(),
        Ender::Host { node, packet } => {
            let (node, packet) = (node.clone(), *packet);
            Cause::Host { node, packet }
        }
        Ender::Nobody { node, packet } => {
            let (node, packet) = (node.clone(), *packet);
            Cause::Loss { node, packet }
        }
    };
    let (cause, event) = match &failure.by {
        Ender::Stop(_) => (met, failure.event),
        _ => led_to(tracker, (id, role), met, failure.event),
    };
    Outcome {
        symptom,
        phase,
        cause,
        event: Some(event),
        came_through: None,
    }
}

/// "Can't open data connection" (RFC 959 section 4.2).
const CANNOT_CONNECT: u16 = 425;

/// A program that was told of an ICMP error when its connection was open.
fn told_late(tracker: &SessionTracker) -> Option<Outcome> {
    let (role, stop) = tracker.soft_error()?;
    let (symptom, phase) = match role {
        Role::Control => (Symptom::ControlRejected, Phase::ControlConnect),
        _ => (Symptom::DataRejected, Phase::DataConnect),
    };
    Some(Outcome {
        symptom,
        phase,
        cause: stop.cause(),
        event: Some(stop.event),
        came_through: None,
    })
}

/// The reply by which a peer said no to something that the transfer needs.
fn refusal(tracker: &SessionTracker) -> Option<(Phase, Reply)> {
    let progress = tracker.progress();
    let refused = |reply: &&Reply| reply.code.is_negative();
    if let Some(reply) = progress.greeting.as_ref().filter(refused) {
        return Some((Phase::Greeting, reply.clone()));
    }
    if let Some((phase, reply)) = tracker.refused_command() {
        return Some((*phase, reply.clone()));
    }
    let asked = progress
        .setups
        .iter()
        .filter(|exchange| exchange.setup == tracker.asked());
    if let Some(reply) = asked
        .filter_map(|exchange| exchange.answer.as_ref())
        .find(refused)
    {
        return Some((Phase::Negotiate, reply.clone()));
    }
    if let Some(completion) = progress.completion.as_ref().filter(refused) {
        let phase = if progress.preliminary.is_some() {
            Phase::Transfer
        } else {
            Phase::Negotiate
        };
        return Some((phase, completion.clone()));
    }
    // Of a hidden dialogue no command was seen: the client's last word from the server has to do.
    let latest = progress.latest.as_ref().filter(refused)?;
    tracker
        .is_hidden()
        .then(|| (progress.phase(), latest.clone()))
}

/// A peer that closed a connection before its time, and said no in no reply.
fn closed(tracker: &SessionTracker) -> Option<Outcome> {
    let outcome = |symptom, phase, node: &NodeName, closed: &Closed| Outcome {
        symptom,
        phase,
        cause: Cause::Host {
            node: node.clone(),
            packet: closed.packet,
        },
        event: Some(EventId(closed.place)),
        came_through: None,
    };
    let server = &tracker.terms().server;
    if let Some(closed) = tracker.data_closed_early() {
        return Some(outcome(
            Symptom::DataRejected,
            Phase::Transfer,
            server,
            closed,
        ));
    }
    let closed = tracker.control_closed_by_server()?;
    let phase = tracker.progress().phase();
    Some(outcome(Symptom::ControlRejected, phase, server, closed))
}

/// A control connection on which nobody said anything, since the packet that ends its handshake was stopped, and no TCP sent it
/// again: something answered in the server's place, as SYNPROXY does.
fn never_spoke(tracker: &SessionTracker) -> Option<Outcome> {
    let id = tracker.control()?;
    if tracker.progress().greeting.is_some() {
        return None;
    }
    let failure = tracker.track(id).stopped_handshake()?;
    Some(failed(tracker, (id, Role::Control), &failure))
}

/// A SYN or SYN-ACK that left one node and never came in where it should, or that a rule sent to where nobody took it: lost
/// outside netfilter, as no rule stopped it.
fn vanished(tracker: &SessionTracker) -> Option<Outcome> {
    let control = tracker.control().map(|id| (id, Role::Control));
    let data = tracker.asked_data().map(|id| (id, tracker.role(id)));
    let mut unanswered = control
        .into_iter()
        .chain(data)
        .filter(|(id, _)| !tracker.track(*id).is_answered(tracker.opener(*id)));
    let (id, role) = unanswered.next()?;
    let track = tracker.track(id);
    let mut acceptors = tracker
        .flows(id)
        .iter()
        .filter_map(|flow| tracker.owner_of(flow.to.ip()));
    let opener = tracker.opener(id);
    // Over loopback a packet goes out and comes in at one node.
    let arrived = |node: &&NodeName| {
        track.syn.ends_at(node) || opener == Some(node) && track.syn.reached(node)
    };
    if opener.is_some_and(|opener| track.syn_ack.reached(opener)) {
        return None;
    }
    let path = match acceptors.find(arrived) {
        None => &track.syn,
        Some(_) if track.syn_ack.end().is_none() && tracker.sent_away(id, role).is_some() => {
            &track.syn
        }
        Some(_) => &track.syn_ack,
    };
    let (node, packet, event) = path.end()?;
    let node = node.clone();
    let (cause, event) = led_to(
        tracker,
        (id, role),
        Cause::Loss { node, packet },
        EventId(event),
    );
    let (symptom, phase) = match role {
        Role::Control => (Symptom::ControlTimeout, Phase::ControlConnect),
        _ => (Symptom::DataTimeout, Phase::DataConnect),
    };
    Some(Outcome {
        symptom,
        phase,
        cause,
        event: Some(event),
        came_through: None,
    })
}

/// How long a client is waited for after its cell is decided: time to fall back,
/// which is told as a note, and never part of the outcome.
pub const GRACE: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests;
