//! What the page shows: records with each word once.

use std::collections::HashMap;

use fwlab_record::{Axes, CellRecord, DataSetup, Judgement};
use serde::Serialize;

use super::timeline::{Timeline, Timelines};
use super::words::{Word, Words};
use crate::report::About;
use crate::report::before::{Since, in_words};
use crate::report::causes::{Told, cause_in_short};
use crate::report::matrix::Shown;
use crate::report::sources::RulesText;
use fwlab_text::{lines, one_line};

/// The data of a page.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    axes: [&'static str; 9],
    setups: Vec<&'static str>,
    words: Vec<String>,
    /// Whether the run is held against an earlier one.
    against: bool,
    /// The rules as they were given, each text once.
    texts: Vec<Text>,
    cells: Vec<Cell>,
}

/// The text of rules.
#[derive(Debug, Serialize)]
struct Text {
    name: String,
    /// The line that it begins on.
    first: u32,
    text: String,
}

/// A cell; what its keys mean stands in the script.
#[derive(Debug, Serialize)]
struct Cell {
    axes: [Word; 9],
    result: Word,
    shown: Word,
    state: Word,
    symptom: Option<Word>,
    why: Option<Word>,
    requirement: Option<Word>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Word>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Word>,
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<Ended>,
    notes: Vec<Word>,
    ms: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Word>,
    /// The place of its rules among all texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<usize>,
    /// The line of them that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// How often lines of them matched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matched: Vec<(u32, u64)>,
    #[serde(flatten)]
    ended: Ended,
}

/// How a cell ended, in this run or in the one that it is held against.
#[derive(Debug, Serialize)]
struct Ended {
    outcome: Option<Word>,
    cause: Option<Word>,
    stopped: Option<Word>,
    passes: Option<Word>,
    #[serde(flatten)]
    timeline: Timeline,
}

/// Texts of rules, each once.
#[derive(Debug, Default)]
struct Texts<'a> {
    places: HashMap<&'a RulesText, usize>,
    texts: Vec<Text>,
}

impl<'a> Texts<'a> {
    fn of(&mut self, rules: &'a RulesText) -> usize {
        *self.places.entry(rules).or_insert_with(|| {
            self.texts.push(Text {
                name: one_line(&rules.name),
                first: rules.first,
                text: lines(rules.text.trim_end_matches('\n')).into_owned(),
            });
            self.texts.len() - 1
        })
    }
}

impl Data {
    /// That of a run.
    pub(super) fn of(records: &[&CellRecord], about: &About) -> Data {
        let mut words = Words::default();
        let mut texts = Texts::default();
        let mut timelines = Timelines::default();
        let cells = records
            .iter()
            .map(|record| cell(record, about, &mut words, &mut texts, &mut timelines));
        let cells = cells.collect();
        let mut setups: Vec<DataSetup> = records.iter().map(|record| record.axes.data).collect();
        setups.sort_unstable();
        setups.dedup();
        Data {
            axes: Axes::NAMES,
            setups: setups.into_iter().map(DataSetup::word).collect(),
            words: words.all(),
            against: about.before.is_some(),
            texts: texts.texts,
            cells,
        }
    }
}

fn cell<'a>(
    record: &CellRecord,
    about: &'a About,
    words: &mut Words,
    texts: &mut Texts<'a>,
    timelines: &mut Timelines,
) -> Cell {
    let axes = &record.axes;
    let judgement = &record.judgement;
    let outcome = judgement.outcome();
    let shown = Shown::of(judgement);
    let why = match judgement {
        Judgement::Missed { why, .. }
        | Judgement::Inconclusive { why }
        | Judgement::Skipped { why } => Some(why),
        Judgement::NotRun(not_run) => Some(&not_run.why),
        Judgement::Met { .. } | Judgement::Reported(_) => None,
    };
    let since = about.before.as_ref().map(|before| before.since(record));
    let then = match since {
        Some((Since::Otherwise, Some(then))) => Some(ended(
            then,
            timelines.of(then, about.evidence.tells(record), words),
            words,
        )),
        _ => None,
    };
    // Whether what a scenario calls its rules is that, nobody knows before they were loaded.
    let is_loaded = !matches!(judgement, Judgement::NotRun(_) | Judgement::Skipped { .. });
    let decided = outcome.map(|outcome| &outcome.cause);
    let rules = about.sources.text(axes, decided);
    let rules = rules.filter(|(text, _)| text.is_own || is_loaded);
    let matched = &record.evidence.matched;
    let matched = rules.map(|(text, _)| about.sources.matched(axes, text, matched));
    let matched = matched.unwrap_or_default();
    Cell {
        axes: [
            words.of(&axes.scenario),
            words.of(&axes.ruleset),
            words.of(axes.backend),
            words.of(axes.server),
            words.of(axes.client),
            words.of(axes.data),
            words.of(axes.protection),
            words.of(axes.family),
            words.of(axes.operation),
        ],
        result: words.of(judgement.word().replace('-', " ")),
        shown: words.of(shown.text()),
        state: words.of(shown.word()),
        symptom: outcome.map(|outcome| words.of(outcome.symptom)),
        why: why.map(|why| words.of(why)),
        requirement: record.requirement.as_ref().map(|it| words.of(it)),
        before: since.and_then(|(_, then)| then.map(|then| words.of(in_words(then)))),
        since: since.map(|(since, _)| {
            words.of(match since {
                Since::Same => "as before",
                Since::Otherwise => "otherwise",
                Since::Unknown => "not known in both",
            })
        }),
        then,
        notes: record.notes.iter().map(|note| words.of(note)).collect(),
        ms: in_ms(record.took),
        tags: about
            .sources
            .tags(axes)
            .iter()
            .map(|tag| words.of(tag))
            .collect(),
        rules: rules.map(|(text, _)| texts.of(text)),
        line: rules.and_then(|(_, line)| line),
        matched: matched.into_iter().collect(),
        ended: ended(
            record,
            timelines.of(record, about.evidence.tells(record), words),
            words,
        ),
    }
}

fn ended(record: &CellRecord, timeline: Timeline, words: &mut Words) -> Ended {
    let outcome = record.judgement.outcome();
    let cause = outcome.filter(|outcome| outcome.cause != fwlab_record::Cause::None);
    let told = cause.and_then(|_| Told::of(record));
    Ended {
        outcome: outcome.map(|outcome| words.of(in_short(outcome))),
        cause: cause.map(|outcome| words.of(cause_in_short(&outcome.cause))),
        stopped: told.as_ref().map(|told| words.of(&told.why)),
        passes: told.and_then(|told| told.would_pass.map(|passes| words.of(passes))),
        timeline,
    }
}

/// An outcome without its cause, which stands beside it.
fn in_short(outcome: &fwlab_record::Outcome) -> String {
    let fell_back = match outcome.came_through {
        Some(setup) => format!("; the client fell back to {setup}, and that came through"),
        None => String::new(),
    };
    format!("{} at {}{fell_back}", outcome.symptom, outcome.phase)
}

/// To a microsecond.
pub(super) fn in_ms(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
