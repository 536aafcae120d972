use std::fmt;
use std::time::Duration;

use fwlab_explain::Diagnosis;
use fwlab_record::{Cause, CellRecord, Evidence, Judgement, Outcome, Symptom, Versions};
use fwlab_runner::Present;

use fwlab_text::message;

use crate::LabError;

/// How a transfer ended, with the evidence for it.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The cell's name.
    pub cell: String,
    /// The server and the client, with their versions, and where they ran.
    pub peers: Vec<Present>,
    /// What happened: to be matched on.
    pub outcome: Outcome,
    /// What the kernel and the wire showed.
    pub evidence: Evidence,
    /// What else there is to know, one sentence each.
    pub notes: Vec<String>,
    /// What it ran on and with.
    pub versions: Versions,
    /// How long it took.
    pub took: Duration,
}

impl Observed {
    /// How a cell ended, with its peers; an error if it has no outcome.
    pub(crate) fn of(record: CellRecord, peers: Vec<Present>) -> Result<Observed, LabError> {
        let CellRecord {
            axes,
            judgement,
            evidence,
            took,
            notes,
            versions,
            ..
        } = record;
        match judgement {
            Judgement::Met {
                outcome: Some(outcome),
                ..
            }
            | Judgement::Reported(outcome)
            | Judgement::Missed { outcome, .. } => Ok(Observed {
                cell: axes.to_string(),
                peers,
                outcome,
                evidence,
                notes,
                versions,
                took,
            }),
            Judgement::Inconclusive { why } => Err(LabError::Inconclusive(why)),
            Judgement::NotRun(why) => Err(LabError::Inconclusive(why.to_string())),
            Judgement::Met { outcome: None, .. } => Err(LabError::NotSupported(notes.join("; "))),
            Judgement::Skipped { why } => Err(LabError::NotSupported(why)),
        }
    }

    /// Whether the bytes arrived unchanged and the final reply was read.
    pub fn is_transferred(&self) -> bool {
        self.outcome.symptom == Symptom::Transferred
    }

    /// Whether the firewall stopped it: a rule, a policy, or the helper itself.
    pub fn is_blocked(&self) -> bool {
        matches!(
            self.outcome.cause,
            Cause::Rule { .. } | Cause::Policy { .. } | Cause::Helper { .. }
        )
    }

    /// Why it was stopped, and what would have let it through, in sentences; nothing if the evidence does not say.
    pub fn why(&self) -> Option<String> {
        Diagnosis::of_outcome(&self.outcome, &self.evidence).map(|found| found.sentences())
    }

    /// Whether the policy of the chain `table/CHAIN` or `family/table/chain` stopped it.
    pub fn is_blocked_by_policy(&self, chain: &str) -> bool {
        matches!(&self.outcome.cause, Cause::Policy { chain: id, .. } if id.is_named(chain))
    }

    /// Whether a rule stopped it: the one in this place of the chain `table/CHAIN` or `family/table/chain`, 1 for the first.
    pub fn is_blocked_by_rule(&self, chain: &str, ordinal: u32) -> bool {
        matches!(&self.outcome.cause, Cause::Rule { rule, .. }
            if rule.chain.is_named(chain) && rule.ordinal.0 == ordinal)
    }
}

/// The outcome and all its evidence: the message of a failed assertion.
impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peers: Vec<String> = self.peers.iter().map(ToString::to_string).collect();
        let peers = peers.join(", ");
        let (cell, outcome, evidence) = (&self.cell, &self.outcome, &self.evidence);
        let notes: String = (self.notes.iter().map(|note| format!("  note: {note}\n"))).collect();
        let why = self
            .why()
            .map_or_else(String::new, |why| format!("  {why}\n"));
        let text = format!("{cell}\n  with {peers}\n  {outcome}\n{why}{notes}{evidence}");
        f.write_str(&message(&text))
    }
}

/// Asserts that a transfer passed; the failure message is the evidence.
#[macro_export]
macro_rules! assert_transferred {
    ($observed:expr $(,)?) => {
        match &$observed {
            observed => assert!(
                observed.is_transferred(),
                "it should have passed, but did not: {observed}"
            ),
        }
    };
}

/// Asserts that the firewall stopped a transfer: in any way, `by policy "filter/INPUT"`,
/// or `by rule "filter/INPUT", 2`. The failure message is the evidence.
#[macro_export]
macro_rules! assert_blocked {
    ($observed:expr, by policy $chain:expr $(,)?) => {
        match &$observed {
            observed => assert!(
                observed.is_blocked_by_policy($chain),
                "the policy of {} should have stopped it, but did not: {observed}",
                $chain
            ),
        }
    };
    ($observed:expr, by rule $chain:expr, $ordinal:expr $(,)?) => {
        match &$observed {
            observed => assert!(
                observed.is_blocked_by_rule($chain, $ordinal),
                "rule {} of {} should have stopped it, but did not: {observed}",
                $ordinal,
                $chain
            ),
        }
    };
    ($observed:expr $(,)?) => {
        match &$observed {
            observed => assert!(
                observed.is_blocked(),
                "the firewall should have stopped it, but did not: {observed}"
            ),
        }
    };
}
