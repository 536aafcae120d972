//! `diff`: which transfers another ruleset changes.

mod hosts;
mod page;
mod pairs;
mod reports;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fwlab_check::{Expectation, Subject, Trial, everybody};
use fwlab_record::{CellRecord, Exit};

use super::check::{CheckTerms, told};
use super::execute::{Executed, execute, ready};
use super::exit::{print_prose, telling};
use pairs::Compared;

#[derive(Debug, Args)]
pub(super) struct DiffArguments {
    /// The old rules: a file, as `fwlab check` reads it, a captured host, or a folder of one host's files. Or a
    /// JSON report of a run, compared with another one without running anything
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new rules, or the new report
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// A change that you intend: what a transfer may change to, such as 'passive passes' or 'explicit/port blocked'. Can
    /// be given several times. The exit code is 1 if any other transfer changes
    #[arg(long, value_name = "CHANGE")]
    allow: Vec<Expectation>,
    #[command(flatten)]
    terms: CheckTerms,
}

pub(super) fn diff(arguments: &DiffArguments) -> Exit {
    compared(arguments).unwrap_or_else(|exit| exit)
}

fn compared(arguments: &DiffArguments) -> Result<Exit, Exit> {
    if let Some(exit) = reports::of_reports(arguments)? {
        return Ok(exit);
    }
    let terms = &arguments.terms.terms();
    let [old, new] = hosts::read(&arguments.old, &arguments.new, terms)?;
    let loader = ready()?;
    let both = [told(&old, &loader, terms)?, told(&new, &loader, terms)?];
    let classes = telling(|said| Subject::classes_of_both(&old, &new, &both, terms, said));
    let trial = |of: &Subject| telling(|said| of.trial(&classes, terms, &[], said));
    let trials = [trial(&old)?, trial(&new)?];
    let [Trial { tried, mut planned }, after] = trials;
    let cells = planned.len();
    planned.extend(after.planned);
    let Executed {
        records,
        summary,
        programs,
        ..
    } = execute(
        planned,
        loader,
        arguments.terms.settings(),
        &arguments.terms.how,
    )?;
    let records: Vec<&CellRecord> = records.iter().map(Arc::as_ref).collect();
    let (before, since) = records.split_at(cells);
    let compared = Compared::of((&tried, before), (&after.tried, since), &arguments.allow);
    print_prose(page::page([&old, &new], &compared, programs, &summary));
    Ok(match compared.exit() {
        Exit::Good => telling(|said| {
            everybody(
                &classes,
                "it is not known whether a transfer of the others changes",
                said,
            )
        })
        .err()
        .unwrap_or(Exit::Good),
        other => other,
    })
}
