use std::time::Instant;

use fwlab_runner::{Patience, Run, RunSettings};
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Cell, Overrides, cells};
use tokio::runtime::Runtime;

use crate::cells::{prepared, root, run};
use crate::figures::figure;

/// Every scenario of the repository: as a run goes by default, and on the peers' real timers.
pub(crate) fn tree(runtime: &Runtime, patience: Patience) {
    let scenarios = fwlab_scenario::collect::scenarios(&[root().join("scenarios")])
        .expect("the project's own scenarios");
    let settings = match patience {
        Patience::Early => RunSettings::default(),
        Patience::Full => RunSettings {
            jobs: 64,
            patience,
            ..RunSettings::default()
        },
    };
    let started = Instant::now();
    let cells: Vec<Cell> = scenarios
        .iter()
        .flat_map(|scenario| cells(scenario, &Overrides::default(), &Filter::default()))
        .collect();
    let count = run(runtime, &prepared(runtime, cells, settings)).len();
    let settled = runtime.block_on(Run::settle());
    settled.expect("Docker removes what it is asked to");
    let took = started.elapsed().as_secs_f64();
    let how = match patience {
        Patience::Early => "",
        Patience::Full => ", full patience",
    };
    figure(&format!("the scenario tree, {count} cells{how}"), took, "s");
}
