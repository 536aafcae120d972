use std::time::Duration;

use fwlab_ftp::wire::Event as Line;
use fwlab_judge::{Said, SessionTracker, What};
use fwlab_observe::{Change, ConntrackEvent, ExpectationEvent, InvalidPacket, Source};
use fwlab_record::{
    Announcement, Became, EventId, Evidence, Fact, Flow, NodeName, Packet, Role, Seen, TcpFlags,
    Way,
};

/// The most facts that are gathered of one cell, and as many again of those that can decide it.
const GATHERED: usize = 2 * Evidence::KEPT;

/// The longest line of a dialogue that is kept, in characters.
const LONGEST: usize = 1_000;

/// An event's number, and when it was.
type At = (EventId, Duration);

/// Gathers what was seen.
#[derive(Default)]
pub(super) struct Timeline {
    facts: Vec<Fact>,
    left_out: usize,
}

impl Timeline {
    /// What was said on the control connection.
    pub(super) fn said(&mut self, at: At, node: &NodeName, said: &Said) {
        for line in &said.lines {
            let seen = match line {
                Line::Command(command) => Seen::Command {
                    line: printable(&command.to_string()),
                },
                Line::Reply { reply, .. } => Seen::Reply {
                    reply: reply.to_string(),
                },
                Line::Announced(announcement) => Seen::Announced {
                    announcement: *announcement,
                },
                Line::Secured => Seen::Secured,
                Line::NoReply { line } => Seen::NoReply { line: line.clone() },
                Line::Gap { .. } => Seen::Gap,
            };
            self.add(at, node, seen);
        }
        for (client, server) in &said.rewritten {
            let (sent, arrived) = if client.setup.is_active() {
                (*client, *server)
            } else {
                (*server, *client)
            };
            self.add(at, node, Seen::Rewritten { sent, arrived });
        }
    }

    /// One side of the control connection said something under TLS. What it goes on to say is told with it.
    pub(super) fn encrypted(&mut self, at: At, node: &NodeName, way: Way, more: u64) {
        if let Some(Fact {
            what: Seen::Encrypted { way: last, bytes },
            ..
        }) = self.facts.last_mut()
            && *last == way
        {
            *bytes += more;
            return;
        }
        self.add(at, node, Seen::Encrypted { way, bytes: more });
    }

    pub(super) fn captured(
        &mut self,
        at: At,
        node: &NodeName,
        way: Way,
        packet: &Packet,
        at_client: bool,
    ) {
        let tells = match packet {
            Packet::Tcp { flags, .. } => {
                let ends = at_client && flags.0 & TcpFlags::FIN != 0;
                flags.is_syn() || flags.is_syn_ack() || flags.is_rst() || ends
            }
            Packet::Icmp { .. } => true,
            Packet::Other { .. } => false,
        };
        if tells {
            let packet = *packet;
            self.add(at, node, Seen::Packet { way, packet });
        }
    }

    pub(super) fn met_a_rule(&mut self, at: At, node: &NodeName, what: &What) {
        let seen = match what {
            What::Stopped {
                by, packet, state, ..
            } => Seen::Stopped {
                cause: by.cause(node.clone(), *packet),
                state: *state,
            },
            What::HandedOn { by, packet, .. } => Seen::Stopped {
                cause: by.cause(node.clone(), *packet),
                state: None,
            },
            What::Translated { by, packet } => Seen::SentElsewhere {
                cause: by.cause(node.clone(), *packet),
            },
            _ => return,
        };
        self.add(at, node, seen);
    }

    pub(super) fn stopped_between(&mut self, at: At, node: &NodeName, packet: &Packet) {
        let packet = *packet;
        self.add(at, node, Seen::StoppedBetween { packet });
    }

    pub(super) fn conntrack(&mut self, at: At, node: &NodeName, change: &ConntrackEvent) {
        if change.change == Change::New {
            let seen = Seen::Tracked {
                original: change.original,
                helper: change.helper.as_deref().map(str::to_owned),
                master: change.master,
            };
            self.add(at, node, seen);
        }
    }

    pub(super) fn expectation(
        &mut self,
        at: At,
        node: &NodeName,
        change: &ExpectationEvent,
        became: Became,
    ) {
        let expected = change.tuple;
        self.add(at, node, Seen::Expectation { became, expected });
    }

    pub(super) fn used(&mut self, at: At, node: &NodeName, expectation: &ExpectationEvent) {
        self.expectation(at, node, expectation, Became::Used);
    }

    pub(super) fn not_expected(
        &mut self,
        at: At,
        node: &NodeName,
        announcement: Announcement,
        why: String,
    ) {
        self.add(at, node, Seen::NotExpected { announcement, why });
    }

    pub(super) fn invalid(&mut self, at: At, node: &NodeName, invalid: &InvalidPacket) {
        let seen = Seen::Invalid {
            reason: invalid.reason.to_string(),
            packet: invalid.packet,
        };
        self.add(at, node, seen);
    }

    pub(super) fn lost(&mut self, at: At, node: &NodeName, source: Source) {
        let seen = Seen::Lost {
            at: format!("{source:?}").to_lowercase(),
        };
        self.add(at, node, seen);
    }

    pub(super) fn remark(&mut self, at: At, node: &NodeName, what: String) {
        self.add(at, node, Seen::Did { what });
    }

    pub(super) fn sent_again(&mut self, at: At, node: &NodeName, packet: &Packet) {
        let packet = *packet;
        self.add(at, node, Seen::SentAgain { packet });
    }

    pub(super) fn ended(&mut self, at: At, node: &NodeName, flow: Flow) {
        self.add(at, node, Seen::Ended { flow });
    }

    fn add(&mut self, (event, at): At, node: &NodeName, what: Seen) {
        let room =
            self.facts.len() < GATHERED || what.can_decide() && self.facts.len() < 2 * GATHERED;
        if !room {
            self.left_out += 1;
            return;
        }
        self.facts.push(Fact {
            event,
            at,
            node: node.clone(),
            connection: None,
            what,
            deciding: false,
        });
    }

    pub(super) fn into_evidence(
        self,
        tracker: &SessionTracker,
        decided_by: Option<EventId>,
    ) -> Evidence {
        let mut facts = self.facts;
        for fact in &mut facts {
            fact.connection = role(tracker, &fact.what);
        }
        Evidence::new(facts, self.left_out, decided_by)
    }
}

/// What the connection is for that something was seen of.
fn role(tracker: &SessionTracker, seen: &Seen) -> Option<Role> {
    match seen {
        Seen::Command { .. }
        | Seen::Reply { .. }
        | Seen::Announced { .. }
        | Seen::Rewritten { .. }
        | Seen::Secured
        | Seen::Encrypted { .. }
        | Seen::NoReply { .. }
        | Seen::Gap => Some(Role::Control),
        Seen::Tracked { original, .. } => tracker.role_of_flow(&original.flow()?),
        Seen::Ended { flow } => tracker.role_of_flow(flow),
        _ => tracker.role_of(seen.packet()?),
    }
}

/// A line with its control characters made visible, and no longer than a line is.
fn printable(line: &str) -> String {
    line.trim_end().escape_debug().take(LONGEST).collect()
}
