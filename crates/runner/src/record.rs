use std::fmt;
use std::time::Duration;

use fwlab_model::{Cause, DataSetup, Outcome, Phase, Symptom};
use serde::Serialize;

use crate::evidence::Evidence;
use crate::housing::Place;
use crate::plan::{Axes, Cell};

/// The run record's version. It changes when a reader of the old one would go wrong.
pub const RECORD_SCHEMA_VERSION: u32 = 1;

/// What became of a cell, held against its requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The outcome is what was required.
    Met(Outcome),
    /// It is not.
    Missed {
        /// What happened.
        outcome: Outcome,
        /// In what it differs.
        differences: Vec<String>,
    },
    /// A peer did what is recorded of it, which others do not: so it could not, or need not, be as
    /// required. Notes name the deviation.
    Deviated {
        /// What happened, where the lab could tell.
        outcome: Option<Outcome>,
    },
    /// Nothing was required.
    Reported(Outcome),
    /// The lab could not tell.
    Inconclusive {
        /// Why.
        why: String,
    },
    /// The cell cannot be run here.
    Skipped {
        /// Why.
        why: String,
    },
    /// The run ended before the cell did.
    NotRun(NotRun),
}

/// Why the run ended before a cell did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRun {
    /// It was to stop at the first cell that missed its requirement or was inconclusive.
    Stopped,
    /// It was interrupted.
    Interrupted {
        /// By what: a signal's name.
        by: &'static str,
        /// Whether the cell was being run.
        begun: bool,
    },
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRun::Stopped => f.write_str(
                "the run stopped at a cell that missed its requirement or was inconclusive",
            ),
            NotRun::Interrupted { by, begun: true } => {
                write!(
                    f,
                    "the run was interrupted by {by} while this cell was running"
                )
            }
            NotRun::Interrupted { by, begun: false } => {
                write!(f, "the run was interrupted by {by} before this cell began")
            }
        }
    }
}

impl Judgement {
    /// The word in reports.
    pub fn word(&self) -> &'static str {
        match self {
            Judgement::Met(_) | Judgement::Deviated { .. } => "met",
            Judgement::Missed { .. } => "missed",
            Judgement::Reported(_) => "reported",
            Judgement::Inconclusive { .. } => "inconclusive",
            Judgement::Skipped { .. } => "skipped",
            Judgement::NotRun(_) => "not-run",
        }
    }

    /// What happened, where the lab could tell.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Judgement::Met(outcome)
            | Judgement::Reported(outcome)
            | Judgement::Missed { outcome, .. } => Some(outcome),
            Judgement::Deviated { outcome } => outcome.as_ref(),
            Judgement::Inconclusive { .. } | Judgement::Skipped { .. } | Judgement::NotRun(_) => {
                None
            }
        }
    }

    pub(crate) fn into_outcome(self) -> Option<Outcome> {
        match self {
            Judgement::Met(outcome)
            | Judgement::Reported(outcome)
            | Judgement::Missed { outcome, .. } => Some(outcome),
            Judgement::Deviated { outcome } => outcome,
            Judgement::Inconclusive { .. } | Judgement::Skipped { .. } | Judgement::NotRun(_) => {
                None
            }
        }
    }
}

/// A cell of a run, and what became of it.
#[derive(Debug, Clone)]
pub struct CellRecord {
    /// Its place in the matrix.
    pub axes: Axes,
    /// Where its server ran, and its client; `None` for one that is missing.
    pub places: [Option<Place>; 2],
    /// What became of it.
    pub judgement: Judgement,
    /// What was required of it, in words; `None` where nothing was.
    pub requirement: Option<String>,
    /// What the kernel and the wire showed; empty for a cell that was not run.
    pub evidence: Evidence,
    /// How long it took.
    pub took: Duration,
    /// Things to know about it that change nothing: full patience and why, a fallback of the client.
    pub notes: Vec<String>,
}

/// One line of the JSON report.
#[derive(Debug, Serialize)]
pub struct JsonLine<'a> {
    schema: u32,
    scenario: &'a str,
    ruleset: &'a str,
    backend: &'static str,
    server: String,
    client: String,
    server_place: Option<&'static str>,
    client_place: Option<&'static str>,
    data: &'static str,
    protection: &'static str,
    family: &'static str,
    operation: &'static str,
    symptom: Option<Symptom>,
    phase: Option<Phase>,
    cause: Option<JsonCause<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    came_through: Option<&'static str>,
    requirement: Option<&'a str>,
    result: &'static str,
    why: Option<String>,
    notes: &'a [String],
    ms: f64,
}

#[derive(Debug, Serialize)]
struct JsonCause<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    led_to: Option<Box<JsonCause<'a>>>,
}

impl<'a> JsonCause<'a> {
    fn of(cause: &'a Cause) -> JsonCause<'a> {
        let packet = cause.packet().map(ToString::to_string);
        let bare = JsonCause {
            kind: cause.kind(),
            node: None,
            rule_id: None,
            source_line: None,
            statement: None,
            packet,
            led_to: None,
        };
        match cause {
            Cause::None => bare,
            Cause::Rule {
                node,
                rule,
                source_line,
                statement,
                led_to,
                ..
            } => JsonCause {
                led_to: led_to.as_deref().map(JsonCause::of).map(Box::new),
                node: Some(node.as_str()),
                rule_id: Some(rule.to_string()),
                source_line: *source_line,
                statement: Some(statement),
                ..bare
            },
            Cause::Policy {
                node,
                chain,
                source_line,
                statement,
                ..
            } => JsonCause {
                node: Some(node.as_str()),
                rule_id: Some(format!("{chain}/policy")),
                source_line: *source_line,
                statement: Some(statement),
                ..bare
            },
            Cause::Helper { node, .. } | Cause::Host { node, .. } | Cause::Loss { node, .. } => {
                JsonCause {
                    node: Some(node.as_str()),
                    ..bare
                }
            }
            Cause::Reply { reply } => JsonCause {
                statement: Some(reply),
                ..bare
            },
        }
    }
}

impl CellRecord {
    /// The record of a cell that the run did not come to, or not to the end of.
    pub fn not_run(cell: &Cell, why: NotRun) -> CellRecord {
        CellRecord {
            axes: cell.axes.clone(),
            places: [None, None],
            judgement: Judgement::NotRun(why),
            requirement: cell.requirement.as_ref().map(ToString::to_string),
            evidence: Evidence::default(),
            took: Duration::ZERO,
            notes: Vec::new(),
        }
    }

    /// The record as one line of the JSON report, to be serialised.
    pub fn json_line(&self) -> JsonLine<'_> {
        let outcome = self.judgement.outcome();
        JsonLine {
            schema: RECORD_SCHEMA_VERSION,
            scenario: &self.axes.scenario,
            ruleset: &self.axes.ruleset,
            backend: self.axes.backend.word(),
            server: self.axes.server.to_string(),
            client: self.axes.client.to_string(),
            server_place: self.places[0].map(Place::word),
            client_place: self.places[1].map(Place::word),
            data: self.axes.data.word(),
            protection: self.axes.protection.word(),
            family: self.axes.family.word(),
            operation: self.axes.operation.word(),
            symptom: outcome.map(|outcome| outcome.symptom),
            phase: outcome.map(|outcome| outcome.phase),
            cause: outcome.map(|outcome| JsonCause::of(&outcome.cause)),
            came_through: outcome
                .and_then(|outcome| outcome.came_through)
                .map(DataSetup::word),
            requirement: self.requirement.as_deref(),
            result: self.judgement.word(),
            why: match &self.judgement {
                Judgement::Missed { differences, .. } => Some(differences.join("; ")),
                Judgement::Inconclusive { why } | Judgement::Skipped { why } => Some(why.clone()),
                Judgement::NotRun(why) => Some(why.to_string()),
                Judgement::Met(_) | Judgement::Deviated { .. } | Judgement::Reported(_) => None,
            },
            notes: &self.notes,
            ms: (self.took.as_secs_f64() * 1e5).round() / 100.0,
        }
    }
}
