use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use console::Style;
use fwlab_explain::{Diagnosis, Why};
use fwlab_record::{Cause, CellRecord, Flow, Judgement, Packet};
use fwlab_runner::Summary;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Labels;
use super::ways::{Ways, way};
use crate::text::Page;
use fwlab_text::{line, one_line};

/// A line on standard error that tells how far a run is; nothing where that is no terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    missed: usize,
    unclear: usize,
}

impl Progress {
    /// A line for so many cells.
    pub fn new(cells: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(
            Some(cells as u64),
            ProgressDrawTarget::stderr_with_hz(10),
        );
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} cells, {elapsed}{msg}");
        bar.set_style(style.expect("the template is a constant"));
        Progress {
            bar,
            missed: 0,
            unclear: 0,
        }
    }

    /// One cell more is finished.
    pub fn add(&mut self, record: &CellRecord) {
        match record.judgement {
            Judgement::Missed { .. } => self.missed += 1,
            Judgement::Inconclusive { .. } => self.unclear += 1,
            _ => {}
        }
        let mut message = String::new();
        if self.missed > 0 {
            let _ = write!(message, ", {} missed", self.missed);
        }
        if self.unclear > 0 {
            let _ = write!(message, ", {} inconclusive", self.unclear);
        }
        self.bar.set_message(message);
        self.bar.inc(1);
    }

    /// Takes the line away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// As many inconclusive cells of one reason are told with their evidence.
const UNCLEAR_TOLD: usize = 2;

/// A reason without what differs from cell to cell: the client's own words.
fn reason(why: &str) -> &str {
    why.split("; the client:").next().unwrap_or(why)
}

/// What stands below a scenario's matrix: the causes of what did not pass, each once,
/// then the cells that missed or that the lab could not tell of, with their evidence,
/// then what was skipped and why.
pub fn findings(records: &[&CellRecord], labels: &Labels) -> Page {
    let mut text = Page::default();
    let mut causes: BTreeMap<String, Vec<&CellRecord>> = BTreeMap::new();
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        if let Judgement::Skipped { why } = &record.judgement {
            *skipped.entry(why).or_default() += 1;
        }
        let outcome = record.judgement.outcome();
        if let Some(outcome) = outcome.filter(|outcome| outcome.cause != Cause::None) {
            causes
                .entry(cause_in_short(&outcome.cause))
                .or_default()
                .push(record);
        }
    }
    let dim = Style::new().dim();
    let all_ways = Ways::of(records);
    let all_rows: BTreeSet<&str> = records
        .iter()
        .map(|record| labels.of(&record.axes))
        .collect();
    let all_data: BTreeSet<_> = records.iter().map(|record| record.axes.data).collect();
    for (cause, cells) in causes {
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
        for told in explained(&cells) {
            text.text(format_args!("    {}\n", line(&told)));
        }
    }
    let mut unclear: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        let (word, style, why) = match &record.judgement {
            Judgement::Missed { outcome, why } => (
                "missed",
                Style::new().red().bold(),
                format!("{}\n    {}", one_line(why), one_line(outcome)),
            ),
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
                "  and {more} more inconclusive cells of the same reason: {}; a JSON report has each\n",
                one_line(why)
            ));
        }
    }
    let notes: BTreeSet<&String> = records.iter().flat_map(|record| &record.notes).collect();
    for note in notes {
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

/// Why the cells of one cause were stopped, and what would have let them through; each once, as far as their evidence tells.
pub fn explained(cells: &[&CellRecord]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let known = cells.iter().filter_map(|cell| Diagnosis::of(cell));
    for diagnosis in known.filter(|diagnosis| diagnosis.why != Why::Unknown) {
        let sentences = [Some(diagnosis.why()), diagnosis.would_pass()];
        let sentences = sentences
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        if !told.contains(&sentences) {
            told.push(sentences);
        }
    }
    told
}

/// A cause without what differs from cell to cell: the packet's ports and numbers.
pub fn cause_in_short(cause: &Cause) -> String {
    let in_short = |flow: &Flow| match flow.to.port() {
        port @ ..1024 => format!("{} → {}:{port}", flow.from.ip(), flow.to.ip()),
        _ => format!("{} → {}, a high port", flow.from.ip(), flow.to.ip()),
    };
    let packet = |packet: &Packet| match packet {
        Packet::Tcp { flow, flags, .. } => format!("{flags} {}", in_short(flow)),
        Packet::Icmp {
            from,
            to,
            kind,
            code,
            about: Some(about),
        } => format!(
            "ICMP type {kind} code {code} {from} → {to} about {}",
            in_short(about)
        ),
        other => other.to_string(),
    };
    let line = |line: &Option<u32>| {
        line.map(|line| format!(", line {line}"))
            .unwrap_or_default()
    };
    match cause {
        Cause::Rule {
            node,
            rule,
            source_line,
            statement,
            packet: met,
            led_to,
            ..
        } => {
            let line = line(source_line);
            let did = match led_to {
                None => format!("stopped {}", packet(met)),
                Some(then) => format!("sent {} elsewhere: {}", packet(met), cause_in_short(then)),
            };
            format!("{node}: {rule}{line} `{statement}` {did}")
        }
        Cause::Policy {
            node,
            chain,
            source_line,
            statement,
            packet: stopped,
            ..
        } => {
            format!(
                "{node}: {chain}{} `{statement}` stopped {}",
                line(source_line),
                packet(stopped)
            )
        }
        Cause::Host {
            node,
            packet: answer,
        } => format!("{node} answered {}", packet(answer)),
        Cause::Helper { node, packet: lost } => {
            format!("{node}: the conntrack helper dropped {}", packet(lost))
        }
        Cause::Loss { node, packet: lost } => format!("lost after {node}: {}", packet(lost)),
        other => other.to_string(),
    }
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

#[cfg(test)]
mod tests {
    use fwlab_record::NodeName;

    use super::*;

    #[test]
    fn answers_about_connections_of_one_kind_are_one_cause() {
        let told = [40000, 40001].map(|port| {
            let client = std::net::Ipv4Addr::new(10, 77, 1, 2).into();
            let server = std::net::Ipv4Addr::new(203, 0, 113, 10).into();
            cause_in_short(&Cause::Host {
                node: NodeName::gateway(),
                packet: Packet::Icmp {
                    from: server,
                    to: client,
                    kind: 3,
                    code: 0,
                    about: Some(Flow {
                        from: (client, port).into(),
                        to: (server, 21).into(),
                    }),
                },
            })
        });
        assert_eq!(
            told,
            ["gateway answered ICMP type 3 code 0 203.0.113.10 → 10.77.1.2 about 10.77.1.2 → 203.0.113.10:21";
                2]
        );
    }
}
