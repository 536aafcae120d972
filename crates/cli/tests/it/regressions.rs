//! What every file below scenarios/regressions must have.

use fwlab::Symptom;
use fwlab_scenario::collect::scenarios;

use crate::support::root;

#[test]
fn every_required_failure_has_its_cause() {
    let regressions = scenarios(&[root().join("scenarios/regressions")]).expect("they can be read");
    assert!(regressions.len() > 30, "{}", regressions.len());
    for scenario in regressions {
        for requirement in &scenario.requirements {
            let has_cause = requirement.cause.is_some();
            assert!(
                has_cause || requirement.symptom == Symptom::Transferred,
                "{}: `{requirement}` says not why",
                scenario.name
            );
        }
    }
}
