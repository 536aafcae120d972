//! `check`: from the rules of a host to a table of who gets through.

mod alike;
mod arguments;
mod captured;
mod expectation;
mod forwarded;
mod host_files;
mod peers;
mod question;
mod server_files;
mod serving;
mod subject;
mod table;

use std::sync::Arc;

use fwlab_record::{CellRecord, Exit};

use super::execute::{Executed, execute, ready};
use super::exit::{of_run, print};
use crate::report::{findings, matrix, summary_line};

pub(super) use arguments::{CheckArguments, Terms};
pub(super) use expectation::Expectation;
pub(super) use host_files::{HostFiles, read as read_files};
pub(super) use peers::everybody;
pub(super) use subject::{Subject, Trial};
pub(super) use table::{Came, Tried, described, grouped};

pub(super) fn check(arguments: &CheckArguments) -> Exit {
    checked(arguments).unwrap_or_else(|exit| exit)
}

fn checked(arguments: &CheckArguments) -> Result<Exit, Exit> {
    let terms = &arguments.terms;
    let subject = Subject::read(&arguments.rules, terms)?;
    let loader = ready()?;
    let told = subject.told(&loader, terms)?;
    let classes = subject.classes(&told, terms);
    let Trial { tried, planned } = subject.trial(&classes, terms, &arguments.expect)?;
    let Executed {
        records,
        summary,
        programs,
    } = execute(planned, loader, terms.settings(), &terms.how)?;
    let records: Vec<&CellRecord> = records.iter().map(Arc::as_ref).collect();
    let (shown, labels) = table::merged(&subject.files.name, &tried, &records);
    let mut page = labels.heading();
    page.append(&matrix(&shown, &labels));
    page.append(&findings(&shown, &labels));
    page.text(programs);
    page.append(&summary_line(&summary));
    page.text('\n');
    print(page);
    let known = expectation::all_known(&arguments.expect, &records);
    let settled = expectation::all_settled(&arguments.expect, &records);
    let everybody = match arguments.expect.is_empty() {
        true => Ok(()),
        false => peers::everybody(&classes, "what is expected is not known of the others"),
    };
    Ok(match of_run(&summary) {
        Exit::Good => known
            .and(settled)
            .and(everybody)
            .err()
            .unwrap_or(Exit::Good),
        other => other,
    })
}
