//! One transfer as a sequence diagram has it: a packet that one node sent and the next one saw is one arrow between them.

mod hops;

use std::time::Duration;

use fwlab_record::{EventId, Evidence, Fact, NodeName, Role, Seen, Source, Way};

use crate::lanes::{lanes, opening, place, words};
use crate::walked::walked;
use hops::{Hop, hops};

/// What happened between nodes, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// The nodes, from the client's side to the server's.
    pub lanes: Vec<NodeName>,
    /// What happened.
    pub steps: Vec<Step>,
    /// How much more there was than is kept.
    pub left_out: usize,
}

/// An arrow between nodes, or a note at one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The event that showed it; of an arrow, that at the node which sent it.
    pub event: EventId,
    /// When, since the client was started.
    pub at: Duration,
    /// From where to where.
    pub course: Course,
    /// The connection that it is of, as far as that is known.
    pub connection: Option<Role>,
    /// Where the evidence comes from.
    pub source: Source,
    /// What, in words.
    pub text: String,
    /// Whether this decided the cell.
    pub deciding: bool,
}

/// From where to where something went: places among the lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It was seen at a node, and nobody saw it anywhere else.
    Note {
        /// Where.
        at: usize,
    },
    /// One node sent it, and another got it.
    Arrow {
        /// Who sent it.
        from: usize,
        /// Who got it.
        to: usize,
    },
    /// It was stopped at a node.
    Stopped {
        /// The node that it came from: the same one where it was stopped before it left.
        from: usize,
        /// Where.
        at: usize,
    },
}

impl Sequence {
    /// That of a record's evidence. It has no steps where there is none.
    pub fn of(evidence: &Evidence) -> Sequence {
        let facts = &evidence.facts;
        let lanes = lanes(facts);
        let lane = |node: &NodeName| {
            let found = lanes.iter().position(|lane| lane == node);
            found.unwrap_or_default()
        };
        let hops = hops(facts);
        let mut steps = Vec::new();
        for (index, fact) in facts.iter().enumerate() {
            let course = match (&fact.what, hops.get(&index)) {
                (_, Some(Hop::Drawn)) => continue,
                (Seen::Stopped { .. } | Seen::StoppedBetween { .. }, hop) => {
                    let at = lane(&fact.node);
                    let from = match hop {
                        Some(Hop::Stopped { from }) => lane(&facts[*from].node),
                        _ => at,
                    };
                    Course::Stopped { from, at }
                }
                (_, Some(Hop::Arrow { from, to })) => {
                    let (sent, got) = (&facts[*from], &facts[*to]);
                    steps.push(Step {
                        event: sent.event,
                        at: sent.at,
                        course: Course::Arrow {
                            from: lane(&sent.node),
                            to: lane(&got.node),
                        },
                        connection: sent.connection.or(got.connection),
                        source: sent.what.source(),
                        text: sent.what.packet().map(opening).unwrap_or_default(),
                        deciding: sent.deciding || got.deciding,
                    });
                    continue;
                }
                (Seen::Command { .. } | Seen::Encrypted { way: Way::Out, .. }, _) => {
                    Course::Arrow {
                        from: lane(&fact.node),
                        to: lane(&NodeName::server()),
                    }
                }
                (Seen::Reply { .. } | Seen::NoReply { .. } | Seen::Encrypted { .. }, _) => {
                    Course::Arrow {
                        from: lane(&NodeName::server()),
                        to: match fact.node == NodeName::server() {
                            true => lane(&NodeName::client()),
                            false => lane(&fact.node),
                        },
                    }
                }
                _ => Course::Note {
                    at: lane(&place(fact)),
                },
            };
            steps.push(Step {
                event: fact.event,
                at: fact.at,
                course,
                connection: fact.connection,
                source: fact.what.source(),
                text: text(fact),
                deciding: fact.deciding,
            });
            if fact.deciding
                && let Some(text) = walked(evidence)
            {
                steps.push(Step {
                    event: fact.event,
                    at: fact.at,
                    course: Course::Note {
                        at: lane(&fact.node),
                    },
                    connection: fact.connection,
                    source: fact.what.source(),
                    text,
                    deciding: false,
                });
            }
        }
        Sequence {
            lanes,
            steps,
            left_out: evidence.left_out,
        }
    }
}

/// What was seen, where an arrow says who said it.
fn text(fact: &Fact) -> String {
    match &fact.what {
        Seen::Command { line } => line.clone(),
        Seen::Reply { reply } => reply.clone(),
        Seen::NoReply { line } => line.clone(),
        Seen::Encrypted { bytes, .. } => format!("encrypted, {bytes} bytes"),
        _ => words(fact),
    }
}

#[cfg(test)]
mod tests;
