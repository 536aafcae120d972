use std::path::PathBuf;
use std::sync::Arc;

use fwlab_scenario::Scenario;
use fwlab_scenario::collect::scenarios;
use fwlab_scenario::filter::Filter;
use miette::Diagnostic;

use super::exit::{complain, tell};
use fwlab_record::Exit;

/// The scenarios and the filter that a command line names. `Err`: what is wrong with them was told.
pub(super) fn choice(
    paths: &[PathBuf],
    filter: &[String],
) -> Result<(Vec<Arc<Scenario>>, Filter), Exit> {
    let filter = Filter::parse(filter).map_err(|error| {
        complain(format!("--filter: {error}"), None);
        Exit::Usage
    })?;
    let scenarios = scenarios(paths).map_err(|errors| {
        tell(errors.iter().map(|error| error as &dyn Diagnostic));
        Exit::Usage
    })?;
    Ok((scenarios, filter))
}
