use std::path::Path;
use std::process::ExitCode;

use fwlab_record::Judgement;
use fwlab_runner::{PeerRegistry, Placement, Run};
use fwlab_scenario::collect::scenarios;
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Cell, Overrides, cells};

use crate::builds::builds;
use crate::complaint::complain;
use crate::harness::{Arguments, Trial, conduct};
use crate::in_place::{failure, prepared};
use crate::lab::block_on;
use fwlab_text::{message, one_line, rendered};

/// Makes the `main` of a test target (`harness = false`) with one test for each cell of the scenarios below a
/// folder, relative to the package. The tests have the cells' names, so that filters find them, under both
/// `cargo test` and nextest.
///
/// ```toml
/// [[test]]
/// name = "scenarios"
/// harness = false
/// ```
/// ```no_run
/// fwlab::scenario_tests!("scenarios");
/// # fn unused() { main(); }
/// ```
#[macro_export]
macro_rules! scenario_tests {
    ($folder:expr) => {
        /// Only the usual harness makes a test of it, which would find no other.
        #[test]
        fn the_harness_is_switched_off() {
            $crate::harness_is_not_switched_off();
        }

        fn main() -> std::process::ExitCode {
            $crate::run_scenario_tests(
                &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join($folder),
            )
        }
    };
}

/// What [`scenario_tests!`](crate::scenario_tests) calls where cargo's own harness runs, which finds none of its tests.
#[doc(hidden)]
pub fn harness_is_not_switched_off() -> ! {
    panic!(
        "`scenario_tests!` brings its own harness, with a test for each cell. Switch off the usual one: write \
         `harness = false` in this test's `[[test]]` in Cargo.toml"
    )
}

/// What [`scenario_tests!`](crate::scenario_tests) calls: the cells below a folder as tests.
pub fn run_scenario_tests(folder: &Path) -> ExitCode {
    let arguments = match Arguments::of_process() {
        Ok(arguments) => arguments,
        Err(why) => {
            complain(&why);
            return ExitCode::from(2);
        }
    };
    fwlab_ftp::silence_failed_handshakes();
    let scenarios = match scenarios(&[folder.to_owned()]) {
        Ok(scenarios) => scenarios,
        Err(errors) => {
            let errors: Vec<String> = errors.iter().map(|error| rendered(error)).collect();
            let trial = Trial {
                name: "scenarios can be read".into(),
                ignored: None,
                run: Box::new(move || Err(errors.join("\n"))),
            };
            return conduct(&arguments, vec![trial]);
        }
    };
    let planned: Vec<Cell> = scenarios
        .iter()
        .flat_map(|scenario| cells(scenario, &Overrides::default(), &Filter::default()))
        .collect();
    let of_cells = planned.clone();
    let registry = block_on(async move {
        let builds = builds();
        PeerRegistry::of_cells(&of_cells, |_| Placement::default(), Some(&builds)).await
    });
    let trials = planned.into_iter().map(|cell| {
        let name = one_line(&cell.axes);
        match Run::skip_reason(&cell, &registry) {
            // A skipped cell stands in the list as an ignored test, with its reason.
            Some(why) => Trial {
                name,
                ignored: Some(one_line(format_args!("skipped: {why}"))),
                // Whoever has ignored tests run all the same is not told that it passed.
                run: Box::new(move || Err(one_line(format_args!("not run: {why}")))),
            },
            None => Trial {
                name,
                ignored: None,
                run: Box::new(move || run(cell)),
            },
        }
    });
    conduct(&arguments, trials.collect())
}

fn run(cell: Cell) -> Result<(), String> {
    let record = block_on(async move {
        let record = prepared(vec![cell]).await?.cell(0).await;
        // This process may end at once.
        Run::cleared().await;
        Ok::<_, String>(record)
    })?;
    if let Judgement::Skipped { why } = &record.judgement {
        return Err(one_line(format_args!("skipped, and not foreseen: {why}")));
    }
    failure(&record).map_or(Ok(()), |why| Err(message(&why)))
}
