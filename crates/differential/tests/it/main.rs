//! A few rulesets of a fixed seed, run in ways that must agree.

use fwlab_differential::{Differential, Pace};
use fwlab_runner::Loader;
use fwlab_skipped::{Need, skipped};

/// Rulesets of every role, of both families and languages, most of which stop something; on real timers none
/// of their cells takes more than 13 s.
const RULESETS: [u64; 19] = [
    4, 11, 15, 63, 84, 97, 109, 112, 114, 132, 165, 195, 225, 226, 228, 229, 232, 234, 239,
];

#[test]
fn every_way_of_running_a_ruleset_agrees() {
    let privilege = fwlab_fabric::Privilege::current().map_err(|error| error.to_string());
    let loader = Loader::find().map_err(|error| error.to_string());
    if let Err(why) = privilege.and(loader.map(drop)) {
        skipped(Need::Lab, why);
        return;
    }
    let _ = fwlab_fabric::raise_open_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let pace = Pace {
        early: 16,
        full: 100,
    };
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    let mut differential = Differential::new(1, pace);
    let tally = runtime
        .block_on(differential.go_on(RULESETS, Some(&folder)))
        .expect("what was generated is run");
    assert!(tally.compared() > RULESETS.len() * 4, "{tally}");
    assert_eq!(tally.differences() + tally.unclear(), 0, "{tally}");
}
