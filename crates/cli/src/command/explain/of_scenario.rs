//! One cell of a scenario file, run to be explained.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fwlab_record::{Axes, CellRecord, Exit};
use fwlab_scenario::collect::scenarios;
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Cell, Overrides};

use super::ExplainArguments;
use super::choice::{Choice, names};
use crate::command::choice::choice;
use crate::command::execute::{Executed, execute, ready};
use crate::command::exit::complain;
use crate::command::run::{idle, plan};
use crate::report::Sources;

/// Whether a path is that of a scenario.
pub(super) fn is_scenario(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "toml")
}

/// Runs the cell that is meant.
pub(super) fn run(
    file: &PathBuf,
    arguments: &ExplainArguments,
    chosen: &Choice,
) -> Result<(Arc<CellRecord>, Sources), Exit> {
    let terms = arguments.terms.of_scenario().map_err(|option| {
        complain(
            format!(
                "{option}: {} is a scenario, which itself says where its rules stand and how its server is set up",
                file.display()
            ),
            Some(&format!("leave {option} out, or change the scenario")),
        );
        Exit::Usage
    })?;
    let (scenarios, _) = choice(std::slice::from_ref(file), &[], scenarios)?;
    idle(&scenarios)?;
    let overrides = Overrides {
        backends: terms.backends,
        servers: terms.servers,
        clients: terms.clients,
    };
    let mut planned = plan(&scenarios, &overrides, &Filter::default())?;
    planned.retain(|Cell { axes, .. }| {
        let Axes {
            data,
            protection,
            family,
            ..
        } = axes;
        (terms.data.is_empty() || terms.data.contains(data))
            && (terms.protections.is_empty() || terms.protections.contains(protection))
            && (terms.families.is_empty() || terms.families.contains(family))
    });
    let planned = chosen.among(planned, |cell| (&cell.axes, &cell.scenario.tags))?;
    if planned.len() > 1 {
        several(file, chosen, &planned);
        return Err(Exit::Usage);
    }
    let sources = Sources::whole(&planned);
    let (settings, how) = (arguments.terms.settings(), &arguments.terms.how);
    let Executed { records, .. } = execute(planned, ready()?, settings, how)?;
    let record = records.into_iter().next().ok_or(Exit::Lab)?;
    Ok((record, sources))
}

/// Says that one cell is to be chosen, and among which.
fn several(file: &Path, chosen: &Choice, planned: &[Cell]) {
    let (file, count) = (file.display(), planned.len());
    let what = match chosen.is_made() {
        true => format!("{count} cells of {file} match --cell, and one is explained"),
        false => format!("{file} has {count} cells, and one is explained"),
    };
    let names = names(planned.iter().map(|cell| &cell.axes));
    complain(
        what,
        Some(&format!(
            "choose one with --cell, by its name or by words of it that no other has:\n  {names}"
        )),
    );
}
