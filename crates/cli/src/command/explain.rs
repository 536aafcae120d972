//! `explain`: one transfer as a timeline, and why it went as it did.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fwlab_check::{Subject, Trial};
use fwlab_explain::{Diagnosis, timeline};
use fwlab_model::ruleset::Source;
use fwlab_record::{Cause, CellRecord, Exit};
use fwlab_scenario::RulesOrigin;
use fwlab_scenario::filter::Filter;
use fwlab_text::{line, one_line};

use super::bundle::{Bundled, is_bundle};
use super::check::{CheckTerms, told};
use super::execute::{Executed, execute, ready};
use super::exit::{complain, print, print_prose, telling};
use crate::report::{EarlierError, PacketFolder, read_report};
use crate::text::{Page, columns};

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The rules, as `fwlab check` takes them; a JSON report written with `--evidence all`; or a bundle written
    /// by `fwlab run --bundle`
    #[arg(required = true, value_name = "RULES|REPORT|BUNDLE")]
    files: Vec<PathBuf>,
    /// Which transfer: words of the cell's name, or axis=word, as in `fwlab run --filter`. Default: the first that
    /// did not pass
    #[arg(long, value_name = "WORDS")]
    cell: Option<String>,
    #[command(flatten)]
    terms: CheckTerms,
}

/// The lines before and after the one that decided.
const AROUND: usize = 2;

pub(super) fn explain(arguments: &ExplainArguments) -> Exit {
    explained(arguments).unwrap_or_else(|exit| exit)
}

fn explained(arguments: &ExplainArguments) -> Result<Exit, Exit> {
    let words: Vec<&String> = arguments.cell.iter().collect();
    let filter = Filter::parse(&words).map_err(|error| {
        complain(format!("--cell: {error}"), None);
        Exit::Usage
    })?;
    let bundled = match &arguments.files[..] {
        [file] if is_bundle(file) => Some(Bundled::read(file)?),
        _ => None,
    };
    let (records, sources) = match (&bundled, &arguments.files[..]) {
        (Some(bundled), _) => (bundled.records.clone(), Vec::new()),
        (None, [file]) => match of_report(file)? {
            Some(records) => (records, Vec::new()),
            None => run(arguments)?,
        },
        (None, _) => run(arguments)?,
    };
    let admitted = records
        .iter()
        .filter(|record| filter.admits(&record.axes, &[]));
    let admitted: Vec<&Arc<CellRecord>> = admitted.collect();
    let stopped = admitted.iter().find(|record| {
        let outcome = record.judgement.outcome();
        outcome.is_some_and(|outcome| outcome.cause != Cause::None)
    });
    let Some(record) = stopped.or(admitted.first()) else {
        complain("there is no such transfer", Some(&names(&records)));
        return Err(Exit::Usage);
    };
    let told = match (&bundled, &arguments.terms.how.capture) {
        (Some(bundled), Some(folder)) => unpacked(bundled, &filter, folder)?,
        _ => Page::default(),
    };
    print_prose(page(record, &sources));
    print(told);
    Ok(Exit::Good)
}

/// Some names of cells, to choose from.
fn names(records: &[Arc<CellRecord>]) -> String {
    let shown = records
        .iter()
        .take(5)
        .map(|record| one_line(&record.axes).to_string());
    let shown = shown.collect::<Vec<_>>().join("\n  ");
    match records.len() {
        0 => "the report has no cells".to_owned(),
        count => format!("{count} cells exist, for example\n  {shown}"),
    }
}

/// Writes the packets that a bundle has of the chosen cells into a folder: what was written, in words.
fn unpacked(bundled: &Bundled, filter: &Filter, folder: &Path) -> Result<Page, Exit> {
    let packets = bundled.packets();
    let packets = packets.filter(|(record, _)| filter.admits(&record.axes, &[]));
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
fn run(arguments: &ExplainArguments) -> Result<(Vec<Arc<CellRecord>>, Vec<Source>), Exit> {
    let terms = arguments.terms.terms();
    let subject = telling(|said| Subject::read(&arguments.files, &terms, said))?;
    let loader = ready()?;
    let told = told(&subject, &loader, &terms)?;
    let trial = telling(|said| {
        let classes = subject.classes(&told, &terms, said);
        subject.trial(&classes, &terms, &[], said)
    });
    let Trial { planned, .. } = trial?;
    let (settings, how) = (arguments.terms.settings(), &arguments.terms.how);
    let Executed { records, .. } = execute(planned, loader, settings, how)?;
    let files = &subject.files;
    let mut sources: Vec<Source> = match &files.origin {
        RulesOrigin::Written(source) => vec![source.clone()],
        _ => Vec::new(),
    };
    sources.extend(files.ipv6.clone());
    sources.extend(files.beside.iter().map(|(_, source)| source.clone()));
    Ok((records, sources))
}

fn page(record: &CellRecord, sources: &[Source]) -> Page {
    let mut page = Page::default();
    let style = console::Style::new().bold();
    page.styled(&style, one_line(&record.axes));
    page.text('\n');
    let width = columns(&console::Term::stdout()).map_or(120, |columns| columns.clamp(40, 160));
    let told = timeline(record, width);
    for one in &told {
        page.text(format_args!("{}\n", line(one)));
    }
    if told.len() <= 1 {
        page.text("  the record has no evidence; write the report with --evidence all\n");
    }
    page.text('\n');
    if let Some(outcome) = record.judgement.outcome() {
        page.text(format_args!("{}\n", one_line(outcome)));
        if let Some((source, number)) = place(&outcome.cause, sources) {
            excerpt(&mut page, source, number);
        }
    }
    if let Some(diagnosis) = Diagnosis::of(record) {
        let events: Vec<String> = diagnosis
            .rests_on
            .iter()
            .map(|event| event.0.to_string())
            .collect();
        let rests = match events.is_empty() {
            true => String::new(),
            false => format!(" (events {})", events.join(", ")),
        };
        page.text(format_args!("{}{rests}\n", line(&diagnosis.why())));
        if let Some(passes) = diagnosis.would_pass() {
            page.text(format_args!("{}\n", line(&passes)));
        }
    }
    page
}

/// The source that a cause's line is of, where it is one of these alone.
fn place<'a>(cause: &Cause, sources: &'a [Source]) -> Option<(&'a Source, u32)> {
    let number = match cause {
        Cause::Rule { source_line, .. } | Cause::Policy { source_line, .. } => (*source_line)?,
        _ => return None,
    };
    let has = |source: &&Source| {
        let lines = source.text.iter().filter(|byte| **byte == b'\n').count();
        let begins = source.begins.0.max(1);
        let lines = u32::try_from(lines).unwrap_or(u32::MAX);
        (begins..=begins.saturating_add(lines)).contains(&number)
    };
    let mut found = sources.iter().filter(has);
    let source = found.next()?;
    found.next().is_none().then_some((source, number))
}

/// The line that decided, among its neighbours.
fn excerpt(page: &mut Page, source: &Source, number: u32) {
    let begins = source.begins.0.max(1);
    let at = (number - begins) as usize;
    let text = String::from_utf8_lossy(&source.text);
    let lines = text.lines().zip(begins..).enumerate();
    let near = lines.filter(|(place, _)| place.abs_diff(at) <= AROUND);
    for (place, (text, number)) in near {
        let mark = if place == at { '▶' } else { ' ' };
        page.text(format_args!("  {mark} {number:5} │ {}\n", line(text)));
    }
}
