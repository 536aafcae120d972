//! Transfers with a port that a side picked and that the rules may tell from others: tried with a port of each kind, before a
//! table or a report says that what became of them is chance.

use std::collections::BTreeMap;
use std::sync::Arc;

use fwlab_record::{Backend, CellRecord, Chance, Exit, Judgement};
use fwlab_runner::{Loader, PreparedRuleset, RunSettings, is_about_port};
use fwlab_scenario::Scenario;
use fwlab_scenario::plan::Cell;
use tokio::runtime::Runtime;

use crate::command::execute::{interrupted, runtime};
use crate::command::interruption::Interruption;
use crate::command::settle::Settle;
use crate::command::trial::{
    KindsOfCells, PortKind, is_of_ports, joined, passes, ran_until, rests_on_ports,
};
use crate::report::{Progress, cause_in_short, passive_ports_meant};

/// The most kinds of ports that are tried, and the most cells.
const MOST_KINDS: usize = 12;
const MOST_CELLS: usize = 400;

/// How the note of a record goes on that is settled.
const SETTLED: &str = " was chance, and with a port of each kind that the rules tell apart it came to the same: tried in ";

/// Whether a note says that ports of every kind came to the same: what a table says by having no mark.
pub(super) fn says_settled(note: &str) -> bool {
    note.contains(SETTLED)
}

/// Tries transfers with a port of each kind.
pub(super) struct OtherPorts<'a> {
    pub(super) planned: &'a [Cell],
    pub(super) loader: &'a Loader,
    pub(super) settings: &'a RunSettings,
    /// Whether no progress is shown.
    pub(super) is_quiet: bool,
}

/// What was tried for a record: what was chance, the kind of port, and what became of it.
type Tried = Vec<(Chance, PortKind, Arc<CellRecord>)>;

impl Settle for OtherPorts<'_> {
    fn waits(&self, record: &CellRecord) -> bool {
        rests_on_ports(record) && record.judgement.outcome().is_some()
    }

    /// The same records; those that come to the same with ports of every kind do not rest on chance.
    fn settled(
        &self,
        mut waiting: BTreeMap<usize, Arc<CellRecord>>,
    ) -> Result<BTreeMap<usize, Arc<CellRecord>>, Exit> {
        if waiting.is_empty() {
            return Ok(waiting);
        }
        let runtime = runtime()?;
        for (at, tried) in self.tried(&runtime, &waiting)? {
            if let Some(record) = waiting.get_mut(&at) {
                settle(record, &tried);
            }
        }
        Ok(waiting)
    }
}

impl OtherPorts<'_> {
    fn tried(
        &self,
        runtime: &Runtime,
        waiting: &BTreeMap<usize, Arc<CellRecord>>,
    ) -> Result<BTreeMap<usize, Tried>, Exit> {
        let mut prepared: BTreeMap<(*const Scenario, usize, Backend), Option<PreparedRuleset>> =
            BTreeMap::new();
        let (mut cells, mut kinds) = (Vec::new(), Vec::new());
        let mut of_each = KindsOfCells::default();
        for (at, record) in waiting {
            let planned = &self.planned[*at];
            let (scenario, ruleset, backend) =
                (&planned.scenario, planned.ruleset, planned.axes.backend);
            let key = (Arc::as_ptr(scenario), ruleset, backend);
            // They were prepared before, for the cells themselves.
            let rules = prepared.entry(key).or_insert_with(|| {
                let rules = runtime.block_on(self.loader.prepare(scenario, ruleset, backend));
                rules.ok()
            });
            let Some(rules) = rules else { continue };
            let all = of_each.of(planned, rules, &record.chance);
            if all.len() > MOST_KINDS {
                continue;
            }
            for one in all {
                cells.push(one.cell);
                kinds.push((*at, one.chance, one.kind));
            }
        }
        if cells.len() > MOST_CELLS {
            return Ok(BTreeMap::new());
        }
        let mut tried: BTreeMap<usize, Tried> = BTreeMap::new();
        let names = cells.iter().map(|cell| cell.axes.to_string());
        let progress = Some(Progress::new(names.collect(), self.is_quiet));
        let mut interruption = runtime.block_on(async { Interruption::listen() });
        let by = interruption.wait();
        let mut records = ran_until(runtime, cells, self.loader, self.settings, progress, by)?;
        let is_cut = |record: &CellRecord| matches!(record.judgement, Judgement::NotRun { .. });
        if records.iter().any(|(_, record)| is_cut(record)) {
            return Err(runtime.block_on(interrupted(Ok(()))));
        }
        records.sort_unstable_by_key(|(index, _)| *index);
        for (index, record) in records {
            let (at, chance, kind) = kinds[index].clone();
            let of_cell = tried.entry(at).or_default();
            of_cell.push((chance, kind, record));
        }
        Ok(tried)
    }
}

/// Says in a record what ports of every kind came to.
fn settle(record: &mut Arc<CellRecord>, tried: &Tried) {
    let chances = record.chance.clone();
    for chance in chances.into_iter().filter(|chance| is_of_ports(*chance)) {
        let mut of_kinds = tried.iter().filter(|(of, ..)| *of == chance).peekable();
        let is_known =
            |(.., other): &(Chance, PortKind, Arc<CellRecord>)| other.judgement.outcome().is_some();
        if of_kinds.peek().is_none() || !of_kinds.clone().all(is_known) {
            continue;
        }
        become_that_of_most(record, chance, tried);
        if of_kinds.all(|(.., other)| ends_alike(record, other)) {
            say_settled(record, chance, tried);
        } else {
            say_what_differs(record, chance, tried);
        }
    }
}

/// Says that every kind of port came to the same end, if not always by the same rule.
fn say_settled(record: &mut Arc<CellRecord>, chance: Chance, tried: &Tried) {
    let record = Arc::make_mut(record);
    record.chance.retain(|other| *other != chance);
    let mut about = Vec::new();
    record
        .notes
        .retain(|note| match is_about_port(note, chance) {
            Some(what) => {
                about.push(what);
                false
            }
            None => true,
        });
    let of_kinds = tried.iter().filter(|(of, ..)| *of == chance);
    let (alike, others): (Vec<_>, Vec<_>) =
        of_kinds.partition(|(.., other)| is_same(record, other));
    let ports = alike.iter().chain(&others);
    let ports: Vec<String> = ports.map(|(_, kind, _)| range(kind.tried)).collect();
    let others: Vec<String> = others
        .iter()
        .map(|(_, kind, other)| came_to(kind, other))
        .collect();
    let others = match others.is_empty() {
        true => String::new(),
        false => format!("; for another reason, {}", others.join("; ")),
    };
    let settled = about
        .into_iter()
        .map(|what| format!("{what}{SETTLED}{}{others}", ports.join(", ")));
    record.notes.extend(settled);
}

/// Says which ports come to something else than the most of them.
fn say_what_differs(record: &mut Arc<CellRecord>, chance: Chance, tried: &Tried) {
    // A server's administrator chooses its passive ports: where rules let a range through and not the rest, the record says
    // which to give, and what the most ports come to means nothing.
    if chance == Chance::DataPort
        && let Some(meant) = passive_ports_meant(record)
        && let Some(opened) = opened(tried)
    {
        let [meant, opened] = [meant, opened].map(|(first, last)| format!("{first}-{last}"));
        for note in &mut Arc::make_mut(record).notes {
            if is_about_port(note, chance).is_some() {
                *note = note.replace(&meant, &opened);
            }
        }
        return;
    }
    let of_kinds = tried.iter().filter(|(of, ..)| *of == chance);
    let (most, others): (Vec<_>, Vec<_>) =
        of_kinds.partition(|(.., other)| ends_alike(record, other));
    let count = |kinds: &[&(Chance, PortKind, Arc<CellRecord>)]| -> u32 {
        kinds.iter().map(|(_, kind, _)| kind.count()).sum()
    };
    let (most, all) = (count(&most), count(&most) + count(&others));
    let others: Vec<String> = others
        .iter()
        .map(|(_, kind, other)| came_to(kind, other))
        .collect();
    for note in &mut Arc::make_mut(record).notes {
        if let Some(what) = is_about_port(note, chance) {
            *note = format!(
                "{what} is chance: {most} of {all} ports come to what is shown, and others to something else: {}",
                others.join("; ")
            );
        }
    }
}

/// The widest range of passive ports with which a transfer passes, where it does not with the rest.
fn opened(tried: &Tried) -> Option<(u16, u16)> {
    let of_kinds = || {
        let of_kinds = tried.iter().filter(|(of, ..)| *of == Chance::DataPort);
        of_kinds.map(|(_, kind, record)| (kind, passes(record)))
    };
    if of_kinds().any(|(kind, passes)| !kind.is_told && passes) {
        return None;
    }
    let passing = of_kinds().filter(|(_, passes)| *passes);
    let ranges = joined(passing.flat_map(|(kind, _)| kind.all.clone()));
    let wide = ranges.into_iter().filter(|(low, high)| low < high);
    wide.max_by_key(|(low, high)| high - low)
}

/// Makes a record that of what the most ports come to: one run in so many would be another otherwise.
fn become_that_of_most(record: &mut Arc<CellRecord>, chance: Chance, tried: &Tried) {
    let of_kinds = || tried.iter().filter(|(of, ..)| *of == chance);
    let count = |is_like: &dyn Fn(&CellRecord) -> bool| -> u32 {
        let like = of_kinds().filter(|(.., other)| is_like(other));
        like.map(|(_, kind, _)| kind.count()).sum()
    };
    // Of those that end alike, the most may do so for one reason.
    let most = of_kinds().max_by_key(|(.., one)| {
        let alike = count(&|other| ends_alike(one, other));
        (alike, count(&|other| is_same(one, other)))
    });
    if let Some((.., most)) = most.filter(|(.., most)| !is_same(record, most)) {
        let record = Arc::make_mut(record);
        record.judgement = most.judgement.clone();
        record.evidence = most.evidence.clone();
    }
}

/// What ports of a kind came to.
fn came_to(kind: &PortKind, record: &CellRecord) -> String {
    let came_to =
        record
            .judgement
            .outcome()
            .map_or_else(String::new, |outcome| {
                match cause_in_short(&outcome.cause) {
                    cause if cause.is_empty() => outcome.symptom.to_string(),
                    cause => format!("{}, {cause}", outcome.symptom),
                }
            });
    let ports: Vec<String> = kind.all.iter().map(|ports| range(*ports)).collect();
    format!("{}: {came_to}", ports.join(", "))
}

fn range((first, last): (u16, u16)) -> String {
    match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    }
}

/// Whether two cells came to the same end.
fn ends_alike(one: &CellRecord, other: &CellRecord) -> bool {
    match (one.judgement.outcome(), other.judgement.outcome()) {
        (Some(one), Some(other)) => (one.symptom, one.phase) == (other.symptom, other.phase),
        _ => false,
    }
}

/// Whether two cells came to the same, for the same reason.
fn is_same(one: &CellRecord, other: &CellRecord) -> bool {
    let cause = |record: &CellRecord| {
        let outcome = record.judgement.outcome();
        outcome.map(|outcome| cause_in_short(&outcome.cause))
    };
    ends_alike(one, other) && cause(one) == cause(other)
}
