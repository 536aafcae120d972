use std::collections::{BTreeMap, BTreeSet};

use fwlab_record::{Axes, Cause, CellRecord, Judgement};
use serde_json::{Value, json};

use super::kind::{Kind, Level};
use crate::report::Sources;
use crate::report::causes::{Told, cause_in_short, reason};
use crate::report::sources::InFile;
use fwlab_text::line;

/// The cells of one ruleset that one thing became of.
#[derive(Debug)]
pub(super) struct Folded<'a> {
    pub(super) level: Level,
    pub(super) kind: Kind,
    pub(super) place: Option<InFile>,
    what: String,
    pub(super) cells: Vec<&'a CellRecord>,
}

/// What tells results apart: the ruleset by its name and file, or without a file by its scenario's name.
type Key<'a> = (
    Level,
    Kind,
    Option<InFile>,
    &'a str,
    Option<&'a str>,
    String,
);

impl<'a> Folded<'a> {
    /// All results of a run: what was missed first.
    pub(super) fn all(records: &[&'a CellRecord], sources: &Sources) -> Vec<Folded<'a>> {
        let mut results: BTreeMap<Key<'a>, Vec<&CellRecord>> = BTreeMap::new();
        for record in records {
            let Some(level) = Level::of(&record.judgement) else {
                continue;
            };
            let cause = cause_of(record);
            let place = sources.place(&record.axes, cause);
            let what = match (&record.judgement, cause) {
                (_, Some(cause)) => cause_in_short(cause),
                (Judgement::Inconclusive { why }, None) => reason(why).to_owned(),
                (Judgement::Missed { why, .. }, None) => why.clone(),
                _ => String::new(),
            };
            let axes = &record.axes;
            let scenario = place.is_none().then_some(axes.scenario.as_str());
            let key = (
                level,
                Kind::of(record),
                place,
                &*axes.ruleset,
                scenario,
                what,
            );
            results.entry(key).or_default().push(record);
        }
        let folded = results.into_iter();
        folded
            .map(|((level, kind, place, _, _, what), cells)| Folded {
                level,
                kind,
                place,
                what,
                cells,
            })
            .collect()
    }

    /// What stopped it, why, and what would have let it through.
    pub(super) fn message(&self) -> String {
        let mut sentences = vec![match self.level {
            Level::Warning => format!("The lab could not tell: {}.", self.what),
            Level::Error | Level::Note => format!("{}.", self.what),
        }];
        let mut required: Vec<&str> = Vec::new();
        for cell in &self.cells {
            if let Judgement::Missed { why, .. } = &cell.judgement
                && cause_of(cell).is_some()
                && !required.contains(&why.as_str())
            {
                required.push(why);
            }
        }
        sentences.extend(Told::of_all(&self.cells).iter().map(Told::sentences));
        sentences.extend(required.iter().map(|why| format!("Missed: {why}.")));
        sentences.join(" ")
    }

    /// The rule or chain that stopped it.
    pub(super) fn rule(&self) -> Option<String> {
        match cause_of(self.cells.first()?)? {
            Cause::Rule { node, rule, .. } => Some(format!("{node}/{rule}")),
            Cause::Policy { node, chain, .. } => Some(format!("{node}/{chain}/policy")),
            _ => None,
        }
    }

    /// The cells' axes, each with the words that are among them.
    pub(super) fn properties(&self) -> Value {
        let words = |word: &dyn Fn(&Axes) -> String| {
            let words = self.cells.iter().map(|cell| word(&cell.axes));
            let words = words.map(|word| line(&word).into_owned());
            json!(words.collect::<BTreeSet<String>>())
        };
        let symptoms = self.cells.iter().map(|cell| cell.judgement.outcome());
        let symptoms: BTreeSet<&str> = symptoms
            .flatten()
            .map(|outcome| outcome.symptom.word())
            .collect();
        json!({
            "scenario": words(&|axes| axes.scenario.clone()),
            "ruleset": words(&|axes| axes.ruleset.clone()),
            "backend": words(&|axes| axes.backend.to_string()),
            "server": words(&|axes| axes.server.to_string()),
            "client": words(&|axes| axes.client.to_string()),
            "data": words(&|axes| axes.data.to_string()),
            "protection": words(&|axes| axes.protection.to_string()),
            "family": words(&|axes| axes.family.to_string()),
            "operation": words(&|axes| axes.operation.to_string()),
            "symptom": symptoms,
        })
    }
}

fn cause_of(record: &CellRecord) -> Option<&Cause> {
    let cause = &record.judgement.outcome()?.cause;
    (*cause != Cause::None).then_some(cause)
}
