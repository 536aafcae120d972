//! What happened in a cell, in order: what its sequence diagram is drawn from.

use fwlab_explain::{Course, Sequence, Step};
use fwlab_record::{Cause, CellRecord};
use serde::Serialize;

use super::data::in_ms;
use super::words::{Word, Words};

/// The timeline of a cell; empty where the page has none of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Timeline {
    /// The nodes, from the client's side to the server's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lanes: Vec<Word>,
    evidence: Vec<Drawn>,
    #[serde(skip_serializing_if = "is_zero")]
    left_out: usize,
}

/// A step: when, from which lane to which (one alone: a note there), what it is, its source, what happened.
#[derive(Debug, Serialize)]
struct Drawn(f64, usize, usize, u8, Word, Word);

/// What a step is: the sum of what holds.
const STOPPED: u8 = 1;
const DECIDING: u8 = 2;
const SAID: u8 = 4;

/// The timelines of a page.
#[derive(Debug, Default)]
pub(super) struct Timelines {
    /// What those take that nobody asked for, in bytes.
    taken: usize,
}

impl Timelines {
    /// What timelines may take that nobody asked for: a page of the whole tree is to stay below 5 MB.
    const ROOM: usize = 2 << 20;

    /// What a step takes beside its texts, on average.
    const STEP: usize = 28;

    /// That of a cell: where it was asked for, and else of what did not pass, while there is room.
    pub(super) fn of(
        &mut self,
        record: &CellRecord,
        is_asked_for: bool,
        words: &mut Words,
    ) -> Timeline {
        let outcome = record.judgement.outcome();
        let is_stopped = outcome.is_some_and(|outcome| outcome.cause != Cause::None);
        let has_room = is_stopped && self.taken < Timelines::ROOM;
        if record.evidence.facts.is_empty() || !(is_asked_for || has_room) {
            return Timeline::default();
        }
        let before = words.bytes();
        let sequence = Sequence::of(&record.evidence);
        let timeline = Timeline {
            lanes: sequence.lanes.iter().map(|node| words.of(node)).collect(),
            evidence: sequence.steps.iter().map(|it| drawn(it, words)).collect(),
            left_out: sequence.left_out,
        };
        if !is_asked_for {
            self.taken += words.bytes() - before + Timelines::STEP * timeline.evidence.len();
        }
        timeline
    }
}

fn drawn(step: &Step, words: &mut Words) -> Drawn {
    let (from, to, mut is) = match step.course {
        Course::Note { at } => (at, at, 0),
        Course::Arrow { from, to } => (from, to, 0),
        Course::Stopped { from, at } => (from, at, STOPPED),
    };
    if step.deciding {
        is |= DECIDING;
    }
    if step.source == fwlab_record::Source::Ftp {
        is |= SAID;
    }
    let about = match step.connection {
        Some(connection) => format!("{}, {connection}", step.source),
        None => step.source.to_string(),
    };
    Drawn(
        in_ms(step.at),
        from,
        to,
        is,
        words.of(about),
        words.of(&step.text),
    )
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}
