use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use console::Style;
use fwlab_model::Cause;
use fwlab_runner::{CellRecord, Judgement, Summary};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::matrix::Varied;

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

/// What stands below a scenario's matrix: the causes of what did not pass, each once,
/// then the cells that missed or that the lab could not tell of, with their evidence,
/// then what was skipped and why.
pub fn findings(records: &[&CellRecord]) -> String {
    let mut text = String::new();
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
    let varied = Varied::of(records);
    for (cause, cells) in causes {
        let rulesets: BTreeSet<&str> = cells
            .iter()
            .map(|cell| cell.axes.ruleset.as_str())
            .collect();
        let data: BTreeSet<_> = cells.iter().map(|cell| cell.axes.data).collect();
        let data: Vec<&str> = data.into_iter().map(|data| data.word()).collect();
        let rulesets: Vec<&str> = rulesets.into_iter().collect();
        let mut ways: Vec<String> = Vec::new();
        for way in cells.iter().map(|cell| varied.words(&cell.axes)) {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        let transfers = [ways.join(","), data.join(",")];
        let _ = writeln!(
            text,
            "  {} {cause}",
            dim.apply_to(format!(
                "{}, {}:",
                rulesets.join(","),
                transfers.join(" ").trim_start()
            ))
        );
    }
    for record in records {
        let (word, style, why) = match &record.judgement {
            Judgement::Missed {
                outcome,
                differences,
            } => (
                "missed",
                Style::new().red().bold(),
                format!("{}\n    {outcome}", differences.join("; ")),
            ),
            Judgement::Inconclusive { why } => {
                ("inconclusive", Style::new().magenta().bold(), why.clone())
            }
            _ => continue,
        };
        let _ = writeln!(
            text,
            "  {} {}\n    {why}",
            style.apply_to(word),
            record.axes
        );
        for line in record.evidence.to_string().lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    let notes: BTreeSet<&String> = records.iter().flat_map(|record| &record.notes).collect();
    for note in notes {
        let _ = writeln!(text, "  {}", dim.apply_to(format!("note: {note}")));
    }
    for (why, count) in skipped {
        let _ = writeln!(
            text,
            "  {}",
            dim.apply_to(format!("skipped {count}: {why}"))
        );
    }
    text
}

/// A cause without what differs from cell to cell: the packet's ports and numbers.
fn cause_in_short(cause: &Cause) -> String {
    let packet = |packet: &fwlab_model::Packet| match packet {
        fwlab_model::Packet::Tcp { flow, flags, .. } => match flow.to.port() {
            port @ ..1024 => format!("{flags} {} → {}:{port}", flow.from.ip(), flow.to.ip()),
            _ => format!("{flags} {} → {}, a high port", flow.from.ip(), flow.to.ip()),
        },
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
            packet: stopped,
            ..
        } => {
            format!(
                "{node}: {rule}{} `{statement}` stopped {}",
                line(source_line),
                packet(stopped)
            )
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
pub fn summary_line(summary: &Summary) -> String {
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
    let mut parts = Vec::new();
    let mut part = |count: usize, word: &str, style: Style| {
        if count > 0 {
            parts.push(style.apply_to(format!("{count} {word}")).to_string());
        }
    };
    part(met, "met", Style::new().green());
    part(missed, "missed", Style::new().red().bold());
    part(reported, "reported", Style::new());
    part(inconclusive, "inconclusive", Style::new().magenta().bold());
    part(skipped, "skipped", Style::new().dim());
    part(
        not_run,
        "not run (--keep-going runs them all)",
        Style::new().yellow(),
    );
    format!(
        "{cells} cells in {}: {}",
        in_seconds(took),
        if parts.is_empty() {
            "nothing to do".into()
        } else {
            parts.join(", ")
        }
    )
}

fn in_seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}
