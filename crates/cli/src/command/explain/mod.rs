//! `explain`: one transfer as a timeline, and why it went as it did.

mod choice;
mod excerpt;
mod of_scenario;
mod texts;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fwlab_check::{Subject, Trial};
use fwlab_explain::{Diagnosis, timeline};
use fwlab_record::{Cause, CellRecord, EventId, Exit, Judgement};
use fwlab_text::{line, one_line};

use super::bundle::{Bundled, is_bundle};
use super::check::{CheckTerms, told};
use super::execute::{Executed, execute, ready};
use super::exit::{complain, print, print_prose, telling};
use crate::report::{EarlierError, PacketFolder, Sources, read_report};
use crate::text::{Page, columns};
use choice::{Choice, names};
use excerpt::excerpt;
use of_scenario::is_scenario;
use texts::{Line, Texts};

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The rules, as `fwlab check` takes them; a scenario file; a JSON report written with `--evidence all`, and
    /// behind it the files of its rules or its scenario, to show the line that decided; or a bundle written by
    /// `fwlab run --bundle`
    #[arg(required = true, value_name = "RULES|SCENARIO|REPORT|BUNDLE")]
    files: Vec<PathBuf>,
    /// Which transfer: a cell's name as `fwlab list --cells` prints it, words of it, or axis=word, as in
    /// `fwlab run --filter`. Of a scenario, one cell alone. Default: the first that did not pass
    #[arg(long, value_name = "NAME")]
    cell: Option<String>,
    #[command(flatten)]
    terms: CheckTerms,
}

pub(super) fn explain(arguments: &ExplainArguments) -> Exit {
    explained(arguments).unwrap_or_else(|exit| exit)
}

fn explained(arguments: &ExplainArguments) -> Result<Exit, Exit> {
    let chosen = Choice::of(arguments.cell.as_deref());
    let files = &arguments.files[..];
    if let [file] = files
        && is_bundle(file)
    {
        return of_bundle(file, arguments, &chosen);
    }
    if let [first, beside @ ..] = files
        && let Some(records) = of_report(first)?
    {
        let texts = Texts::beside(beside)?;
        tell_of(&meant(records, &chosen)?, &texts, &chosen);
        return Ok(Exit::Good);
    }
    if let Some(file) = files.iter().find(|file| is_scenario(file)) {
        return of_one_cell(file, arguments, &chosen);
    }
    let (records, sources) = run(arguments)?;
    let texts = Texts::Planned(sources);
    tell_of(&meant(records, &chosen)?, &texts, &chosen);
    Ok(Exit::Good)
}

/// Tells of a cell of a bundle, and writes its packets where they are asked for.
fn of_bundle(file: &Path, arguments: &ExplainArguments, chosen: &Choice) -> Result<Exit, Exit> {
    let bundled = Bundled::read(file)?;
    let meant = meant(bundled.records.clone(), chosen)?;
    let written = match &arguments.terms.how.capture {
        Some(folder) => unpacked(&bundled, &meant, folder)?,
        None => Page::default(),
    };
    // Where its scenario cannot be read here, that is told, and the rules are not shown.
    let cells = bundled
        .scenario()
        .and_then(|scenario| bundled.cells(&scenario));
    let sources = Sources::whole(&cells.unwrap_or_default());
    tell_of(&meant, &Texts::Planned(sources), chosen);
    print(written);
    Ok(Exit::Good)
}

/// Runs the cell of a scenario that is meant, and tells of it.
fn of_one_cell(
    file: &PathBuf,
    arguments: &ExplainArguments,
    chosen: &Choice,
) -> Result<Exit, Exit> {
    if arguments.files.len() > 1 {
        complain(
            format!(
                "{} is a scenario by its name, and is explained alone",
                file.display()
            ),
            Some(
                "a scenario names its rules itself: give it without other files, or behind a JSON report",
            ),
        );
        return Err(Exit::Usage);
    }
    let (record, sources) = of_scenario::run(file, arguments, chosen)?;
    print_prose(page(&record, &Texts::Planned(sources)));
    Ok(match record.judgement.outcome() {
        Some(_) => Exit::Good,
        None => Exit::Lab,
    })
}

/// The cells that are meant, in their order.
fn meant(records: Vec<Arc<CellRecord>>, chosen: &Choice) -> Result<Vec<Arc<CellRecord>>, Exit> {
    chosen.among(records, |record| (&record.axes, &[]))
}

/// Tells of the first of these cells that did not pass, or else of the first.
fn tell_of(meant: &[Arc<CellRecord>], texts: &Texts, chosen: &Choice) {
    let stopped = meant.iter().find(|record| {
        let outcome = record.judgement.outcome();
        outcome.is_some_and(|outcome| outcome.cause != Cause::None)
    });
    if let Some(record) = stopped.or(meant.first()) {
        print_prose(page(record, texts));
        print_prose(others(record, meant, chosen));
    }
}

/// Which other cells were meant, where this is one of several.
fn others(record: &CellRecord, admitted: &[Arc<CellRecord>], chosen: &Choice) -> Page {
    let others = admitted.iter().map(|other| &other.axes);
    let others: Vec<_> = others.filter(|axes| **axes != record.axes).collect();
    let all = match chosen.is_made() {
        true => "cells that match",
        false => "cells",
    };
    match others.len() {
        0 => Page::default(),
        count => Page::from(format!(
            "\nThis is one of {} {all}. For another, give --cell its name:\n  {}\n",
            count + 1,
            names(others.into_iter())
        )),
    }
}

/// Writes the packets that a bundle has of the chosen cells into a folder: what was written, in words.
fn unpacked(bundled: &Bundled, admitted: &[Arc<CellRecord>], folder: &Path) -> Result<Page, Exit> {
    let packets = bundled.packets();
    let is_admitted = |record: &CellRecord| admitted.iter().any(|one| one.axes == record.axes);
    let packets = packets.filter(|(record, _)| is_admitted(record));
    let packets: Vec<(&CellRecord, &[u8])> = packets.collect();
    if packets.is_empty() {
        complain(
            "--capture: the bundle has no packets of these cells",
            Some("an older fwlab wrote it, or there were more packets than a bundle has room for"),
        );
        return Err(Exit::Usage);
    }
    let mut files = PacketFolder::open(folder).map_err(|error| {
        complain(&error, Some(error.help()));
        Exit::Usage
    })?;
    for (record, file) in &packets {
        files.add(record, file).map_err(|error| {
            complain(format!("the packets could not be written: {error}"), None);
            Exit::Lab
        })?;
    }
    let folder = folder.display();
    let cells = match packets.len() {
        1 => "one cell".to_owned(),
        count => format!("{count} cells"),
    };
    Ok(Page::from(format!("\nthe packets of {cells}: {folder}\n")))
}

/// The cells of a report; nothing where the file is none.
fn of_report(file: &Path) -> Result<Option<Vec<Arc<CellRecord>>>, Exit> {
    match read_report(file) {
        Ok(records) => Ok(Some(records)),
        Err(error @ EarlierError::Line { .. }) => {
            complain(one_line(&error), Some(error.help()));
            Err(Exit::Usage)
        }
        // Whoever reads rules says what is wrong with it.
        Err(EarlierError::Unreadable { .. } | EarlierError::Foreign { .. }) => Ok(None),
    }
}

/// Runs the cells of a ruleset.
fn run(arguments: &ExplainArguments) -> Result<(Vec<Arc<CellRecord>>, Sources), Exit> {
    let terms = arguments.terms.terms();
    let subject = telling(|said| Subject::read(&arguments.files, &terms, said))?;
    let loader = ready()?;
    let told = told(&subject, &loader, &terms)?;
    let trial = telling(|said| {
        let classes = subject.classes(&told, &terms, said);
        subject.trial(&classes, &terms, &[], said)
    });
    let Trial { planned, .. } = trial?;
    let sources = Sources::whole(&planned);
    let (settings, how) = (arguments.terms.settings(), &arguments.terms.how);
    let Executed { records, .. } = execute(planned, loader, settings, how)?;
    Ok((records, sources))
}

fn page(record: &CellRecord, texts: &Texts) -> Page {
    let mut page = Page::default();
    let style = console::Style::new().bold();
    page.styled(&style, one_line(&record.axes));
    page.text('\n');
    let terminal = columns(&console::Term::stdout());
    let width = terminal.map_or(120, |columns| columns.clamp(40, 160));
    if !record.evidence.facts.is_empty() {
        for one in timeline(record, width) {
            page.text(format_args!("{}\n", line(&one)));
        }
    }
    match &record.judgement {
        Judgement::Inconclusive { why } | Judgement::Skipped { why } => {
            page.text(format_args!(
                "\n{}: {}\n",
                record.judgement.word(),
                line(why)
            ));
        }
        Judgement::NotRun(not_run) => page.text(format_args!("\nnot run: {}\n", one_line(not_run))),
        _ if record.evidence.facts.is_empty() => {
            page.text("  the record has no evidence; write the report with --evidence all\n");
        }
        _ => {}
    }
    page.text('\n');
    if let Some(outcome) = record.judgement.outcome() {
        let rests = rests_on(outcome.event.as_slice());
        page.text(format_args!("{}{rests}\n", one_line(outcome)));
        // What is no terminal has no width.
        let room = terminal.map_or(usize::MAX, |_| width);
        page.append(&shown(texts.line(record, &outcome.cause), room));
    }
    if let Some(diagnosis) = Diagnosis::of(record) {
        let rests = rests_on(&diagnosis.rests_on);
        page.text(format_args!("{}{rests}\n", line(&diagnosis.why())));
        if let Some(passes) = diagnosis.would_pass() {
            let rests = rests_on(diagnosis.would_pass_rests_on());
            page.text(format_args!("{}{rests}\n", line(&passes)));
        }
    }
    page
}

/// The observations that a sentence rests on, by their numbers in the timeline.
fn rests_on(events: &[EventId]) -> String {
    let numbers: Vec<String> = events.iter().map(|event| event.0.to_string()).collect();
    match numbers.len() {
        0 => String::new(),
        1 => format!(" (event {})", numbers[0]),
        _ => format!(" (events {})", numbers.join(", ")),
    }
}

/// The line that decided, or why it cannot be shown.
fn shown(line: Line, columns: usize) -> Page {
    let mut page = Page::default();
    match line {
        Line::Shown {
            text,
            number,
            heading,
        } => {
            if let Some(heading) = heading {
                page.text(format_args!("  {heading}:\n"));
            }
            for one in excerpt(&text.text, text.first, number, columns) {
                page.text(format_args!("{one}\n"));
            }
        }
        Line::Hidden(why) => page.text(format_args!("  {why}\n")),
        Line::None => {}
    }
    page
}
