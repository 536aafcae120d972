//! A run that is killed at any moment leaves nothing.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::chance::Chance;
use crate::harmless::{Places, assert_gone, stopped};
use crate::support::lab_alone;

const TIMES: usize = 25;

/// From its start, over its proving of rulesets, into its first cells.
const WITHIN: Duration = Duration::from_millis(700);

#[test]
fn a_run_killed_at_any_moment_leaves_nothing() {
    let Some(_alone) = lab_alone() else { return };
    let places = Places::new();
    let mut chance = Chance::new();
    let mut namespaces = 0;
    for _ in 0..TIMES {
        let running = places.start(&["run", "scenarios/seed", "--report", "json=report.json"]);
        std::thread::sleep(chance.moment(WITHIN));
        let traces = stopped(&running);
        namespaces += traces.namespace_count();
        running.signal(Signal::SIGKILL);
        running.end(Duration::from_secs(10));
        assert_gone(&traces);
    }
    places.assert_untouched();
    eprintln!("killed {TIMES} times, {namespaces} namespaces gone");
    assert!(namespaces > TIMES, "it was killed before it had anything");
}
