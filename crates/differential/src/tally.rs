//! The numbers of many trials, and the files of what was found.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fwlab_record::Chance;

use crate::compare::{Compared, Comparison, Verdict, compare};
use crate::seen::Fate;
use crate::subject::Variant;
use crate::trial::{Trial, Way};

/// Where evidence ends a cell, one that takes longer has waited for a timer.
const WAITED: Duration = Duration::from_secs(3);

/// Pairs of runs in which something was chance.
#[derive(Debug, Clone, Default)]
struct ByChance {
    count: usize,
    differences: BTreeMap<(Comparison, String), Kind>,
}

/// How often something was seen, and where first.
#[derive(Debug, Clone, Default)]
struct Kind {
    count: usize,
    files: Vec<PathBuf>,
}

/// The files that are written of one kind: more say nothing new.
const FILES_OF_A_KIND: usize = 3;

/// The numbers of many trials.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Rulesets.
    pub rulesets: usize,
    /// Cells that were run.
    pub cells: usize,
    compared: BTreeMap<Comparison, usize>,
    differences: BTreeMap<(Comparison, String), Kind>,
    /// Pairs of runs that chance has a part in: they need not agree.
    by_chance: BTreeMap<Chance, ByChance>,
    unclear: BTreeMap<String, Kind>,
    skipped: BTreeMap<String, usize>,
    waited: BTreeMap<String, Kind>,
    symptoms: BTreeMap<String, usize>,
}

impl Tally {
    /// How many comparisons found a difference.
    pub fn differences(&self) -> usize {
        self.differences.values().map(|kind| kind.count).sum()
    }

    /// How many cells the lab could not tell of.
    pub fn unclear(&self) -> usize {
        self.unclear.values().map(|kind| kind.count).sum()
    }

    /// How many pairs of runs were compared, without those that chance has a part in.
    pub fn compared(&self) -> usize {
        self.compared.values().sum()
    }

    /// Takes a trial in; writes a scenario file of what is new in it, where a folder is given.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn take(&mut self, trial: &Trial, folder: Option<&Path>) -> std::io::Result<()> {
        self.rulesets += 1;
        self.cells += trial.fates.len();
        for (way, (fate, took)) in &trial.fates {
            let (kind, word) = match fate {
                Fate::Seen(seen) => {
                    let symptom = seen.symptom.to_string();
                    *self.symptoms.entry(symptom).or_default() += 1;
                    if way.full || *took < WAITED {
                        continue;
                    }
                    let why = trial.notes.get(way).map_or("", String::as_str);
                    let what = fate.waited_for().unwrap_or_default();
                    let what = without_numbers(&format!("{what}; {why}"));
                    (self.waited.entry(what).or_default(), "waited")
                }
                Fate::Unclear(why) => (
                    self.unclear.entry(without_numbers(why)).or_default(),
                    "unclear",
                ),
                Fate::Skipped(why) => {
                    *self.skipped.entry(why.clone()).or_default() += 1;
                    self.cells -= 1;
                    continue;
                }
            };
            kind.count += 1;
            kind.write(trial, &[way], word, folder)?;
        }
        for compared in compare(trial) {
            let Compared {
                comparison,
                ways: [one, other],
                chance,
                verdict,
            } = compared;
            let difference = match verdict {
                Verdict::Nothing => continue,
                Verdict::Equal => None,
                Verdict::Differs(difference) => Some(difference),
            };
            let differences = match chance {
                None => {
                    *self.compared.entry(comparison).or_default() += 1;
                    &mut self.differences
                }
                Some(chance) => {
                    let apart = self.by_chance.entry(chance).or_default();
                    apart.count += 1;
                    &mut apart.differences
                }
            };
            if let Some(difference) = difference {
                let kind = differences.entry((comparison, difference)).or_default();
                kind.count += 1;
                let word = match chance {
                    None => comparison.word().to_owned(),
                    Some(chance) => format!("by-chance-{chance}-{}", comparison.word()),
                };
                kind.write(trial, &[&one, &other], &word, folder)?;
            }
        }
        Ok(())
    }
}

impl Kind {
    fn write(
        &mut self,
        trial: &Trial,
        ways: &[&Way],
        word: &str,
        folder: Option<&Path>,
    ) -> std::io::Result<()> {
        let Some(folder) = folder.filter(|_| self.files.len() < FILES_OF_A_KIND) else {
            return Ok(());
        };
        let of = ways[ways.len() - 1];
        let name = format!(
            "{word}-{}-{}-{}-{}.toml",
            trial.subject.name(),
            of.variant,
            of.backend,
            of.setup
        );
        let file = folder.join(name);
        std::fs::create_dir_all(folder)?;
        std::fs::write(&file, scenario_text(trial, ways))?;
        self.files.push(file);
        Ok(())
    }
}

/// The scenario of these runs of a cell, with what they showed.
fn scenario_text(trial: &Trial, ways: &[&Way]) -> String {
    let mut seen = String::new();
    for way in ways {
        let fate = match trial.fates.get(way) {
            Some((Fate::Seen(seen), took)) => format!("{seen} ({} ms)", took.as_millis()),
            Some((Fate::Unclear(why), _)) => format!("unclear: {why}"),
            Some((Fate::Skipped(why), _)) => format!("skipped: {why}"),
            None => "not run".into(),
        };
        let timers = if way.full {
            "--patience full"
        } else {
            "--patience early"
        };
        let Way {
            variant, backend, ..
        } = way;
        let fate = fate.replace('\n', " ");
        seen += &format!("# {variant}, {backend}, {timers}: {fate}\n");
    }
    let named = |variant: &&Variant| ways.iter().any(|way| way.variant == variant.name);
    let variants: Vec<Variant> = trial.variants.iter().filter(named).cloned().collect();
    let setup = [ways[0].setup];
    let text = trial
        .subject
        .scenario_text("Made at random", &variants, &setup);
    seen + &text
}

/// A reason without what differs from cell to cell.
fn without_numbers(why: &str) -> String {
    let first = why.lines().next().unwrap_or_default();
    let mut text = String::new();
    for character in first.chars() {
        let digit = character.is_ascii_digit();
        match digit && text.ends_with('#') {
            true => {}
            false => text.push(if digit { '#' } else { character }),
        }
    }
    text
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} rulesets, {} cells run", self.rulesets, self.cells)?;
        for (symptom, count) in &self.symptoms {
            writeln!(f, "  {symptom}: {count}")?;
        }
        for comparison in Comparison::ALL {
            let compared = self.compared.get(&comparison).copied().unwrap_or(0);
            let of_it = self.differences.iter();
            let of_it: Vec<_> = of_it.filter(|((one, _), _)| *one == comparison).collect();
            let differ: usize = of_it.iter().map(|(_, kind)| kind.count).sum();
            writeln!(
                f,
                "{}: {compared} compared, {differ} differ",
                comparison.word()
            )?;
            for ((_, what), kind) in of_it {
                kind.list(f, what)?;
            }
        }
        for (chance, apart) in &self.by_chance {
            let differ: usize = apart.differences.values().map(|kind| kind.count).sum();
            writeln!(
                f,
                "by chance, {chance}: {} set apart, {differ} of them differ",
                apart.count
            )?;
            for ((comparison, what), kind) in &apart.differences {
                kind.list(f, &format!("{}: {what}", comparison.word()))?;
            }
        }
        writeln!(f, "unclear: {} cells", self.unclear())?;
        for (why, kind) in &self.unclear {
            kind.list(f, why)?;
        }
        writeln!(f, "early, and took over {} s:", WAITED.as_secs())?;
        for (what, kind) in &self.waited {
            kind.list(f, what)?;
        }
        for (why, count) in &self.skipped {
            writeln!(f, "skipped: {count} × {why}")?;
        }
        Ok(())
    }
}

impl Kind {
    fn list(&self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        writeln!(f, "  {} × {what}", self.count)?;
        for file in &self.files {
            writeln!(f, "      {}", file.display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fwlab_record::{Cause, DataSetup, Judgement, Outcome, PeerName, Phase, Symptom};

    use super::*;
    use crate::subject::Subject;
    use crate::trial::ORIGINAL;

    fn outcome(symptom: Symptom, cause: Cause) -> Outcome {
        Outcome {
            symptom,
            phase: Phase::Completion,
            cause,
            event: None,
            came_through: None,
        }
    }

    /// A ruleset whose two patiences come to two outcomes.
    fn in_two_ways(chances: &[Chance]) -> Tally {
        let (subject, _) = Subject::new(1, 0, &[PeerName::Vsftpd]);
        let reply = "550 no".to_owned();
        let outcomes = [
            outcome(Symptom::Transferred, Cause::None),
            outcome(Symptom::Refused, Cause::Reply { reply }),
        ];
        let mut trial = Trial {
            backend: subject.backends()[0],
            subject,
            variants: Vec::new(),
            fates: BTreeMap::new(),
            notes: BTreeMap::new(),
            chances: BTreeMap::new(),
        };
        for (full, outcome) in [false, true].into_iter().zip(outcomes) {
            let way = Way {
                full,
                ..trial.way(ORIGINAL, DataSetup::Epsv)
            };
            let fate = Fate::of(&Judgement::Reported(outcome), &trial.subject.ruleset);
            trial.fates.insert(way.clone(), (fate, Duration::ZERO));
            let chances = chances.iter().copied().filter(|_| full);
            trial.chances.insert(way, chances.collect());
        }
        let mut tally = Tally::default();
        tally.take(&trial, None).expect("nothing is written");
        tally
    }

    #[test]
    fn runs_that_rest_on_chance_are_set_apart_and_counted() {
        let tally = in_two_ways(&[]);
        assert_eq!((tally.compared(), tally.differences()), (1, 1), "{tally}");
        let tally = in_two_ways(&[Chance::Push]);
        assert_eq!((tally.compared(), tally.differences()), (0, 0), "{tally}");
        let told = "by chance, push: 1 set apart, 1 of them differ\n  1 × early-full: symptom";
        assert!(tally.to_string().contains(told), "{tally}");
    }
}
