use std::path::PathBuf;

use fwlab_scenario::collect::CollectError;
use fwlab_scenario::filter::Filter;
use miette::Diagnostic;

use super::exit::{complain, tell};
use fwlab_record::Exit;

/// The scenarios and the filter that a command line names; `read` is one of [`fwlab_scenario::collect`]'s. `Err`: what is
/// wrong with them was told.
pub(super) fn choice<T>(
    paths: &[PathBuf],
    filter: &[String],
    read: impl Fn(&[PathBuf]) -> Result<Vec<T>, Vec<CollectError>>,
) -> Result<(Vec<T>, Filter), Exit> {
    let filter = filter_of(filter)?;
    let scenarios = read(paths).map_err(|errors| {
        tell(errors.iter().map(|error| error as &dyn Diagnostic));
        Exit::Usage
    })?;
    Ok((scenarios, filter))
}

/// The filter alone. `Err`: what is wrong with it was told.
pub(super) fn filter_of(filter: &[String]) -> Result<Filter, Exit> {
    Filter::parse(filter).map_err(|error| {
        complain(format!("--filter: {error}"), None);
        Exit::Usage
    })
}
