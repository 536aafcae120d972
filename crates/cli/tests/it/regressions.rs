//! What every file below scenarios/regressions and scenarios/front-ends must have.

use std::path::Path;

use fwlab::Symptom;
use fwlab_scenario::collect::scenarios;

use crate::support::root;

#[test]
fn every_required_failure_has_its_cause() {
    let folders =
        ["scenarios/regressions", "scenarios/front-ends"].map(|folder| root().join(folder));
    let regressions = scenarios(&folders).expect("they can be read");
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

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let entries = entries.map(|entry| entry.expect("an entry").file_name());
    entries
        .map(|name| name.into_string().expect("text"))
        .collect()
}

/// What `scripts/front-ends` makes is kept, and what is kept is tried.
#[test]
fn every_configuration_of_a_front_end_is_tried() {
    let kept = names(&root().join("lab/rulesets/front-ends"));
    let front_ends = root().join("lab/front-ends");
    for name in names(&front_ends) {
        let folder = front_ends.join(&name);
        let variants = Some(&folder)
            .filter(|folder| folder.is_dir())
            .map(|it| names(it));
        for variant in variants.into_iter().flatten() {
            if folder.join(&variant).is_dir() {
                let stem = format!("{name}-{variant}.");
                assert!(
                    kept.iter().any(|file| file.starts_with(&stem)),
                    "scripts/front-ends {name}-{variant} was not run"
                );
            }
        }
    }
    let tried = root().join("scenarios/front-ends");
    let tried: String = names(&tried)
        .iter()
        .map(|file| std::fs::read_to_string(tried.join(file)).expect("it is text"))
        .collect();
    for file in kept {
        let named = format!("/lab/rulesets/front-ends/{file}\"");
        assert!(tried.contains(&named), "no scenario names {file}");
    }
}
