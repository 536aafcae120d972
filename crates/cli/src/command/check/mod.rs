//! `check`: from the rules of a host to a table of who gets through.

mod arguments;
mod by_chance;
mod other_ports;
mod scenario_files;
mod table;

use std::sync::Arc;

use fwlab_check::{
    Subject, Terms, Trial, all_known, all_settled, all_there, everybody, has_server_settings,
};
use fwlab_model::ruleset::Told;
use fwlab_record::{CellRecord, Exit};
use fwlab_runner::Loader;

use super::execute::{Beside, Executed, execute_beside, ready, runtime};
use super::exit::{of_run, print_prose, telling};
use crate::report::{findings, matrix, observed, summary_line};

use by_chance::LeftToChance;
use other_ports::{OtherPorts, says_settled};

pub(super) use arguments::{CheckArguments, CheckTerms, ports};
pub(super) use table::Came;

pub(super) fn check(arguments: &CheckArguments) -> Exit {
    checked(arguments).unwrap_or_else(|exit| exit)
}

fn checked(arguments: &CheckArguments) -> Result<Exit, Exit> {
    let terms = arguments.terms.terms();
    if let Some(file) = &arguments.write_scenario {
        scenario_files::is_free(file)?;
    }
    let subject = telling(|said| Subject::read(&arguments.rules, &terms, said))?;
    let loader = ready()?;
    let told = told(&subject, &loader, &terms)?;
    let classes = telling(|said| subject.classes(&told, &terms, said));
    let Trial { tried, planned } =
        telling(|said| subject.trial(&classes, &terms, &arguments.expect, said))?;
    let written = arguments
        .write_scenario
        .as_ref()
        .map(|file| (file, planned.clone()));
    let cells = planned.clone();
    let settings = arguments.terms.settings();
    let others = OtherPorts {
        planned: &cells,
        loader: &loader,
        settings: &settings,
        is_quiet: arguments.terms.how.quiet,
    };
    let beside = Beside {
        settle: Some(&others),
        ..Beside::default()
    };
    let how = &arguments.terms.how;
    let (executed, _) = execute_beside(planned, loader.clone(), settings.clone(), how, &beside)?;
    let Executed {
        records,
        summary,
        programs,
        about,
    } = executed;
    let records: Vec<&CellRecord> = records.iter().map(Arc::as_ref).collect();
    let (shown, mut labels) = table::merged(&subject.files.name, &tried, &records);
    labels.were_told(
        subject
            .files
            .notes
            .iter()
            .map(|(name, note)| format!("{name}: {note}")),
    );
    let notes = records.iter().flat_map(|record| record.notes.iter());
    labels.were_told(notes.filter(|note| says_settled(note)).cloned());
    if subject.files.is_of_both_backends() {
        labels.of_both_backends();
    }
    let open = LeftToChance::of(&records);
    if !has_server_settings(&subject.files, &terms) {
        telling(|said| open.tell(&subject, said));
    }
    let mut page = labels.heading();
    page.append(&matrix(&shown, &labels));
    page.append(&open.legend());
    page.append(&findings(&shown, &labels));
    if arguments.terms.how.verbose {
        page.append(&observed(&records));
    }
    if let Some(before) = &about.before {
        page.append(&before.page(&records));
    }
    page.text(programs);
    page.append(&summary_line(&summary));
    page.text('\n');
    print_prose(page);
    if let Some((file, planned)) = written {
        scenario_files::write(file, &subject.files.name, &tried, &planned, &records)?;
    }
    let known = telling(|said| all_known(&arguments.expect, &records, said));
    let settled = telling(|said| all_settled(&arguments.expect, &records, said));
    let whole = match arguments.expect.is_empty() {
        true => Ok(()),
        false => telling(|said| all_there(&subject.files.incomplete, &records, said)),
    };
    let everybody = match arguments.expect.is_empty() {
        true => Ok(()),
        false => telling(|said| {
            everybody(
                &classes,
                "for the others, it is not known whether the expectations hold",
                said,
            )
        }),
    };
    Ok(match of_run(&summary) {
        Exit::Good => known
            .and(settled)
            .and(whole)
            .and(everybody)
            .err()
            .unwrap_or(Exit::Good),
        other => other,
    })
}

/// What the rules tell apart, once they are loaded.
pub(super) fn told(subject: &Subject, loader: &Loader, terms: &Terms) -> Result<Vec<Told>, Exit> {
    let runtime = runtime()?;
    telling(|said| runtime.block_on(subject.told(loader, terms, said)))
}
