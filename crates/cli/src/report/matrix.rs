use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use console::{Style, Term, measure_text_width, pad_str};
use fwlab_record::{CellRecord, Chance, DataSetup, Judgement, Symptom};
use fwlab_runner::settling_ports;

use super::Labels;
use super::ways::{Way, Ways, way};
use crate::text::{Page, columns};
use fwlab_text::one_line;

/// The cells of one scenario: a row for each ruleset, or each class of peers, and each way to transfer, a column for each
/// data setup. What backends and peers agree on in every column is one row.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) columns: BTreeSet<DataSetup>,
    pub(super) rows: Vec<TableRow>,
}

/// A row of a table.
#[derive(Debug)]
pub(super) struct TableRow {
    /// What it is of: the rules, how it is transferred, the backends, the peers. Empty where nothing need be said.
    pub(super) head: [String; 4],
    pub(super) cells: BTreeMap<DataSetup, Shown>,
}

impl Table {
    /// That of cells of one scenario.
    pub(super) fn of(records: &[&CellRecord], labels: &Labels) -> Table {
        let ways = Ways::of(records);
        let rows = merged_rows(records, labels).into_iter();
        Table {
            columns: records.iter().map(|record| record.axes.data).collect(),
            rows: rows
                .map(|row| TableRow {
                    head: row.head(&ways),
                    cells: row.cells,
                })
                .collect(),
        }
    }
}

/// Draws the table of the cells of one scenario. Where a terminal is too narrow for its rows, each cell has a line of its own.
pub fn matrix(records: &[&CellRecord], labels: &Labels) -> Page {
    drawn(&Table::of(records, labels), columns(&Term::stdout()))
}

fn drawn(Table { columns, rows }: &Table, fits: Option<usize>) -> Page {
    let width = |column: usize| {
        rows.iter()
            .map(|row| measure_text_width(&row.head[column]))
            .max()
            .unwrap_or(0)
    };
    let mut widths = [width(0), width(1), width(2), width(3)];
    // Where names are long, each stands above its row.
    let above = widths[0] > HEAD;
    if above {
        widths[0] = 2;
    }
    let mut text = Page::default();
    let indent = widths
        .iter()
        .filter(|width| **width > 0)
        .map(|width| width + 2)
        .sum::<usize>()
        + 2;
    if fits.is_some_and(|fits| fits < indent + CELL * columns.len()) {
        return narrow(columns, rows);
    }
    text.text(" ".repeat(indent));
    for column in columns {
        text.text(pad_str(column.word(), CELL, console::Alignment::Left, None));
    }
    text.trim_end();
    text.text('\n');
    for row in rows {
        let [name, rest @ ..] = &row.head;
        let mut beside = name.as_str();
        if above {
            beside = "";
            for part in name.split_inclusive("; ") {
                text.text(format_args!("  {}\n", part.trim_end()));
            }
        }
        text.text("  ");
        let parts = std::iter::once(beside).chain(rest.iter().map(String::as_str));
        for (part, width) in parts.zip(widths) {
            if width > 0 {
                let _ = write!(
                    text,
                    "{}  ",
                    pad_str(part, width, console::Alignment::Left, None)
                );
            }
        }
        for column in columns {
            let shown = row.cells.get(column);
            let width = shown.map_or(0, |shown| shown.add_to(&mut text));
            // The widest one fills its column.
            text.text(" ".repeat(CELL.saturating_sub(width).max(1)));
        }
        text.trim_end();
        text.text('\n');
    }
    text
}

/// A table with a line for each cell.
fn narrow(columns: &BTreeSet<DataSetup>, rows: &[TableRow]) -> Page {
    let mut text = Page::default();
    for row in rows {
        let head = row.head.iter().filter(|part| !part.is_empty());
        let head: Vec<&str> = head.map(String::as_str).collect();
        text.text(format_args!("  {}\n", head.join("  ")));
        for column in columns {
            text.text(format_args!("    {:6}", column.word()));
            if let Some(shown) = row.cells.get(column) {
                shown.add_to(&mut text);
            }
            text.trim_end();
            text.text('\n');
        }
    }
    text
}

/// The columns of a cell.
const CELL: usize = 14;

/// The most columns of a row's name beside its cells.
const HEAD: usize = 72;

/// A cell as it is shown: the outcome in a word or two, and whether it is as required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    words: &'static str,
    state: State,
    /// What it rests on beside the rules: then one outcome is a sample, and another run may show another.
    by_chance: Option<&'static str>,
}

/// The range of ports that the rules open for the server's passive data connections, where it keeps to none, so that what
/// became of the cell rests on the port that it happened to pick.
pub(crate) fn passive_ports_meant(record: &CellRecord) -> Option<(u16, u16)> {
    if record.axes.data.is_active() || !record.chance.contains(&Chance::DataPort) {
        return None;
    }
    record.notes.iter().find_map(|note| settling_ports(note))
}

/// Whether what became of a cell rests on a port that a side happened to pick from ports that nobody can choose for it: then the
/// cell is what the most of them come to.
pub(crate) fn by_port_of_kernel(record: &CellRecord) -> bool {
    let by_data_port =
        record.chance.contains(&Chance::DataPort) && passive_ports_meant(record).is_none();
    by_data_port || record.chance.contains(&Chance::SourcePort)
}

/// Whether rules that decide by chance were asked about a cell's packets.
pub(crate) fn decided_by_chance(record: &CellRecord) -> bool {
    record.chance.contains(&Chance::Rule)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Met,
    Missed,
    Reported,
    Unclear,
    Skipped,
    NotRun,
}

impl Shown {
    /// Of what became of a cell.
    pub fn of(judgement: &Judgement) -> Shown {
        let state = match judgement {
            Judgement::Met { .. } => State::Met,
            Judgement::Missed { .. } => State::Missed,
            Judgement::Reported(_) => State::Reported,
            Judgement::Inconclusive { .. } => State::Unclear,
            Judgement::Skipped { .. } => State::Skipped,
            Judgement::NotRun(_) => State::NotRun,
        };
        if matches!(judgement, Judgement::Met { deviated: true, .. }) {
            let words = "deviates";
            return Shown::new(words, state);
        }
        let came_through = judgement.outcome().and_then(|outcome| outcome.came_through);
        if came_through.is_some() && state == State::Met {
            let words = "fell back";
            return Shown::new(words, state);
        }
        let words = match (judgement.outcome().map(|outcome| outcome.symptom), state) {
            (Some(Symptom::Transferred), _) => "passes",
            (Some(Symptom::DataTimeout), _) => "timeout",
            (Some(Symptom::DataRejected), _) => "rejected",
            (Some(Symptom::ControlTimeout), _) => "ctl timeout",
            (Some(Symptom::ControlRejected), _) => "ctl rejected",
            (Some(Symptom::Refused), _) => "refused",
            (None, State::Skipped) => "–",
            (None, State::NotRun) => "not run",
            (None, _) => "unclear",
        };
        Shown::new(words, state)
    }

    fn new(words: &'static str, state: State) -> Shown {
        Shown {
            words,
            state,
            by_chance: None,
        }
    }

    /// The outcome in a word or two.
    pub fn words(&self) -> &'static str {
        self.words
    }

    /// Whether it is as required, in a word.
    pub(super) fn word(&self) -> &'static str {
        match self.state {
            State::Reported if self.words == "passes" => "met",
            State::Met => "met",
            State::Missed => "missed",
            State::Reported => "reported",
            State::Unclear => "unclear",
            State::Skipped => "skipped",
            State::NotRun => "not-run",
        }
    }

    fn has_outcome(&self) -> bool {
        matches!(self.state, State::Met | State::Missed | State::Reported)
    }

    /// With its mark: `✓ passes`; where it rests on chance, on what: `~ by port`, or what the most ports come to: `~ passes`.
    pub(super) fn text(&self) -> String {
        if let Some(rests_on) = self.by_chance.filter(|_| self.has_outcome()) {
            return format!("~ {rests_on}");
        }
        match self.state {
            State::Met => format!("✓ {}", self.words),
            State::Missed => format!("✗ {}", self.words),
            State::Unclear => format!("? {}", self.words),
            State::Reported | State::Skipped | State::NotRun => self.words.to_owned(),
        }
    }

    /// Adds it to a page, and tells its width in columns.
    fn add_to(&self, page: &mut Page) -> usize {
        let style = match self.state {
            _ if self.by_chance.is_some() && self.has_outcome() => Style::new().yellow(),
            State::Met => Style::new().green(),
            State::Missed => Style::new().red().bold(),
            State::Reported if self.words == "passes" => Style::new().green(),
            State::Reported => Style::new().yellow(),
            State::Unclear => Style::new().magenta().bold(),
            State::Skipped | State::NotRun => Style::new().dim(),
        };
        let text = self.text();
        page.styled(&style, &text);
        measure_text_width(&text)
    }
}

#[derive(Debug)]
struct Row {
    label: String,
    /// How it is transferred, in each way that came to the same.
    ways: BTreeSet<Way>,
    backends: BTreeSet<&'static str>,
    peers: BTreeSet<(String, String)>,
    cells: BTreeMap<DataSetup, Shown>,
}

impl Row {
    fn head(&self, all: &Ways) -> [String; 4] {
        let backends: Vec<&str> = self.backends.iter().copied().collect();
        let servers: BTreeSet<&str> = self
            .peers
            .iter()
            .map(|(server, _)| server.as_str())
            .collect();
        let clients: BTreeSet<&str> = self
            .peers
            .iter()
            .map(|(_, client)| client.as_str())
            .collect();
        // Where a row stands for some pairs only, naming all servers and clients would claim more.
        let peers = if self.peers.len() == servers.len() * clients.len() {
            let join = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(",");
            format!("{} ← {}", join(servers), join(clients))
        } else {
            let pairs = self
                .peers
                .iter()
                .map(|(server, client)| format!("{server} ← {client}"));
            pairs.collect::<Vec<_>>().join(", ")
        };
        let label = one_line(&self.label).to_string();
        [label, all.words(&self.ways), backends.join(","), peers]
    }

    /// Whether two rows say the same in every column: one that was skipped, or not run, says nothing of the other.
    fn agrees(&self, other: &Row) -> bool {
        self.label == other.label && self.ways == other.ways && self.cells == other.cells
    }

    fn absorb(&mut self, other: Row) {
        self.backends.extend(other.backends);
        self.peers.extend(other.peers);
    }
}

/// Rows that differ in how it is transferred alone are one.
fn alike_ways(rows: Vec<Row>) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        let same = |one: &&mut Row| {
            one.label == row.label
                && one.cells == row.cells
                && one.backends == row.backends
                && one.peers == row.peers
        };
        match merged.iter_mut().find(same) {
            Some(one) => one.ways.extend(row.ways),
            None => merged.push(row),
        }
    }
    merged
}

fn merged_rows(records: &[&CellRecord], labels: &Labels) -> Vec<Row> {
    type Key = (String, Way, &'static str, String, String);
    let mut single: BTreeMap<Key, Row> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for record in records {
        let axes = &record.axes;
        let label = labels.of(axes).to_owned();
        if !order.contains(&label) {
            order.push(label.clone());
        }
        let (server, client) = (axes.server.to_string(), axes.client.to_string());
        let key = (
            label.clone(),
            way(axes),
            labels.loaders(axes),
            server.clone(),
            client.clone(),
        );
        let row = single.entry(key).or_insert_with(|| Row {
            label,
            ways: BTreeSet::from([way(axes)]),
            backends: BTreeSet::from([labels.loaders(axes)]),
            peers: BTreeSet::from([(server, client)]),
            cells: BTreeMap::new(),
        });
        let mut shown = Shown::of(&record.judgement);
        shown.by_chance = match labels.marks_chance {
            true if decided_by_chance(record) => Some("by chance"),
            true if passive_ports_meant(record).is_some() => Some("by port"),
            true => by_port_of_kernel(record).then_some(shown.words),
            false => None,
        };
        // What the port that was picked came to is not shown, and tells no row from another.
        if let Some(rests_on) = shown.by_chance {
            shown.words = rests_on;
        }
        row.cells.insert(axes.data, shown);
    }
    let mut rows: Vec<Row> = Vec::new();
    for row in single.into_values() {
        // First the peers of one backend, then the backends: a merged row is a rectangle.
        match rows
            .iter_mut()
            .find(|merged| merged.backends == row.backends && merged.agrees(&row))
        {
            Some(merged) => merged.absorb(row),
            None => rows.push(row),
        }
    }
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        match merged
            .iter_mut()
            .find(|merged| merged.peers == row.peers && merged.agrees(&row))
        {
            Some(merged) => merged.absorb(row),
            None => merged.push(row),
        }
    }
    let mut merged = alike_ways(merged);
    merged.sort_by_key(|row| order.iter().position(|name| *name == row.label));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let head = ["  from 203.0.113.0/24 on eth0", "", "nft", "vsftpd ← curl"];
        let cells = [
            (DataSetup::Port, Shown::new("ctl timeout", State::Reported)),
            (DataSetup::Epsv, Shown::new("passes", State::Reported)),
        ];
        Table {
            columns: cells.iter().map(|(setup, _)| *setup).collect(),
            rows: vec![TableRow {
                head: head.map(|part| part.trim_start().to_owned()),
                cells: cells.into_iter().collect(),
            }],
        }
    }

    #[test]
    fn a_table_is_drawn_as_its_terminal_is_wide() {
        let wide = "                                                       port          epsv
  from 203.0.113.0/24 on eth0  nft  vsftpd ← curl  ctl timeout   passes
";
        let wide = wide.replacen(&" ".repeat(4), "", 1);
        for fits in [None, Some(120), Some(80)] {
            assert_eq!(drawn(&table(), fits).to_string(), wide, "{fits:?}");
        }
        let narrow = "  from 203.0.113.0/24 on eth0  nft  vsftpd ← curl
    port  ctl timeout
    epsv  passes
";
        let page = drawn(&table(), Some(40));
        assert_eq!(page.to_string(), narrow);
        assert_eq!(
            page.within(40).to_string(),
            narrow.replace("  vsftpd", "\n    vsftpd")
        );
    }
}
