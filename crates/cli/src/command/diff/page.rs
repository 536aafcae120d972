//! What is printed of a comparison.

use std::collections::{BTreeMap, BTreeSet};

use console::Style;
use fwlab_check::{Subject, Tried, described, grouped};
use fwlab_record::{Cause, CellRecord, DataSetup, Judgement};
use fwlab_runner::Summary;
use fwlab_text::{line, one_line};

use super::pairs::{Change, Compared, Pair};
use crate::command::check::Came;
use crate::report::{Way, Ways, cause_in_short, explained, summary_line, way};
use crate::text::Page;

/// As many transfers that are not known are told.
const UNKNOWN_TOLD: usize = 5;

pub(super) fn page(
    hosts: [&Subject; 2],
    compared: &Compared<'_>,
    programs: String,
    summary: &Summary,
) -> Page {
    let names = hosts.map(|host| one_line(&host.files.name).to_string());
    let mut page = Page::default();
    page.styled(
        &Style::new().bold(),
        format_args!("{} → {}", names[0], names[1]),
    );
    page.text('\n');
    let all = Named::of(compared);
    let changed = grouped(compared.pairs.iter().copied(), |pair: &Pair<'_>| {
        (pair.change.is_change()).then(|| (pair.new.axes.data, way(&pair.new.axes), came(pair)))
    });
    for group in &changed {
        let pairs: Vec<&Pair<'_>> = group[0].iter().map(|(_, pair)| pair).collect();
        let pairs: Vec<&Pair<'_>> = pairs
            .into_iter()
            .filter(|pair| pair.change.is_change())
            .collect();
        if pairs.is_empty() {
            continue;
        }
        let family = group[0][0].0.family;
        let of_family = changed
            .iter()
            .flatten()
            .filter(|cells| cells[0].0.family == family);
        let is_everybody = of_family.count() == group.len();
        let indent = match is_everybody {
            true => "  ",
            false => {
                page.text(format_args!("  {}\n", line(&described(group))));
                "    "
            }
        };
        for transfers in alike(&pairs) {
            all.add_to(&mut page, indent, &transfers);
        }
    }
    unknown(&mut page, compared);
    conclusion(&mut page, hosts, compared);
    page.text(programs);
    page.append(&summary_line(summary));
    page.text('\n');
    page
}

/// What a transfer came to under both, and whether that is meant.
type CameToBoth = (Came, Came, Change);

fn came(pair: &Pair<'_>) -> CameToBoth {
    (Came::of(pair.old), Came::of(pair.new), pair.change)
}

/// Transfers that changed from the same to the same.
fn alike<'p, 'a>(pairs: &[&'p Pair<'a>]) -> Vec<Vec<&'p Pair<'a>>> {
    let mut groups: Vec<(CameToBoth, Vec<&Pair<'_>>)> = Vec::new();
    for pair in pairs {
        let came = came(pair);
        match groups.iter_mut().find(|(known, _)| *known == came) {
            Some((_, pairs)) => pairs.push(pair),
            None => groups.push((came, vec![pair])),
        }
    }
    groups.into_iter().map(|(_, pairs)| pairs).collect()
}

/// What all transfers are named by, as far as they differ in it.
struct Named {
    ways: Ways,
    /// Backends and peers.
    with: BTreeSet<String>,
}

impl Named {
    fn of(compared: &Compared<'_>) -> Named {
        let records: Vec<&CellRecord> = compared.pairs.iter().map(|(_, pair)| pair.new).collect();
        Named {
            ways: Ways::of(&records),
            with: compared.pairs.iter().map(|(_, pair)| with(pair)).collect(),
        }
    }

    /// Adds transfers that changed alike: which, from what to what, and why.
    fn add_to(&self, page: &mut Page, indent: &str, pairs: &[&Pair<'_>]) {
        let first = pairs[0];
        let [was, is] = [first.old, first.new].map(|record| Came::of(record).shown.words());
        let style = match is {
            "passes" => Style::new().green(),
            _ => Style::new().yellow(),
        };
        page.text(indent);
        page.text(format_args!("{}: {was} → ", self.words(pairs).join("; ")));
        page.styled(&style, is);
        if first.change == Change::Allowed {
            page.text(" (allowed)");
        }
        page.text('\n');
        for (when, record) in [("old", first.old), ("new", first.new)] {
            let outcome = record.judgement.outcome();
            let Some(outcome) = outcome.filter(|outcome| outcome.cause != Cause::None) else {
                continue;
            };
            page.text(format_args!(
                "{indent}  {when}: {}\n",
                line(&cause_in_short(&outcome.cause))
            ));
            if when == "new" {
                let cells: Vec<&CellRecord> = pairs.iter().map(|pair| pair.new).collect();
                for told in explained(&cells) {
                    page.text(format_args!("{indent}    {}\n", line(&told)));
                }
            }
        }
    }

    /// The transfers in words: `explicit pasv,epsv`. What is true of all is not said.
    fn words(&self, pairs: &[&Pair<'_>]) -> Vec<String> {
        let mut data: BTreeMap<(String, Way), BTreeSet<DataSetup>> = BTreeMap::new();
        for pair in pairs {
            let key = (with(pair), way(&pair.new.axes));
            data.entry(key).or_default().insert(pair.new.axes.data);
        }
        // First the ways of the same data setups, then what they are with: each line is a product.
        let mut ways: BTreeMap<(String, BTreeSet<DataSetup>), BTreeSet<Way>> = BTreeMap::new();
        for ((with, way), data) in data {
            ways.entry((with, data)).or_default().insert(way);
        }
        let mut withs: BTreeMap<(BTreeSet<DataSetup>, BTreeSet<Way>), BTreeSet<String>> =
            BTreeMap::new();
        for ((with, data), ways) in ways {
            withs.entry((data, ways)).or_default().insert(with);
        }
        let words = withs.into_iter().map(|((data, ways), with)| {
            let data: Vec<&str> = data.into_iter().map(DataSetup::word).collect();
            let mut words = vec![self.ways.words(&ways), data.join(",")];
            if with != self.with {
                words.push(format!(
                    "({})",
                    with.into_iter().collect::<Vec<_>>().join(", ")
                ));
            }
            words.retain(|word| !word.is_empty());
            words.join(" ")
        });
        words.collect()
    }
}

/// The backends and the peers of a transfer.
fn with(pair: &Pair<'_>) -> String {
    let (old, new) = (&pair.old.axes, &pair.new.axes);
    let backends = match old.backend == new.backend {
        true => old.backend.word().to_owned(),
        false => format!("{} → {}", old.backend, new.backend),
    };
    format!("{backends}, {} ← {}", new.server, new.client)
}

fn unknown(page: &mut Page, compared: &Compared<'_>) {
    let unknown = compared
        .pairs
        .iter()
        .filter(|(_, pair)| pair.change == Change::Unknown);
    let unknown: Vec<&(&Tried, Pair<'_>)> = unknown.collect();
    for (_, pair) in unknown.iter().take(UNKNOWN_TOLD) {
        for record in [pair.old, pair.new] {
            if let Judgement::Inconclusive { why } | Judgement::Skipped { why } = &record.judgement
            {
                page.text("  ");
                page.styled(&Style::new().magenta().bold(), "unclear");
                page.text(format_args!(
                    " {}\n    {}\n",
                    one_line(&record.axes),
                    one_line(why)
                ));
            }
        }
    }
    if let Some(more @ 1..) = unknown.len().checked_sub(UNKNOWN_TOLD) {
        page.text(format_args!(
            "  and {more} more unclear transfers; a JSON report lists each\n"
        ));
    }
}

/// How many transfers change, and what the rules have to do with it.
fn conclusion(page: &mut Page, [old, new]: [&Subject; 2], compared: &Compared<'_>) {
    let changed = compared.count(Change::is_change);
    let allowed = compared.count(|one| one == Change::Allowed);
    let unclear = compared.count(|one| one == Change::Unknown);
    // What cannot be tried here is none that could change.
    let all = compared.count(|one| one != Change::Skipped);
    let are_same = old.files.has_rules_of(&new.files);
    let mut words = match (changed, are_same) {
        (0, true) => format!("the rules are the same, and none of {all} transfers change"),
        (0, false) => format!("the rules differ, but none of {all} transfers change"),
        (1, _) => format!("1 of {all} transfers changes"),
        (changed, _) => format!("{changed} of {all} transfers change"),
    };
    match allowed {
        0 => {}
        _ if allowed == changed => words += ", as is allowed",
        _ => words += &format!(", {allowed} of them as is allowed"),
    }
    if unclear > 0 {
        words += &format!("; {unclear} unclear");
    }
    page.text(format_args!("{words}\n"));
}
