mod matched;
mod order;
mod walked;

use std::fmt;
use std::time::Duration;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use matched::Matched;
pub use walked::{Verdict, Walked, WalkedPlace};

use crate::{Announcement, Cause, ConntrackState, Flow, NodeName, Packet, Role, Tuple, ms};

/// An event of a cell: its place among all that was reported and done, 1 for the first.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(transparent)]
pub struct EventId(pub u64);

/// What the kernel and the wire showed of a cell: what led to something stands before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Evidence {
    /// What was seen.
    pub facts: Vec<Fact>,
    /// How much more there was than is kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// How often rules matched, of the nodes of which that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Matched>,
    /// The way of the packet that decided through the rules of the node where it did, step by step. Empty where no rule had a part
    /// in it, and where the trace does not have the whole way. Where two backends are traced, the order is that in which they
    /// were heard, and what was heard after the packet was stopped is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub walked: Vec<Walked>,
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Fact {
    /// The event that showed it.
    pub event: EventId,
    /// When, since the client was started.
    #[serde(rename = "ms", with = "ms")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub at: Duration,
    /// Where.
    pub node: NodeName,
    /// The connection that it is of, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Role>,
    /// What.
    #[serde(flatten)]
    pub what: Seen,
    /// Whether this decided the cell.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deciding: bool,
}

/// What can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Seen {
    /// The client sent a command. A password is not in it.
    Command {
        /// The line, without its end.
        line: String,
    },
    /// The server sent a reply.
    Reply {
        /// Its code and text.
        reply: String,
    },
    /// The command or reply before announced a data connection.
    Announced {
        /// What it announced.
        announcement: Announcement,
    },
    /// An announcement came to the other side as another one.
    Rewritten {
        /// What was sent.
        sent: Announcement,
        /// What came in.
        arrived: Announcement,
    },
    /// What follows on the control connection is TLS.
    Secured,
    /// One side said something on the control connection that TLS hides: what was said one after another is one of these.
    Encrypted {
        /// From the client, which sent it, or to the client.
        way: Way,
        /// How many bytes of TLS, as the TCP segments carried them.
        bytes: u64,
    },
    /// The server sent a line that is no part of a reply.
    NoReply {
        /// The line.
        line: String,
    },
    /// Bytes of the dialogue are missing from the capture.
    Gap,
    /// A packet that opens or ends a connection, or tells of one, went over an interface.
    Packet {
        /// In or out.
        way: Way,
        /// The packet.
        packet: Packet,
    },
    /// A rule, a policy or a helper stopped a packet.
    Stopped {
        /// Which, and what packet.
        cause: Cause,
        /// What conntrack called the packet, where the kernel says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<ConntrackState>,
    },
    /// A rule of address translation sent a packet elsewhere.
    SentElsewhere {
        /// Which rule, and what packet.
        cause: Cause,
    },
    /// A packet was stopped while other rules were being loaded, nobody knows by which.
    StoppedBetween {
        /// The packet.
        packet: Packet,
    },
    /// Conntrack has a new connection.
    Tracked {
        /// The way of its first packet, before NAT.
        original: Tuple,
        /// The helper that reads along.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        helper: Option<String>,
        /// The connection whose helper expected it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        master: Option<Tuple>,
    },
    /// A conntrack helper expects a connection, or does so no more.
    Expectation {
        /// What became of it.
        became: Became,
        /// The connection that is expected; a source port of 0 stands for any.
        expected: Tuple,
    },
    /// A conntrack helper made no expectation for what was announced.
    NotExpected {
        /// What was announced.
        announcement: Announcement,
        /// Why.
        why: String,
    },
    /// Conntrack could not place a packet.
    Invalid {
        /// The kernel's words.
        reason: String,
        /// The packet.
        packet: Packet,
    },
    /// The lab sent a stopped packet again, in TCP's place.
    SentAgain {
        /// The packet.
        packet: Packet,
    },
    /// The lab ended a socket that waited in vain.
    Ended {
        /// Its connection.
        flow: Flow,
    },
    /// The lab lost events, nobody knows how many.
    Lost {
        /// Where.
        at: String,
    },
    /// The lab did something else.
    Did {
        /// What, in words.
        what: String,
    },
}

/// What became of an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It was made.
    #[strum(to_string = "made")]
    Made,
    /// The connection came.
    #[strum(to_string = "used")]
    Used,
    /// It went when the connection had come.
    #[strum(to_string = "used up")]
    UsedUp,
    /// It went without one.
    #[strum(to_string = "gone")]
    Gone,
}

/// Whether a packet came in at a node or left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Way {
    /// It came in.
    In,
    /// It left.
    Out,
}

/// Where evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub enum Source {
    /// A line of the FTP dialogue, from the capture.
    Ftp,
    /// A packet on a wire.
    Wire,
    /// A rule or policy, from the packet trace.
    Rules,
    /// An entry or expectation of conntrack.
    Conntrack,
    /// The lab itself: lost events, a socket that it closed.
    Lab,
}

impl Seen {
    /// Where it comes from.
    pub fn source(&self) -> Source {
        match self {
            Seen::Command { .. }
            | Seen::Reply { .. }
            | Seen::Announced { .. }
            | Seen::Rewritten { .. }
            | Seen::Secured
            | Seen::Encrypted { .. }
            | Seen::NoReply { .. }
            | Seen::Gap => Source::Ftp,
            Seen::Packet { .. } => Source::Wire,
            Seen::Stopped { .. } | Seen::SentElsewhere { .. } | Seen::StoppedBetween { .. } => {
                Source::Rules
            }
            Seen::Tracked { .. }
            | Seen::Expectation { .. }
            | Seen::NotExpected { .. }
            | Seen::Invalid { .. } => Source::Conntrack,
            Seen::SentAgain { .. } | Seen::Ended { .. } | Seen::Lost { .. } | Seen::Did { .. } => {
                Source::Lab
            }
        }
    }

    /// Whether a cell can be decided by it.
    pub fn can_decide(&self) -> bool {
        matches!(
            self,
            Seen::Stopped { .. }
                | Seen::SentElsewhere { .. }
                | Seen::Packet { .. }
                | Seen::Reply { .. }
        )
    }

    /// The packet that was seen, where it was one.
    pub fn packet(&self) -> Option<&Packet> {
        match self {
            Seen::Packet { packet, .. }
            | Seen::StoppedBetween { packet }
            | Seen::Invalid { packet, .. }
            | Seen::SentAgain { packet } => Some(packet),
            Seen::Stopped { cause, .. } | Seen::SentElsewhere { cause } => cause.packet(),
            _ => None,
        }
    }
}

impl Evidence {
    /// The most facts that are kept of a cell, beside those around the one that decided it.
    pub const KEPT: usize = 400;

    /// How many facts on each side of the one that decided are kept in any case.
    const AROUND: usize = 10;

    /// Evidence of what was seen, in whatever order; `left_out`: how much more there was. What decided the cell is
    /// marked, and kept whatever else is dropped.
    pub fn new(facts: Vec<Fact>, left_out: usize, decided_by: Option<EventId>) -> Evidence {
        let mut facts = order::ordered(facts);
        let is_deciding = |fact: &Fact| Some(fact.event) == decided_by && fact.what.can_decide();
        let deciding = facts.iter().position(is_deciding);
        if let Some(deciding) = deciding {
            facts[deciding].deciding = true;
        }
        let all = facts.len();
        let mut index = 0..;
        facts.retain(|_| {
            let index = index.next().unwrap_or(usize::MAX);
            let is_near = deciding.is_some_and(|at| at.abs_diff(index) <= Evidence::AROUND);
            index < Evidence::KEPT || is_near
        });
        Evidence {
            left_out: left_out + all - facts.len(),
            facts,
            matched: Vec::new(),
            walked: Vec::new(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Evidence::default()
    }

    /// What decided the cell.
    pub fn deciding(&self) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.deciding)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Command { line } => write!(f, "client: {line}"),
            Seen::Reply { reply } => write!(f, "server: {reply}"),
            Seen::Announced { announcement } => announcement.fmt(f),
            Seen::Rewritten { sent, arrived } => {
                write!(f, "on the way, `{sent}` became `{arrived}`")
            }
            Seen::Secured => f.write_str("the rest is TLS"),
            Seen::Encrypted { way, bytes } => {
                let side = match way {
                    Way::Out => "client",
                    Way::In => "server",
                };
                write!(f, "{side}: encrypted, {bytes} bytes")
            }
            Seen::NoReply { line } => write!(f, "server, no reply: {line}"),
            Seen::Gap => f.write_str("bytes are missing here"),
            Seen::Packet { way, packet } => write!(f, "{way}: {packet}"),
            Seen::Stopped { cause, state } => {
                cause.fmt(f)?;
                match state {
                    Some(state) => write!(f, " ({} to conntrack)", state.word().to_uppercase()),
                    None => Ok(()),
                }
            }
            Seen::SentElsewhere { cause } => {
                let packet = cause.packet();
                let packet = packet.map_or_else(String::new, ToString::to_string);
                match cause {
                    Cause::Rule {
                        node,
                        rule,
                        statement,
                        ..
                    } => write!(
                        f,
                        "{node}: rule {rule} `{statement}` sent {packet} elsewhere"
                    ),
                    other => other.fmt(f),
                }
            }
            Seen::StoppedBetween { packet } => {
                write!(f, "{packet} was stopped between two rulesets")
            }
            Seen::Tracked {
                original,
                helper,
                master,
            } => {
                write!(f, "new connection {original}")?;
                if let Some(helper) = helper {
                    write!(f, ", helper {helper}")?;
                }
                match master {
                    Some(master) => write!(f, ", expected by {master}"),
                    None => Ok(()),
                }
            }
            Seen::Expectation { became, expected } => {
                write!(f, "expectation {became}: {expected}")
            }
            Seen::NotExpected { announcement, why } => {
                write!(f, "no expectation, though {announcement}: {why}")
            }
            Seen::Invalid { reason, packet } => write!(f, "INVALID, {reason}: {packet}"),
            Seen::SentAgain { packet } => write!(f, "sent again, as TCP would: {packet}"),
            Seen::Ended { flow } => write!(f, "ended the waiting socket {flow}"),
            Seen::Lost { at } => write!(f, "events were lost on {at}"),
            Seen::Did { what } => f.write_str(what),
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.facts.iter().map(|fact| fact.node.as_str().len());
        let width = widths.max().unwrap_or(0);
        for fact in &self.facts {
            let mark = if fact.deciding { '▶' } else { ' ' };
            let ms = fact.at.as_secs_f64() * 1e3;
            let source = fact.what.source().to_string();
            writeln!(
                f,
                "{mark} {ms:9.3} ms  {:width$}  {source:9}  {}",
                fact.node, fact.what
            )?;
        }
        if self.left_out > 0 {
            writeln!(f, "  and {} lines more", self.left_out)?;
        }
        Ok(())
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

fn is_false(value: &bool) -> bool {
    !value
}
