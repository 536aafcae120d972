use std::collections::BTreeSet;
use std::net::IpAddr;

use fwlab_record::{
    Became, Cause, CellRecord, ConntrackState, EventId, Evidence, Fact, NodeName, Outcome, Packet,
    Role, Seen, TcpFlags,
};

use crate::astray::{
    answered_past, is_reset_by_gateway, led_astray, no_way_back, said, time_exceeded,
};
use crate::by_match::looks_at;
use crate::ends::Ends;

/// Why a transfer did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The connection that came to nothing.
    pub connection: Role,
    /// Which of its packets was stopped.
    pub opening: Opening,
    /// The node where it was stopped.
    pub node: NodeName,
    /// What conntrack called it, where the kernel says so: iptables-legacy's trace does not.
    pub state: Option<ConntrackState>,
    /// Why it was.
    pub why: Why,
    /// The observations that this rests on.
    pub rests_on: Vec<EventId>,
}

/// Where in a connection a packet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opening {
    /// It opens the connection.
    Opens,
    /// It answers the packet that opens it.
    Answers,
    /// It is a later one, or none of TCP.
    Later,
}

/// Why a packet met what stopped it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It opens the control connection, and the rules do not let it.
    ControlRefused,
    /// A rule stopped it that tells packets apart by more than their connection: by how many there are, or what is in them.
    ByMatch {
        /// The rule's match, in its own words.
        looks_at: String,
        /// Why it met that rule, whatever that looks at.
        besides: Box<Why>,
    },
    /// It is of a connection that was let through when it was opened.
    EstablishedRefused,
    /// A helper expected the connection, and the rules do not accept it for that.
    RelatedRefused,
    /// No helper is assigned to the control connection, so that nobody expected the data connection.
    NoHelper {
        /// A rule that would have assigned it, and how it did not, where there is one.
        unmet: Option<String>,
    },
    /// A rule took the control connection out of conntrack, so that nobody expected the data connection.
    ControlUntracked,
    /// Its connection is not tracked there: no rule asks for it, or one forbids it.
    Stateless,
    /// TLS hid the announcement from the helper.
    HiddenByTls,
    /// The helper is there, and expected nothing: why, in the lab's words.
    NotExpected(String),
    /// Conntrack could not place it.
    Invalid,
    /// A rule took its connection out of conntrack.
    Untracked,
    /// It is of a connection that began earlier, and conntrack has no entry of it any more, or never had one.
    Forgotten,
    /// It asked for a neighbour's link address, or told it: IPv6's hosts do not find each other.
    NeighbourDiscovery,
    /// It told a sender that a packet was too large for the path.
    PacketTooBig,
    /// It went to an address that a peer announced, and that is not the one that the other knows it by.
    AnnouncedElsewhere {
        /// The address that was announced, or that the packet went to, where TLS hides the announcement.
        announced: IpAddr,
        /// The address that the other peer knows the announcing one by.
        known: IpAddr,
    },
    /// The server said no to an address that the client announced, and it knows the client by another.
    AddressRefused {
        /// The address that was announced.
        announced: IpAddr,
        /// The address that the server knows the client by.
        known: IpAddr,
        /// What the server said.
        reply: String,
    },
    /// It came from another address than the control connection's.
    FromElsewhere {
        /// The address that it came from.
        came: IpAddr,
        /// The address that the control connection is with.
        known: IpAddr,
        /// What was said to it, where that is what ended the transfer.
        reply: Option<String>,
    },
    /// It came to a gateway that leads the control connection on to the server, and not this one.
    NotForwarded,
    /// Its time to live ran out on the way, and a host told the sender.
    TimeExceeded,
    /// It came to a gateway that no rule led it on from, and that answered itself.
    NotLedOn,
    /// A gateway led a connection on to a server that is in the client's own network, and that answered past the gateway.
    AnsweredPast {
        /// The address that the answer came from.
        from: IpAddr,
        /// The address that the client had connected to.
        known: IpAddr,
    },
    /// It answers a connection that came with a private address, to which nobody out there has a way back.
    NoWayBack {
        /// The address.
        address: IpAddr,
    },
    /// A rule of address translation sent it elsewhere.
    SentElsewhere {
        /// Whether to a port of the host that translates, where the lab has no program that listens.
        redirected: bool,
    },
    /// A host answered no, and no rule had a part in it.
    NobodyListens,
    /// A peer closed the connection before its time, and no rule had a part in it.
    Closed,
    /// The peer said no in a reply.
    Said(String),
    /// The evidence tells what stopped it, and not why.
    Unknown,
}

impl Diagnosis {
    /// Of a transfer that did not pass, and whose record has evidence; nothing of others.
    pub fn of(record: &CellRecord) -> Option<Diagnosis> {
        Diagnosis::of_outcome(record.judgement.outcome()?, &record.evidence)
    }

    /// The same of an outcome, and the evidence for it.
    pub fn of_outcome(outcome: &Outcome, evidence: &Evidence) -> Option<Diagnosis> {
        let deciding = evidence.facts.iter().find(|fact| fact.deciding);
        let node = outcome
            .cause
            .node()
            .cloned()
            .or_else(|| deciding.map(|fact| fact.node.clone()));
        // A reply under TLS is seen by the client alone, and is no event.
        let is_reply = matches!(outcome.cause, Cause::Reply { .. });
        let node = node.or_else(|| is_reply.then(NodeName::client))?;
        let connection = deciding.and_then(|fact| fact.connection);
        let connection = connection.or_else(|| connection_of(&outcome.cause, evidence));
        let connection = connection.unwrap_or(Role::Other);
        let opening = outcome.cause.packet().map_or(Opening::Later, opening);
        let state = deciding.and_then(|fact| match &fact.what {
            Seen::Stopped { state, .. } => *state,
            _ => None,
        });
        let mut rests_on: Vec<EventId> = deciding.map(|fact| fact.event).into_iter().collect();
        let why = match &outcome.cause {
            Cause::None => return None,
            Cause::Reply { reply } => said(reply, evidence, &mut rests_on),
            Cause::Rule {
                led_to: Some(_),
                statement,
                ..
            } => Why::SentElsewhere {
                redirected: redirects(statement),
            },
            Cause::Rule { .. } | Cause::Policy { .. } => {
                of_icmp(&outcome.cause).unwrap_or_else(|| {
                    let met = Met {
                        connection,
                        opening,
                        state,
                        node: &node,
                    };
                    let (why, fact) = met.why(evidence);
                    rests_on.extend(fact);
                    match looks_at_of(&outcome.cause) {
                        Some(looks_at) => Why::ByMatch {
                            looks_at,
                            besides: Box::new(why),
                        },
                        None => why,
                    }
                })
            }
            Cause::Helper { .. } => Why::Invalid,
            Cause::Host { .. } | Cause::Loss { .. } => {
                let astray = time_exceeded(&outcome.cause, evidence)
                    .or_else(|| answered_past(connection, &node, evidence))
                    .or_else(|| led_astray(connection, &node, evidence));
                match astray.or_else(|| no_way_back(&outcome.cause, connection, evidence)) {
                    Some((why, events)) => {
                        rests_on.extend(events);
                        why
                    }
                    None if is_closed(&outcome.cause) => Why::Closed,
                    None if connection == Role::Control && is_reset_by_gateway(&outcome.cause) => {
                        Why::NotLedOn
                    }
                    None if matches!(outcome.cause, Cause::Host { .. }) => Why::NobodyListens,
                    None => Why::Unknown,
                }
            }
        };
        let mut known = BTreeSet::new();
        rests_on.retain(|event| known.insert(*event));
        Some(Diagnosis {
            connection,
            opening,
            node,
            state,
            why,
            rests_on,
        })
    }

    /// The observations that [`would_pass`](Diagnosis::would_pass) rests on. What it says of a rule rests on that rule's having
    /// stopped the packet; what it says of a helper, of TLS or of an address, on what showed these.
    pub fn would_pass_rests_on(&self) -> &[EventId] {
        let is_of_rule = matches!(
            self.why,
            Why::ControlRefused
                | Why::ByMatch { .. }
                | Why::EstablishedRefused
                | Why::RelatedRefused
                | Why::NeighbourDiscovery
                | Why::PacketTooBig
                | Why::Stateless
                | Why::Untracked
                | Why::Forgotten
                | Why::SentElsewhere { .. }
        );
        match &self.rests_on[..] {
            [_, others @ ..] if !is_of_rule && !others.is_empty() => others,
            all => all,
        }
    }

    /// Whether the control connection itself came to nothing.
    pub fn is_of_control(&self) -> bool {
        self.connection == Role::Control
    }
}

/// What the rule that stopped a packet looks at beside its connection.
fn looks_at_of(cause: &Cause) -> Option<String> {
    match cause {
        Cause::Rule { statement, .. } => looks_at(statement),
        _ => None,
    }
}

/// A packet that a rule or policy stopped.
struct Met<'a> {
    connection: Role,
    opening: Opening,
    state: Option<ConntrackState>,
    node: &'a NodeName,
}

impl Met<'_> {
    fn why(&self, evidence: &Evidence) -> (Why, Option<EventId>) {
        match self.state {
            Some(ConntrackState::Invalid) => return (Why::Invalid, None),
            Some(ConntrackState::Untracked) => return (Why::Untracked, None),
            Some(ConntrackState::Established) => return (Why::EstablishedRefused, None),
            Some(ConntrackState::Related) => return (Why::RelatedRefused, None),
            Some(ConntrackState::New) | None => {}
        }
        match (self.connection, self.opening) {
            (Role::Control, Opening::Opens) => (Why::ControlRefused, None),
            // One that is not the first is of a connection whose first packet was let through.
            (Role::Control | Role::Data(_), Opening::Answers | Opening::Later)
                if self.state.is_none() =>
            {
                match self.tracked(evidence) {
                    Some(tracked) => (Why::EstablishedRefused, Some(tracked)),
                    None => (Why::Stateless, None),
                }
            }
            (Role::Control, _) | (Role::Data(_), Opening::Later) => (Why::Forgotten, None),
            (Role::Data(_), _) => self.unexpected(evidence),
            _ => (Why::Unknown, None),
        }
    }

    /// The first event that told of a connection which conntrack knew there: of the packet's own, where there is one.
    fn tracked(&self, evidence: &Evidence) -> Option<EventId> {
        let tracked =
            |fact: &&Fact| fact.node == *self.node && matches!(fact.what, Seen::Tracked { .. });
        let mut all = evidence.facts.iter().filter(tracked);
        let own = all
            .clone()
            .find(|fact| fact.connection == Some(self.connection));
        own.or_else(|| all.next()).map(|fact| fact.event)
    }

    /// Why the data connection was a stranger's to this node.
    fn unexpected(&self, evidence: &Evidence) -> (Why, Option<EventId>) {
        let here = evidence.facts.iter().filter(|fact| fact.node == *self.node);
        let mut told = here.filter_map(|fact| match &fact.what {
            Seen::NotExpected { why, .. } => Some((fact, why)),
            _ => None,
        });
        let made = evidence.facts.iter().rfind(|fact| {
            let is_made = matches!(
                fact.what,
                Seen::Expectation {
                    became: Became::Made,
                    ..
                }
            );
            is_made && fact.node == *self.node
        });
        // What was announced last is what was tried last.
        let Some((fact, why)) = told.next_back() else {
            match made {
                Some(made) if still_waits(made, evidence) => {
                    return (Why::NotExpected(STILL_WAITS.to_owned()), Some(made.event));
                }
                Some(made) if self.state.is_none() => {
                    return (Why::RelatedRefused, Some(made.event));
                }
                _ => {}
            }
            // Of one whose first packet was not tracked, conntrack takes the answer for the first.
            let opener = Ends::of(evidence, Role::Control).opener();
            let of_control = |fact: &Fact| {
                let is_whole = match &fact.what {
                    Seen::Tracked { original, .. } => {
                        opener.is_none_or(|from| original.from == from)
                    }
                    _ => false,
                };
                is_whole && fact.node == *self.node && fact.connection == Some(Role::Control)
            };
            // The client may not have said what was announced.
            if let (Some(secured), None) = (never_read_again(evidence), made) {
                return (Why::HiddenByTls, Some(secured));
            }
            let tracked = self.tracked(evidence);
            return match (tracked, secured(evidence)) {
                (Some(_), _) if evidence.facts.iter().any(of_control) => (Why::Unknown, None),
                (_, Some(secured)) => (Why::HiddenByTls, Some(secured)),
                (Some(_), None) => (Why::ControlUntracked, tracked),
                (None, None) => (Why::Stateless, None),
            };
        };
        let event = Some(fact.event);
        if why.starts_with("no conntrack helper") {
            // A helper that TLS blinds is no remedy either.
            return match secured(evidence) {
                Some(secured) => (Why::HiddenByTls, Some(secured)),
                None => {
                    let unmet = why.split_once("; ").map(|(_, unmet)| unmet.to_owned());
                    (Why::NoHelper { unmet }, event)
                }
            };
        }
        match why.starts_with("TLS hides it") {
            true => (Why::HiddenByTls, event),
            false => (Why::NotExpected(why.clone()), event),
        }
    }
}

/// Whether what a helper expected had not come by the end: who comes as expected takes the expectation away, also where a rule
/// stops it. Nothing is concluded where not all is kept that was seen.
fn still_waits(made: &Fact, evidence: &Evidence) -> bool {
    let Seen::Expectation {
        expected: awaited, ..
    } = &made.what
    else {
        return false;
    };
    // Told by conntrack, that may stand before or behind what the rules told of the packet.
    let mut of_it = evidence.facts.iter().filter(|fact| {
        matches!(
            &fact.what,
            Seen::Expectation { became, expected } if *became != Became::Made && expected == awaited
        )
    });
    evidence.left_out == 0 && !of_it.any(|fact| fact.node == made.node)
}

/// Why a connection is a stranger's although one was expected.
const STILL_WAITS: &str = "the connection that was expected has not come, so this one has other addresses or ports, or conntrack has it in \
                           another zone";

/// The event since which the dialogue is in TLS.
fn secured(evidence: &Evidence) -> Option<EventId> {
    let mut facts = evidence.facts.iter();
    let secured = facts.find(|fact| fact.what == Seen::Secured);
    secured.map(|fact| fact.event)
}

/// The event since which nothing of the dialogue could be read on the way: all that was announced later was in TLS.
fn never_read_again(evidence: &Evidence) -> Option<EventId> {
    let mut facts = evidence.facts.iter().rev();
    let last = facts.find(|fact| {
        matches!(
            fact.what,
            Seen::Command { .. }
                | Seen::Reply { .. }
                | Seen::Announced { .. }
                | Seen::Rewritten { .. }
                | Seen::NoReply { .. }
                | Seen::Gap
                | Seen::Secured
        )
    })?;
    (last.what == Seen::Secured).then_some(last.event)
}

/// Whether a host's answer was the end of a connection, and no refusal of one.
fn is_closed(cause: &Cause) -> bool {
    match cause {
        Cause::Host {
            packet: Packet::Tcp { flags, .. },
            ..
        } => flags.0 & TcpFlags::FIN != 0 && !flags.is_rst(),
        _ => false,
    }
}

/// Whether a rule, as it is listed, sends connections to a port of its own host.
fn redirects(statement: &str) -> bool {
    let mut words = statement.split_ascii_whitespace();
    words.any(|word| word == "REDIRECT" || word == "redirect")
}

fn opening(packet: &Packet) -> Opening {
    match packet {
        Packet::Tcp { flags, .. } if flags.is_syn() => Opening::Opens,
        Packet::Tcp { flags, .. } if flags.is_syn_ack() => Opening::Answers,
        _ => Opening::Later,
    }
}

/// The connection of a cause's packet, where the fact itself does not say it.
fn connection_of(cause: &Cause, evidence: &Evidence) -> Option<Role> {
    let Packet::Tcp { flow, .. } = cause.packet()? else {
        return None;
    };
    let same = |fact: &&Fact| match fact.what.packet() {
        Some(Packet::Tcp { flow: other, .. }) => *other == *flow || other.reversed() == *flow,
        _ => false,
    };
    let mut facts = evidence.facts.iter().filter(same);
    facts.find_map(|fact| fact.connection)
}

/// What a message of ICMP was there for, where hosts cannot do without it.
fn of_icmp(cause: &Cause) -> Option<Why> {
    let Packet::Icmp {
        from, kind, code, ..
    } = cause.packet()?
    else {
        return None;
    };
    match (from.is_ipv6(), kind, code) {
        (true, 133..=136, _) => Some(Why::NeighbourDiscovery),
        (true, 2, _) | (false, 3, 4) => Some(Why::PacketTooBig),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
