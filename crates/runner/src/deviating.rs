use fwlab_ftp::deviation::{Deviation, Effect, Instead};
use fwlab_record::{Judgement, Outcome, Symptom};

use fwlab_judge::SignResult;

/// Where each peer has a folder, with its deviations in it.
const PEERS: &str = "crates/ftp/src/peer";

/// A deviation that a cell was searched for.
#[derive(Debug, Clone)]
pub(crate) struct ExpectedDeviation {
    pub(crate) deviation: Deviation,
    /// The version of the peer that ran.
    pub(crate) version: String,
    pub(crate) sign_result: SignResult,
}

impl ExpectedDeviation {
    /// What a deviation that is gone is told by.
    fn gone(&self) -> Option<String> {
        let SignResult::Absent(seen) = &self.sign_result else {
            return None;
        };
        let Deviation { peer, word, .. } = self.deviation;
        // A folder's name is the peer's, as Rust spells it.
        let folder = peer.word().replace('-', "_");
        Some(format!(
            "recorded deviation `{word}` of {peer} {} no longer shows ({}): {seen}; remove it from {PEERS}/{folder}/deviations.rs",
            self.version,
            self.deviation.sentence()
        ))
    }

    /// Whether it shows and this is an outcome that it leads to.
    fn leads_to(&self, outcome: Option<&Outcome>) -> bool {
        let is = |instead: &Instead| {
            outcome.is_some_and(|outcome| {
                (instead.symptom, instead.phase, instead.cause)
                    == (outcome.symptom, outcome.phase, outcome.cause.kind())
            })
        };
        let may_be = match self.deviation.effect {
            Effect::Nothing => false,
            Effect::RulesOut([]) => true,
            Effect::RulesOut(outcomes) | Effect::Instead(outcomes) => outcomes.iter().any(is),
            Effect::GivesUp => outcome.is_none(),
        };
        self.sign_result == SignResult::Shows && may_be
    }

    /// The deviation in a note.
    fn note(&self) -> String {
        let Deviation { word, .. } = self.deviation;
        format!("deviation `{word}`: {}", self.deviation.sentence())
    }
}

/// What deviations make of a judgement. One that is gone is a miss, whatever else happened. One that a
/// cell was run for decides alone; another one excuses the outcomes that it leads to.
pub(crate) fn with_deviations(
    judgement: Judgement,
    sought: &[ExpectedDeviation],
    notes: &mut Vec<String>,
) -> Judgement {
    let gone: Vec<String> = sought.iter().filter_map(ExpectedDeviation::gone).collect();
    let on_purpose = sought.iter().any(|one| one.deviation.is_ruling_out());
    if !gone.is_empty() {
        return without(judgement, gone, on_purpose, notes);
    }
    let outcome = judgement.outcome();
    let leading = sought.iter().filter(|one| one.leads_to(outcome));
    let leading = leading.filter(|one| one.deviation.is_ruling_out() || !on_purpose);
    let leading: Vec<String> = leading.map(ExpectedDeviation::note).collect();
    if leading.is_empty() {
        return if on_purpose {
            not_as_recorded(judgement, sought)
        } else {
            judgement
        };
    }
    let as_required = matches!(
        judgement,
        Judgement::Met {
            deviated: false,
            ..
        } | Judgement::Reported(_)
    );
    if as_required && !on_purpose {
        return judgement;
    }
    notes.extend(leading);
    Judgement::deviated(judgement.into_outcome())
}

/// A judgement where deviations are gone. Where nothing is required and nobody looks for them, that is
/// worth a note alone.
fn without(
    judgement: Judgement,
    gone: Vec<String>,
    on_purpose: bool,
    notes: &mut Vec<String>,
) -> Judgement {
    match judgement {
        Judgement::Reported(outcome) if !on_purpose => {
            notes.extend(gone);
            Judgement::Reported(outcome)
        }
        Judgement::Met {
            outcome: Some(outcome),
            deviated: false,
        }
        | Judgement::Reported(outcome) => Judgement::Missed {
            outcome,
            why: gone.join("; "),
        },
        Judgement::Missed { outcome, why } => Judgement::Missed {
            outcome,
            why: format!("{why}; {}", gone.join("; ")),
        },
        Judgement::Inconclusive { why } => Judgement::Inconclusive {
            why: format!("{why}; and {}", gone.join("; ")),
        },
        other @ (Judgement::Met { .. } | Judgement::Skipped { .. } | Judgement::NotRun(_)) => other,
    }
}

/// A cell that was run for a deviation, and ended in another way than is recorded; or it shows neither
/// that the deviation is there nor that it is gone. Where rules stopped it before, it is like any other.
fn not_as_recorded(judgement: Judgement, sought: &[ExpectedDeviation]) -> Judgement {
    let words = |sign_result: bool| {
        let of_these = sought.iter().filter(|one| one.deviation.is_ruling_out());
        let words: Vec<&str> = of_these
            .filter(|one| (one.sign_result == SignResult::Shows) == sign_result)
            .map(|one| one.deviation.word)
            .collect();
        words.join(", ")
    };
    let sign_result = words(true);
    let stopped = |outcome: &Outcome| outcome.symptom != Symptom::Transferred;
    if sign_result.is_empty() && judgement.outcome().is_some_and(stopped) {
        return judgement;
    }
    match judgement.into_outcome() {
        Some(outcome) if !sign_result.is_empty() => Judgement::Missed {
            outcome,
            why: format!(
                "deviation {sign_result} shows, but leads to a different outcome from the one recorded below {PEERS}"
            ),
        },
        _ if !sign_result.is_empty() => Judgement::Inconclusive {
            why: format!("deviation {sign_result} shows, but its effect could not be determined"),
        },
        _ => Judgement::Inconclusive {
            why: format!(
                "the session did not get far enough for its deviation to show: {}",
                words(false)
            ),
        },
    }
}

#[cfg(test)]
mod tests;
