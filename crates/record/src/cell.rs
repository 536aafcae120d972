use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Axes, Evidence, Outcome, Place, SchemaVersion, Versions, ms};

/// A cell of a run, and what became of it: one line of the JSON report, as it stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellRecord {
    /// The version of this shape.
    pub schema: SchemaVersion,
    /// Its place in the matrix.
    #[serde(flatten)]
    pub axes: Axes,
    /// Where its server ran; nothing for one that is missing.
    pub server_place: Option<Place>,
    /// Where its client ran.
    pub client_place: Option<Place>,
    /// What became of it.
    #[serde(flatten)]
    pub judgement: Judgement,
    /// What was required of it, in words; nothing where nothing was.
    pub requirement: Option<String>,
    /// Things to know about it that change nothing: full patience and why, a fallback of the client.
    pub notes: Vec<String>,
    /// What it ran on and with.
    #[serde(default, skip_serializing_if = "Versions::is_empty")]
    pub versions: Versions,
    /// How long it took.
    #[serde(rename = "ms", with = "ms")]
    pub took: Duration,
    /// What the kernel and the wire showed; empty for a cell that was not run, and where nobody asked for it.
    #[serde(default, skip_serializing_if = "Evidence::is_empty")]
    pub evidence: Evidence,
}

/// What became of a cell, held against its requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "result", rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Judgement {
    /// The outcome is what was required; or a peer did what is recorded of it, which others do not, so that it could not, or
    /// need not, be: notes name the deviation.
    Met {
        /// What happened, where the lab could tell: of a peer that deviated it need not.
        #[serde(flatten)]
        outcome: Option<Outcome>,
        /// Whether a peer deviated.
        #[serde(default, skip_serializing_if = "is_false")]
        deviated: bool,
    },
    /// It is not.
    Missed {
        /// What happened.
        #[serde(flatten)]
        outcome: Outcome,
        /// In what it differs.
        why: String,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// In words.
    pub why: String,
    /// By what it was interrupted, a signal's name; nothing where it was to stop at the first cell that missed its
    /// requirement or was inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted_by: Option<String>,
    /// Whether the cell was being run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub begun: bool,
}

impl NotRun {
    /// It was to stop at the first cell that missed its requirement or was inconclusive.
    pub fn stopped() -> NotRun {
        NotRun {
            why: "the run stopped at a cell that missed its requirement or was inconclusive"
                .to_owned(),
            interrupted_by: None,
            begun: false,
        }
    }

    /// It was interrupted by a signal, before the cell began or while it was being run.
    pub fn interrupted(by: &str, begun: bool) -> NotRun {
        let when = if begun {
            "while this cell was running"
        } else {
            "before this cell began"
        };
        NotRun {
            why: format!("the run was interrupted by {by} {when}"),
            interrupted_by: Some(by.to_owned()),
            begun,
        }
    }
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Judgement {
    /// The outcome is what was required.
    pub fn met(outcome: Outcome) -> Judgement {
        Judgement::Met {
            outcome: Some(outcome),
            deviated: false,
        }
    }

    /// A peer did what is recorded of it, and others do not.
    pub fn deviated(outcome: Option<Outcome>) -> Judgement {
        Judgement::Met {
            outcome,
            deviated: true,
        }
    }

    /// The result as it is written in reports.
    pub fn word(&self) -> &'static str {
        self.into()
    }

    /// What happened, where the lab could tell.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Judgement::Reported(outcome) | Judgement::Missed { outcome, .. } => Some(outcome),
            Judgement::Met { outcome, .. } => outcome.as_ref(),
            Judgement::Inconclusive { .. } | Judgement::Skipped { .. } | Judgement::NotRun(_) => {
                None
            }
        }
    }

    /// The same, without the rest.
    pub fn into_outcome(self) -> Option<Outcome> {
        match self {
            Judgement::Reported(outcome) | Judgement::Missed { outcome, .. } => Some(outcome),
            Judgement::Met { outcome, .. } => outcome,
            Judgement::Inconclusive { .. } | Judgement::Skipped { .. } | Judgement::NotRun(_) => {
                None
            }
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
