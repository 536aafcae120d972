//! What two runs of a cell are compared by.

use std::fmt;

use fwlab_record::{
    Cause, CauseKind, DataSetup, Judgement, Outcome, Packet, Phase, Symptom, TcpFlags,
};

use crate::ruleset::Ruleset;

/// Which statement of a ruleset a cause names: the same in every rewrite of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement {
    /// The rule of that number.
    Rule(u32),
    /// That chain's policy.
    Policy(&'static str, String),
    /// None that stands in the ruleset: its text.
    Unknown(String),
}

/// What a cell showed.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) symptom: Symptom,
    pub(crate) phase: Phase,
    kind: CauseKind,
    node: Option<String>,
    pub(crate) statement: Option<Statement>,
    packet: Option<String>,
    came_through: Option<DataSetup>,
    /// The outcome in words.
    pub(crate) words: String,
}

/// What became of a cell.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// The lab could tell.
    Seen(Seen),
    /// It could not: why.
    Unclear(String),
    /// The cell cannot be run here: why.
    Skipped(String),
}

impl Fate {
    /// What a judgement says of a cell of that ruleset.
    pub(crate) fn of(judgement: &Judgement, ruleset: &Ruleset) -> Fate {
        if let Some(outcome) = judgement.outcome() {
            return Fate::Seen(Seen::of(outcome, ruleset));
        }
        match judgement {
            Judgement::Inconclusive { why } => Fate::Unclear(why.clone()),
            Judgement::NotRun(why) => Fate::Unclear(why.to_string()),
            Judgement::Skipped { why } => Fate::Skipped(why.clone()),
            _ => Fate::Skipped("a peer's deviation rules it out".into()),
        }
    }

    /// What a cell waited for, in words that name no cell.
    pub(crate) fn waited_for(&self) -> Option<String> {
        let seen = self.seen()?;
        let packet = seen.packet.as_deref().unwrap_or("nothing");
        let Seen {
            symptom,
            phase,
            kind,
            ..
        } = seen;
        Some(format!("{symptom} at {phase} by {kind}: {packet}"))
    }

    /// What was seen, where the lab could tell.
    pub(crate) fn seen(&self) -> Option<&Seen> {
        match self {
            Fate::Seen(seen) => Some(seen),
            Fate::Unclear(_) | Fate::Skipped(_) => None,
        }
    }
}

impl Seen {
    fn of(outcome: &Outcome, ruleset: &Ruleset) -> Seen {
        let cause = &outcome.cause;
        let (node, statement) = match cause {
            Cause::Rule { node, rule, .. } => {
                let chain = ruleset.chain(&rule.chain);
                let at = (rule.ordinal.0 as usize).wrapping_sub(1);
                let found = chain.and_then(|chain| chain.rules.get(at));
                let unknown = || Statement::Unknown(rule.to_string());
                let statement = found.map_or_else(unknown, |rule| Statement::Rule(rule.number));
                (Some(node), Some(statement))
            }
            Cause::Policy { node, chain, .. } => {
                let found = ruleset
                    .chain(chain)
                    .filter(|found| found.drops == Some(true));
                let unknown = || Statement::Unknown(format!("the policy of {chain}"));
                let statement = found.map_or_else(unknown, |found| {
                    Statement::Policy(found.table, found.name.clone())
                });
                (Some(node), Some(statement))
            }
            Cause::Helper { node, .. } | Cause::Host { node, .. } | Cause::Loss { node, .. } => {
                (Some(node), None)
            }
            Cause::None | Cause::Reply { .. } => (None, None),
        };
        Seen {
            symptom: outcome.symptom,
            phase: outcome.phase,
            kind: cause.kind(),
            node: node.map(|node| node.as_str().to_owned()),
            statement,
            packet: cause.packet().map(packet),
            came_through: outcome.came_through,
            words: outcome.to_string(),
        }
    }

    /// In what the two differ, in words that name no cell; nothing where they agree.
    pub(crate) fn differs(&self, other: &Seen) -> Option<String> {
        let mut what = Vec::new();
        if self.symptom != other.symptom || self.came_through != other.came_through {
            what.push(format!("symptom {}/{}", self.symptom, other.symptom));
        }
        if self.phase != other.phase {
            what.push(format!("phase {}/{}", self.phase, other.phase));
        }
        if (self.kind, &self.node) != (other.kind, &other.node) {
            what.push(format!("cause {}/{}", self.place(), other.place()));
        } else if self.statement != other.statement {
            what.push(format!("another {}", self.kind));
        } else if self.packet != other.packet {
            what.push(format!("packet of {}", self.kind));
        }
        (!what.is_empty()).then(|| what.join(", "))
    }

    fn place(&self) -> String {
        match &self.node {
            None => self.kind.to_string(),
            Some(node) => format!("{} at {node}", self.kind),
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// The kind of a packet, which ports and numbers of one run do not change.
fn packet(packet: &Packet) -> String {
    match packet {
        // Whether a segment carries PSH, or a FIN the last bytes, is TCP's own timing.
        Packet::Tcp { flags, .. } => {
            let kinds = TcpFlags::FIN | TcpFlags::SYN | TcpFlags::RST | TcpFlags::ACK;
            TcpFlags(flags.0 & kinds).to_string()
        }
        Packet::Icmp { kind, code, .. } => format!("ICMP {kind}/{code}"),
        Packet::Other { number, .. } => format!("protocol {number}"),
    }
}
