//! Holds the runs of a subject against each other.

use fwlab_record::{Chance, DataSetup};

use crate::rewrite::Rewrite;
use crate::seen::{Fate, Seen, Statement};
use crate::subject::Variant;
use crate::trial::{ORIGINAL, Trial, Way};

/// Two runs of a cell that must agree, or what one of them must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// Ended by evidence, and on real timers.
    EarlyAndFull,
    /// The same rules through iptables-nft and iptables-legacy.
    NftAndLegacy,
    /// Without what was named as the cause, the transfer comes further or meets another.
    WithoutCause,
    /// With a rule more that only logs or counts.
    Logged,
    /// `state` for `conntrack`, or the other way.
    Spelled,
    /// A rule in a chain of its own.
    Chained,
}

impl Comparison {
    /// All of them.
    pub const ALL: [Comparison; 6] = [
        Comparison::EarlyAndFull,
        Comparison::NftAndLegacy,
        Comparison::WithoutCause,
        Comparison::Logged,
        Comparison::Spelled,
        Comparison::Chained,
    ];

    /// Its name in reports and files.
    pub fn word(self) -> &'static str {
        match self {
            Comparison::EarlyAndFull => "early-full",
            Comparison::NftAndLegacy => "nft-legacy",
            Comparison::WithoutCause => "without-cause",
            Comparison::Logged => "logged",
            Comparison::Spelled => "spelled",
            Comparison::Chained => "chained",
        }
    }
}

impl From<Rewrite> for Comparison {
    fn from(rewrite: Rewrite) -> Comparison {
        match rewrite {
            Rewrite::Logged => Comparison::Logged,
            Rewrite::Spelled => Comparison::Spelled,
            Rewrite::Chained => Comparison::Chained,
        }
    }
}

/// What came of a comparison.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    /// The two agree.
    Equal,
    /// They do not: in what, in words that name no cell.
    Differs(String),
    /// At least one of the two showed nothing.
    Nothing,
}

/// A comparison of two runs.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) comparison: Comparison,
    pub(crate) ways: [Way; 2],
    /// What the outcome of one of them rests on beside the rules: then the two need not agree.
    pub(crate) chance: Option<Chance>,
    pub(crate) verdict: Verdict,
}

/// Compares all that was run of a subject.
pub(crate) fn compare(trial: &Trial) -> Vec<Compared> {
    let setups = trial.subject.setups().iter();
    setups.flat_map(|setup| of_setup(trial, *setup)).collect()
}

fn of_setup(trial: &Trial, setup: DataSetup) -> Vec<Compared> {
    let original = trial.way(ORIGINAL, setup);
    let mut pairs = Vec::new();
    let full = Way {
        full: true,
        ..original.clone()
    };
    pairs.push((Comparison::EarlyAndFull, full));
    if let ["nft", "legacy"] = trial.subject.backends() {
        let other = if trial.backend == "nft" {
            "legacy"
        } else {
            "nft"
        };
        let other = Way {
            backend: other.into(),
            ..original.clone()
        };
        pairs.push((Comparison::NftAndLegacy, other));
    }
    if let Some(less) = trial.lessened(setup) {
        pairs.push((Comparison::WithoutCause, trial.way(&less, setup)));
    }
    for rewrite in Rewrite::ALL {
        let is_there = |variant: &Variant| variant.name == rewrite.word();
        if trial.variants.iter().any(is_there) {
            pairs.push((rewrite.into(), trial.way(rewrite.word(), setup)));
        }
    }
    let compared = |(comparison, other): (Comparison, Way)| {
        let seen = |way: &Way| trial.fates.get(way).and_then(|(fate, _)| Fate::seen(fate));
        let verdict = match (seen(&original), seen(&other)) {
            (Some(one), Some(other)) => verdict(comparison, one, other),
            _ => Verdict::Nothing,
        };
        let ways = [original.clone(), other];
        let chances = ways.iter().filter_map(|way| trial.chances.get(way));
        Compared {
            comparison,
            chance: chances.flatten().next().copied(),
            ways,
            verdict,
        }
    };
    pairs.into_iter().map(compared).collect()
}

fn verdict(comparison: Comparison, one: &Seen, other: &Seen) -> Verdict {
    let unknown = |seen: &Seen| matches!(seen.statement, Some(Statement::Unknown(_)));
    if unknown(one) || unknown(other) {
        return Verdict::Differs("the cause is no statement of the ruleset".into());
    }
    let difference = one.differs(other);
    let difference = match comparison {
        Comparison::WithoutCause if other.phase < one.phase => Some(format!(
            "without its cause it ends sooner: {} {}, then {} {}",
            one.symptom, one.phase, other.symptom, other.phase
        )),
        Comparison::WithoutCause if difference.is_none() => {
            Some("without its cause all is as before".into())
        }
        Comparison::WithoutCause => None,
        _ => difference,
    };
    difference.map_or(Verdict::Equal, Verdict::Differs)
}
