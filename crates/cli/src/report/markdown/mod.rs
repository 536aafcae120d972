//! Markdown, for the summary of a CI job or a comment: what is long is folded.

mod text;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use fwlab_record::{CellRecord, Judgement};

use super::causes::{Told, by_cause, reason};
use super::format::Format;
use super::gathered::Gathered;
use super::matrix::Table;
use super::{About, Labels};
use text::{block, code, code_in_table, own};

pub(super) const FORMAT: Format = Format {
    word: "markdown",
    what: "tables and causes for a job's summary or a comment",
    is_report,
    begin: |file, about| Gathered::report(file, about, written),
};

/// How a report begins, by which an older one is known.
const BEGINS: &str = "<!-- A report of fwlab. -->\n";

/// As many lines stand in one list; of the rest, their number.
const LISTED: usize = 20;

/// As many causes stand there unfolded.
const UNFOLDED: usize = 5;

/// As many missed or unclear cells bring their evidence along.
const WITH_EVIDENCE: usize = 5;

fn is_report(prefix: &[u8]) -> bool {
    prefix.starts_with(BEGINS.as_bytes())
}

fn written(records: &[&CellRecord], about: &About) -> io::Result<String> {
    let mut text = BEGINS.to_owned();
    let _ = writeln!(text, "## fwlab: {}\n", counts(records));
    text.push_str(&wanting(records, about));
    let mut scenarios: Vec<(&str, Vec<&CellRecord>)> = Vec::new();
    for record in records {
        let name = record.axes.scenario.as_str();
        match scenarios.iter_mut().find(|(known, _)| *known == name) {
            Some((_, cells)) => cells.push(record),
            None => scenarios.push((name, vec![record])),
        }
    }
    for (name, cells) in scenarios {
        let _ = writeln!(text, "### {}\n", code(name));
        let is_dull = |cell: &&CellRecord| {
            matches!(
                cell.judgement,
                Judgement::Met { .. } | Judgement::Skipped { .. }
            )
        };
        match cells.iter().all(is_dull) {
            true => text.push_str(&folded(&counts(&cells), &table(&cells))),
            false => text.push_str(&table(&cells)),
        }
    }
    text.push_str(&causes(records));
    text.push_str(&skipped(records));
    Ok(text)
}

/// `4 cells: 1 met, 1 missed, 2 skipped`.
fn counts(records: &[&CellRecord]) -> String {
    let words = ["missed", "inconclusive", "met", "reported", "skipped"];
    let mut parts = Vec::new();
    for word in words.into_iter().chain(["not-run"]) {
        let of = records.iter().filter(|it| it.judgement.word() == word);
        match of.count() {
            0 => {}
            count => parts.push(format!("{count} {}", word.replace('-', " "))),
        }
    }
    let cells = in_number(records.len(), "cell");
    match parts.is_empty() {
        true => cells,
        false => format!("{cells}: {}", parts.join(", ")),
    }
}

fn in_number(count: usize, what: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {what}{end}")
}

/// Something long below a line that opens it. `summary` is a text of fwlab's own.
fn folded(summary: &str, content: &str) -> String {
    let content = content.trim_end();
    format!("<details><summary>{summary}</summary>\n\n{content}\n\n</details>\n\n")
}

fn listed<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut lines = lines;
    let mut shown: Vec<&str> = lines.by_ref().take(LISTED).collect();
    let rest = match lines.count() {
        0 => String::new(),
        more => format!("and {more} more"),
    };
    shown.extend(Some(rest.as_str()).filter(|rest| !rest.is_empty()));
    block(&shown.join("\n"))
}

/// The cells that missed their requirement and those that the lab could not tell of: they come first.
fn wanting(records: &[&CellRecord], about: &About) -> String {
    let mut reasons: BTreeMap<(&str, &str), Vec<&CellRecord>> = BTreeMap::new();
    for record in records {
        let key = match &record.judgement {
            Judgement::Missed { why, .. } => ("Missed", why.as_str()),
            Judgement::Inconclusive { why } => ("Inconclusive", reason(why)),
            _ => continue,
        };
        reasons.entry(key).or_default().push(record);
    }
    let mut text = String::new();
    let mut shown = 0;
    // What was missed before what is unclear.
    for ((word, why), cells) in reasons.into_iter().rev() {
        let _ = writeln!(text, "**{word}:** {}\n", code(why));
        let names: Vec<String> = cells.iter().map(|cell| cell.axes.to_string()).collect();
        let listed = listed(names.iter().map(String::as_str));
        text.push_str(&folded(&in_number(cells.len(), "cell"), &listed));
        let told = cells
            .iter()
            .filter(|cell| about.evidence.tells(cell) && !cell.evidence.is_empty());
        for cell in told.take(WITH_EVIDENCE - shown) {
            shown += 1;
            let evidence = format!("{}\n\n{}", cell.axes, cell.evidence);
            text.push_str(&folded("Evidence of one of them", &block(&evidence)));
        }
    }
    text
}

fn table(cells: &[&CellRecord]) -> String {
    let Table { columns, rows } = Table::of(cells, &Labels::default());
    let heads = ["rules", "transfer", "backend", "server ← client"];
    let is_said = |column: &usize| rows.iter().any(|row| !row.head[*column].is_empty());
    let said: Vec<usize> = (0..heads.len()).filter(is_said).collect();
    let fields = |fields: Vec<String>| format!("| {} |\n", fields.join(" | "));
    let mut head: Vec<String> = said
        .iter()
        .map(|column| heads[*column].to_owned())
        .collect();
    head.extend(columns.iter().map(|column| column.word().to_owned()));
    let rule = vec!["---".to_owned(); head.len()];
    let mut text = fields(head) + &fields(rule);
    for row in &rows {
        let mut of_row: Vec<String> = Vec::new();
        for column in &said {
            of_row.push(match row.head[*column].as_str() {
                "" => String::new(),
                head => code_in_table(head),
            });
        }
        let shown = columns.iter().map(|column| row.cells.get(column));
        of_row.extend(shown.map(|shown| shown.map(|shown| shown.text()).unwrap_or_default()));
        text.push_str(&fields(of_row));
    }
    text.push('\n');
    text
}

/// Each cause once: why, what would have let it through, and which cells it stopped.
fn causes(records: &[&CellRecord]) -> String {
    let mut text = String::new();
    let causes = by_cause(records);
    for (cause, cells) in &causes {
        let _ = writeln!(text, "- {}", code(cause));
        for told in Told::of_all(cells) {
            let why = match told.quotes {
                true => code(&told.why),
                false => own(&told.why),
            };
            let _ = writeln!(text, "  - {why}");
            if let Some(would_pass) = &told.would_pass {
                let _ = writeln!(text, "  - {}", own(would_pass));
            }
        }
        let first = code(&cells[0].axes.to_string());
        let _ = match cells.len() - 1 {
            0 => writeln!(text, "  - {first}"),
            more => writeln!(text, "  - {first}, and {}", in_number(more, "other cell")),
        };
    }
    match causes.len() {
        0 => text,
        1..=UNFOLDED => format!("### Causes\n\n{text}\n"),
        count => format!(
            "### Causes\n\n{}",
            folded(&in_number(count, "cause"), &text)
        ),
    }
}

fn skipped(records: &[&CellRecord]) -> String {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for record in records {
        let (word, why) = match &record.judgement {
            Judgement::Skipped { why } => ("skipped", why),
            Judgement::NotRun(not_run) => ("not run", &not_run.why),
            _ => continue,
        };
        *reasons.entry(format!("{word}: {why}")).or_default() += 1;
    }
    if reasons.is_empty() {
        return String::new();
    }
    let count = reasons.values().sum();
    let lines: Vec<String> = reasons
        .iter()
        .map(|(why, count)| format!("{count} {}", fwlab_text::line(why)))
        .collect();
    let listed = listed(lines.iter().map(String::as_str));
    let summary = format!("{} skipped or not run", in_number(count, "cell"));
    folded(&summary, &listed)
}
