//! What a user expects of a table: `passive passes`, `explicit/port blocked`.

use std::str::FromStr;
use std::sync::Arc;

use fwlab_model::ruleset::nearest;
use fwlab_record::{CellRecord, DataSetup, Exit, Judgement, Protection, Symptom};
use fwlab_scenario::plan::idle_requirements;
use fwlab_scenario::{Requirement, Scenario, Selector, SymptomDemand};
use fwlab_text::one_line;

use crate::command::exit::complain;

/// What cells are expected to come to, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct Expectation {
    /// As it was written.
    text: String,
    selector: Selector,
    symptom: SymptomDemand,
}

/// What names data setups, and which.
const SETUPS: [(&str, &[DataSetup]); 7] = [
    ("active", &[DataSetup::Port, DataSetup::Eprt]),
    ("passive", &[DataSetup::Pasv, DataSetup::Epsv]),
    ("port", &[DataSetup::Port]),
    ("eprt", &[DataSetup::Eprt]),
    ("pasv", &[DataSetup::Pasv]),
    ("epsv", &[DataSetup::Epsv]),
    ("all", &[]),
];

const OUTCOMES: [(&str, SymptomDemand); 2] = [
    ("passes", SymptomDemand::Is(Symptom::Transferred)),
    ("blocked", SymptomDemand::Blocked),
];

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Expectation, String> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let [cells, outcome] = words[..] else {
            return Err(
                "write whose transfers and what becomes of them: 'passive passes', 'explicit/port blocked', 'all passes'".into(),
            );
        };
        let (protection, setup) = match cells.split_once('/') {
            Some((protection, setup)) => (Some(protection), setup),
            None => (None, cells),
        };
        let protections = protection.map(|word| {
            let all: Vec<(&str, Protection)> = Protection::ALL
                .iter()
                .map(|one| (one.word(), *one))
                .collect();
            among("a protection", word, &all)
        });
        let setups = among("a way to transfer", setup, &SETUPS)?;
        Ok(Expectation {
            text: words.join(" "),
            selector: Selector {
                data: setups.to_vec(),
                protections: protections.transpose()?.into_iter().collect(),
                ..Selector::default()
            },
            symptom: among("an outcome", outcome, &OUTCOMES)?,
        })
    }
}

/// What a word of a closed set stands for.
fn among<T: Copy>(what: &str, word: &str, all: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, value)) = all.iter().find(|(known, _)| *known == word) {
        return Ok(*value);
    }
    let words: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
    let near = nearest(word, words.iter().copied());
    let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    Err(format!(
        "`{word}` is not {what}: {near}[{}]",
        words.join(", ")
    ))
}

impl Expectation {
    /// As a scenario says it.
    pub(super) fn requirement(&self) -> Requirement {
        Requirement {
            selector: self.selector.clone(),
            symptom: self.symptom,
            phase: None,
            cause: None,
            span: 0..0,
        }
    }

    /// Whether a cell came to what it says.
    pub(in crate::command) fn names(&self, record: &CellRecord) -> bool {
        let outcome = record.judgement.outcome();
        self.is_about(record)
            && outcome.is_some_and(|outcome| self.requirement().differences(outcome).is_empty())
    }

    /// Whether it is about a cell.
    fn is_about(&self, record: &CellRecord) -> bool {
        self.selector.names(&record.axes)
    }
}

/// Tells expectations that no cell is held against. Where several name a cell, the last one holds.
pub(super) fn refuse_idle(expected: &[Expectation], scenario: &Arc<Scenario>) -> Result<(), Exit> {
    let idle = idle_requirements(scenario);
    for one in &idle {
        let expectation = &expected[one.index];
        let names_none = one.why.starts_with("it names no cell");
        let (why, help) = match names_none {
            true => (
                "it names no cell that is tried",
                "--protection and --data choose what is tried",
            ),
            false => (
                "later ones name every cell that it names, and the last one holds",
                "write the general one first, or leave it out",
            ),
        };
        complain(
            format!("--expect '{}': {why}", one_line(&expectation.text)),
            Some(help),
        );
    }
    match idle.is_empty() {
        true => Ok(()),
        false => Err(Exit::Usage),
    }
}

/// Tells expectations whose cells were all skipped: nothing is known of them.
pub(super) fn all_known(expected: &[Expectation], records: &[&CellRecord]) -> Result<(), Exit> {
    let mut known = Ok(());
    for one in expected {
        let mut about = records.iter().filter(|record| one.is_about(record));
        let skipped = |record: &&&CellRecord| matches!(record.judgement, Judgement::Skipped { .. });
        if about.clone().all(|record| skipped(&record)) {
            let why = about.find_map(|record| match &record.judgement {
                Judgement::Skipped { why } => Some(why.as_str()),
                _ => None,
            });
            complain(
                format!(
                    "--expect '{}': every cell that it names was skipped, and nothing is known: {}",
                    one_line(&one.text),
                    one_line(why.unwrap_or("there is none"))
                ),
                Some(
                    "--server and --client choose others, --where container runs them in containers",
                ),
            );
            known = Err(Exit::Lab);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_read_and_mistakes_told() {
        let read = |text: &str| text.parse::<Expectation>();
        let one = read("explicit/passive  passes").expect("right");
        assert_eq!(one.selector.to_string(), "explicit pasv,epsv");
        assert_eq!(one.symptom, Symptom::Transferred);
        let all = read("all blocked").expect("right");
        assert_eq!(all.selector, Selector::default());
        assert_eq!(all.symptom, SymptomDemand::Blocked);
        for (text, told) in [
            (
                "passiv passes",
                "`passiv` is not a way to transfer: did you mean `passive`? [active, passive, port, eprt, pasv, epsv, all]",
            ),
            (
                "passive pases",
                "`pases` is not an outcome: did you mean `passes`? [passes, blocked]",
            ),
            (
                "tls/port blocked",
                "`tls` is not a protection: [plain, explicit, implicit, ccc]",
            ),
            ("passive", "write whose transfers and what becomes of them"),
            ("", "write whose transfers"),
            ("a b c", "write whose transfers"),
            ("/ passes", "`` is not a"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.starts_with(told), "{text}: {error}");
        }
    }
}
