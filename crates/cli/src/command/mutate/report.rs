//! What `mutate` prints.

use std::collections::BTreeMap;

use fwlab_record::Exit;
use fwlab_scenario::plan::Cell;
use fwlab_text::{line as shown, one_line};

use super::changed::{Changed, Left};
use super::verdict::Verdict;
use crate::text::Page;

/// Each mistake that nothing noticed, and how many were; and how the command ends.
pub(super) fn report(
    page: &mut Page,
    verdicts: &[(&Changed, Verdict)],
    left: &Left,
    planned: &[Cell],
) -> Exit {
    let mut by_text: BTreeMap<(&str, &str), Vec<&(&Changed, Verdict)>> = BTreeMap::new();
    for verdict in verdicts {
        let scenario = &planned[verdict.0.cells[0]].scenario.name;
        by_text
            .entry((scenario, &verdict.0.ruleset))
            .or_default()
            .push(verdict);
    }
    for ((scenario, ruleset), verdicts) in by_text {
        let noticed = verdicts.iter().filter(|(_, verdict)| verdict.is_noticed());
        page.text(format_args!(
            "{} {}: {} of {} noticed\n",
            one_line(scenario),
            one_line(ruleset),
            noticed.count(),
            mistakes(verdicts.len())
        ));
        let mut line = None;
        for (changed, verdict) in verdicts.iter().filter(|(_, verdict)| !verdict.is_noticed()) {
            let here = (&changed.before.name, changed.mutant.line);
            if line.replace(here) != Some(here) {
                page.text(format_args!("  {}\n", of_line(changed)));
            }
            page.text(format_args!(
                "    {}: {}\n",
                one_line(changed.mutant.change.to_string()),
                came(verdict)
            ));
        }
    }
    let noticed = verdicts
        .iter()
        .filter(|(_, verdict)| verdict.is_noticed())
        .count();
    let unclear = verdicts
        .iter()
        .filter(|(_, verdict)| !verdict.is_noticed() && verdict.unclear.is_some())
        .count();
    let survived = verdicts.len() - noticed - unclear;
    not_tried(page, left);
    if !verdicts.is_empty() {
        page.text(format_args!(
            "{} noticed of {}: {noticed} missed a requirement, {survived} did not, {unclear} unclear\n",
            percent(noticed, verdicts.len()),
            mistakes(verdicts.len())
        ));
    }
    match (survived, unclear) {
        (1.., _) => Exit::Missed,
        (0, 1..) => Exit::Lab,
        (0, 0) if left.beyond > 0 => Exit::Lab,
        (0, 0) => Exit::Good,
    }
}

/// `rules.v4, line 14 `-A INPUT -j DROP``
fn of_line(changed: &Changed) -> String {
    let name = one_line(&changed.before.name);
    let line = changed.line();
    format!("{name}, line {} `{}`", changed.mutant.line, shown(&line))
}

/// What came of a mistake that nothing noticed.
fn came(verdict: &Verdict) -> String {
    if let Some(why) = &verdict.unclear {
        return format!("unclear: {}", shown(why));
    }
    let Some(((was, is), (count, name))) = verdict.otherwise.iter().next() else {
        return "every transfer ends as before".to_owned();
    };
    let all: usize = verdict.otherwise.values().map(|(count, _)| count).sum();
    let cells = match all {
        1 => "a cell ends".to_owned(),
        all => format!("{all} cells end"),
    };
    let example = match (was == is, *count == all) {
        (true, _) => format!("{}: {is}, by another cause", one_line(name)),
        (false, true) => format!("{}: {was} → {is}", one_line(name)),
        (false, false) => format!("as {}: {was} → {is}", one_line(name)),
    };
    format!("{cells} otherwise, which no requirement forbids ({example})")
}

fn not_tried(page: &mut Page, left: &Left) {
    let mut note = |what: String| page.text(format_args!("note: {what}\n"));
    if !left.unrequired.is_empty() {
        let names: Vec<&str> = left.unrequired.iter().map(String::as_str).collect();
        note(format!(
            "no requirement looks at {}",
            one_line(names.join(", "))
        ));
    }
    if !left.unwritten.is_empty() {
        let names: Vec<&str> = left.unwritten.iter().map(String::as_str).collect();
        note(format!(
            "the rules of {} were not written by hand, so there is no line to change",
            one_line(names.join(", "))
        ));
    }
    if left.refused > 0 {
        note(format!(
            "{} that the loader refuses, not counted",
            mistakes(left.refused)
        ));
    }
    if left.same > 0 {
        note(format!(
            "{} that are the same to the kernel, not counted",
            mistakes(left.same)
        ));
    }
    if left.beyond > 0 {
        note(format!(
            "{} beyond --mutants were not tried",
            mistakes(left.beyond)
        ));
    }
}

fn mistakes(count: usize) -> String {
    match count {
        1 => "1 mistake".to_owned(),
        count => format!("{count} mistakes"),
    }
}

fn percent(some: usize, all: usize) -> String {
    format!("{} %", some * 100 / all.max(1))
}
