use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use console::Style;
use fwlab_record::{CellRecord, Judgement};
use fwlab_runner::Summary;

use super::Labels;
use super::causes::{Told, by_cause, cause_in_short, reason};
use super::ways::{Ways, way};
use crate::text::Page;
use fwlab_text::{line, one_line};

/// As many inconclusive cells of one reason are told with their evidence.
const UNCLEAR_TOLD: usize = 2;

/// What stands below a scenario's matrix: the causes of what did not pass, each once,
/// then the cells that missed or that the lab could not tell of, with their evidence,
/// then what was skipped and why.
pub fn findings(records: &[&CellRecord], labels: &Labels) -> Page {
    let mut text = Page::default();
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        if let Judgement::Skipped { why } = &record.judgement {
            *skipped.entry(why).or_default() += 1;
        }
    }
    let dim = Style::new().dim();
    let all_ways = Ways::of(records);
    let all_rows: BTreeSet<&str> = records
        .iter()
        .map(|record| labels.of(&record.axes))
        .collect();
    let all_data: BTreeSet<_> = records.iter().map(|record| record.axes.data).collect();
    for (cause, cells) in by_cause(records) {
        let rows: BTreeSet<&str> = cells.iter().map(|cell| labels.of(&cell.axes)).collect();
        // Of all, nothing need be said.
        let rows = match rows == all_rows {
            true => String::new(),
            false => rows.into_iter().collect::<Vec<_>>().join(","),
        };
        let data: BTreeSet<_> = cells.iter().map(|cell| cell.axes.data).collect();
        let ways = all_ways.words(&cells.iter().map(|cell| way(&cell.axes)).collect());
        let data = match data == all_data {
            true => String::new(),
            false => data
                .into_iter()
                .map(|data| data.word())
                .collect::<Vec<_>>()
                .join(","),
        };
        let of: Vec<String> = [rows, format!("{ways} {data}")]
            .iter()
            .map(|part| one_line(part.trim()).to_string())
            .filter(|part| !part.is_empty())
            .collect();
        text.text("  ");
        if !of.is_empty() {
            text.styled(&dim, format_args!("{}: ", of.join(", ")));
        }
        text.text(format_args!("{}\n", line(&cause)));
        for told in Told::of_all(&cells) {
            text.text(format_args!("    {}\n", line(&told.sentences())));
        }
    }
    let mut unclear: BTreeMap<&str, usize> = BTreeMap::new();
    text.append(&missed(records));
    for record in records {
        let (word, style, why) = match &record.judgement {
            Judgement::Inconclusive { why } => {
                let cells = unclear.entry(reason(why)).or_default();
                *cells += 1;
                if *cells > UNCLEAR_TOLD {
                    continue;
                }
                ("inconclusive", Style::new().magenta().bold(), one_line(why))
            }
            _ => continue,
        };
        text.text("  ");
        text.styled(&style, word);
        text.text(format_args!(" {}\n    {why}\n", one_line(&record.axes)));
        for line in record.evidence.to_string().lines() {
            text.text(format_args!("    {line}\n"));
        }
    }
    for (why, cells) in unclear {
        if let Some(more @ 1..) = cells.checked_sub(UNCLEAR_TOLD) {
            text.text(format_args!(
                "  and {more} more inconclusive cells for the same reason: {}; a JSON report lists each\n",
                one_line(why)
            ));
        }
    }
    let notes: BTreeSet<&String> = records.iter().flat_map(|record| &record.notes).collect();
    for note in notes.into_iter().filter(|note| !labels.is_told(note)) {
        text.text("  ");
        text.styled(&dim, format_args!("note: {}", line(note)));
        text.text('\n');
    }
    for (why, count) in skipped {
        text.text("  ");
        text.styled(&dim, format_args!("skipped {count}: {}", line(why)));
        text.text('\n');
    }
    text
}

/// The cells that missed, by their causes: the first of each with its evidence, the others with a line.
fn missed(records: &[&CellRecord]) -> Page {
    let mut causes: Vec<(String, Vec<&CellRecord>)> = Vec::new();
    for record in records {
        let Judgement::Missed { outcome, why } = &record.judgement else {
            continue;
        };
        let why = one_line(why);
        let cause = format!("{why} {}", cause_in_short(&outcome.cause));
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, cells)) => cells.push(record),
            None => causes.push((cause, vec![record])),
        }
    }
    let mut text = Page::default();
    let style = Style::new().red().bold();
    for (_, cells) in causes {
        for (record, is_first) in cells
            .iter()
            .zip(std::iter::once(true).chain(std::iter::repeat(false)))
        {
            let Judgement::Missed { outcome, why } = &record.judgement else {
                continue;
            };
            text.text("  ");
            text.styled(&style, "missed");
            let axes = one_line(&record.axes);
            if !is_first {
                text.text(format_args!(" {axes}, likewise\n"));
                continue;
            }
            text.text(format_args!(
                " {axes}\n    {}\n    {}\n",
                one_line(why),
                one_line(outcome)
            ));
            for line in record.evidence.to_string().lines() {
                text.text(format_args!("    {line}\n"));
            }
        }
    }
    text
}

/// Whether a cell missed its requirement, or the lab cannot tell of it.
pub fn is_finding(record: &CellRecord) -> bool {
    matches!(
        record.judgement,
        Judgement::Missed { .. } | Judgement::Inconclusive { .. }
    )
}

/// The other cells that were run, each with how it ended and what was observed.
pub fn observed(records: &[&CellRecord]) -> Page {
    let mut text = Page::default();
    for record in records.iter().filter(|record| !is_finding(record)) {
        let Some(outcome) = record.judgement.outcome() else {
            continue;
        };
        text.text("  ");
        text.styled(&Style::new().bold(), one_line(&record.axes));
        text.text(format_args!("\n    {}\n", one_line(outcome)));
        for line in record.evidence.to_string().lines() {
            text.text(format_args!("    {line}\n"));
        }
    }
    text
}

/// The last line: the numbers of a run.
pub fn summary_line(summary: &Summary) -> Page {
    let Summary {
        met,
        missed,
        reported,
        inconclusive,
        skipped,
        not_run,
        took,
        ..
    } = *summary;
    let cells = met + missed + reported + inconclusive + skipped;
    let counted = if cells == 1 { "cell" } else { "cells" };
    let mut line = Page::from(format!("{cells} {counted} in {}: ", in_seconds(took)));
    let parts = [
        (met, "met", Style::new().green()),
        (missed, "missed", Style::new().red().bold()),
        (reported, "reported", Style::new()),
        (inconclusive, "inconclusive", Style::new().magenta().bold()),
        (skipped, "skipped", Style::new().dim()),
        (
            not_run,
            "not run (--keep-going runs them all)",
            Style::new().yellow(),
        ),
    ];
    let mut between = "";
    for (count, word, style) in parts.iter().filter(|(count, ..)| *count > 0) {
        line.text(between);
        line.styled(style, format_args!("{count} {word}"));
        between = ", ";
    }
    if between.is_empty() {
        line.text("nothing to do");
    }
    line
}

fn in_seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}
