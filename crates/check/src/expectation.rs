//! What a user expects of a table: `passive passes`, `explicit/port blocked`.

use std::str::FromStr;
use std::sync::Arc;

use fwlab_record::{CellRecord, Chance, Exit, Judgement, Symptom};
use fwlab_runner::{UNREACHED, settling_ports};

use fwlab_scenario::plan::idle_requirements;
use fwlab_scenario::{Requirement, Scenario, SymptomDemand};
use fwlab_text::one_line;

use crate::messages::Messages;
use crate::transfers::{Transfers, among};

/// What cells are expected to come to, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// As it was written.
    text: String,
    transfers: Transfers,
    symptom: SymptomDemand,
}

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
                "write which transfers, and how they end: 'passive passes', 'explicit/port blocked', 'all passes'".into(),
            );
        };
        Ok(Expectation {
            text: words.join(" "),
            transfers: cells.parse()?,
            symptom: among("an outcome", outcome, &OUTCOMES)?,
        })
    }
}

impl Expectation {
    /// As a scenario says it.
    pub(crate) fn requirement(&self) -> Requirement {
        Requirement {
            selector: self.transfers.selector().clone(),
            symptom: self.symptom,
            phase: None,
            cause: None,
            span: 0..0,
        }
    }

    /// Whether a cell came to what it says.
    pub fn names(&self, record: &CellRecord) -> bool {
        let outcome = record.judgement.outcome();
        self.is_about(record)
            && outcome.is_some_and(|outcome| self.requirement().differences(outcome).is_empty())
    }

    /// Whether it is about a cell.
    pub fn is_about(&self, record: &CellRecord) -> bool {
        self.transfers.has(&record.axes)
    }
}

/// Tells expectations that no cell is held against. Where several name a cell, the last one holds.
pub(crate) fn refuse_idle(
    expected: &[Expectation],
    scenario: &Arc<Scenario>,
    said: &mut Messages,
) -> Result<(), Exit> {
    let idle = idle_requirements(scenario);
    for one in &idle {
        let expectation = &expected[one.index];
        let names_none = one.why.starts_with("it names no cell");
        let (why, help) = match names_none {
            true => (
                "it names no cell that is run",
                "--protection and --data choose which cells are run",
            ),
            false => (
                "later ones name every cell that it names, and the last one counts",
                "write the general one first, or remove it",
            ),
        };
        said.say(
            format!("--expect '{}': {why}", one_line(&expectation.text)),
            Some(help),
        );
    }
    match idle.is_empty() {
        true => Ok(()),
        false => Err(Exit::Usage),
    }
}

/// Tells expectations that a passive transfer met or missed by the port that its server happened to pick.
pub fn all_settled(
    expected: &[Expectation],
    records: &[&CellRecord],
    said: &mut Messages,
) -> Result<(), Exit> {
    let mut settled = Ok(());
    for one in expected {
        let about = records.iter().copied();
        let about: Vec<&CellRecord> = about.filter(|record| one.is_about(record)).collect();
        let by_port = |record: &&CellRecord| {
            let is_told = |note: &String| settling_ports(note).is_some();
            record.chance.contains(&Chance::DataPort)
                && !record.axes.data.is_active()
                && record.notes.iter().any(is_told)
        };
        let by_other_port = |record: &&CellRecord| {
            let of_ports = [Chance::DataPort, Chance::SourcePort];
            of_ports.iter().any(|chance| record.chance.contains(chance))
        };
        let by_rule = |record: &&CellRecord| record.chance.contains(&Chance::Rule);
        let (why, instead) = match () {
            () if about.iter().any(by_port) => (
                "the server picks its passive ports by chance, and the rules treat some differently from the rest",
                "give --passive-ports LOW-HIGH, or the server's own settings",
            ),
            () if about.iter().any(by_other_port) => (
                "the rules treat some of the ports that a peer may pick differently",
                "narrow those rules by state, address or interface, or expect nothing of what they decide",
            ),
            () if about.iter().any(by_rule) => (
                "rules decide by chance",
                "remove those rules, or expect nothing of what they decide",
            ),
            () => continue,
        };
        let text = one_line(&one.text);
        said.say(
            format!("--expect '{text}': {why}: another run may end differently"),
            Some(instead),
        );
        settled = Err(Exit::Lab);
    }
    settled
}

/// Tells where rules are a part of a host's, so that nothing that is expected is known of the host.
pub fn all_there(
    incomplete: &[String],
    records: &[&CellRecord],
    said: &mut Messages,
) -> Result<(), Exit> {
    let is_part = |note: &&String| note.starts_with(UNREACHED);
    let mut notes = records.iter().flat_map(|record| &record.notes);
    let why = match (incomplete.first(), notes.find(is_part)) {
        (Some(missing), _) => missing.as_str(),
        (None, Some(_)) => "these rules are only part of a ruleset",
        (None, None) => return Ok(()),
    };
    said.say(
        format!(
            "it is not known whether the expectations hold for the host: {}",
            one_line(why)
        ),
        Some("give all rules of the host: what `iptables-save` prints as root, or `fwlab capture`"),
    );
    Err(Exit::Lab)
}

/// Tells expectations whose cells were all skipped: nothing is known of them.
pub fn all_known(
    expected: &[Expectation],
    records: &[&CellRecord],
    said: &mut Messages,
) -> Result<(), Exit> {
    let mut known = Ok(());
    for one in expected {
        let mut about = records.iter().filter(|record| one.is_about(record));
        let skipped = |record: &&&CellRecord| matches!(record.judgement, Judgement::Skipped { .. });
        if about.clone().all(|record| skipped(&record)) {
            let why = about.find_map(|record| match &record.judgement {
                Judgement::Skipped { why } => Some(why.as_str()),
                _ => None,
            });
            said.say(
                format!(
                    "--expect '{}': every cell that it names was skipped, so nothing is known: {}",
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
    use fwlab_scenario::Selector;

    use super::*;

    #[test]
    fn expectations_are_read_and_mistakes_told() {
        let read = |text: &str| text.parse::<Expectation>();
        let one = read("explicit/passive  passes").expect("right");
        assert_eq!(one.transfers.to_string(), "explicit pasv,epsv");
        assert_eq!(one.symptom, Symptom::Transferred);
        let all = read("all blocked").expect("right");
        assert_eq!(all.transfers.selector(), &Selector::default());
        assert_eq!(all.symptom, SymptomDemand::Blocked);
        let tls = read("tls/port blocked").expect("right");
        assert_eq!(tls.transfers.to_string(), "explicit,implicit,ccc port");
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
                "ssl/port blocked",
                "`ssl` is not a protection: [plain, explicit, implicit, ccc, tls]",
            ),
            ("passive", "write which transfers, and how they end"),
            ("", "write which transfers"),
            ("a b c", "write which transfers"),
            ("/ passes", "`` is not a"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.starts_with(told), "{text}: {error}");
        }
    }
}
