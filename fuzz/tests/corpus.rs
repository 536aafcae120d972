//! Every input of the corpus, once through its target: what was found once stays found.

use std::fs;
use std::path::{Path, PathBuf};

use fwlab_fuzz::TARGETS;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn inputs_in(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    inputs.sort();
    inputs
}

#[test]
fn every_input_of_the_corpus_is_read_as_it_must() {
    for (name, target) in TARGETS {
        let inputs = inputs_in(&here().join("corpus").join(name));
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            let bytes = fs::read(&input).expect("a file");
            let read = std::panic::catch_unwind(|| target(&bytes));
            assert!(
                read.is_ok(),
                "{name}: {} (see above for why); alone: cargo fuzz run {name} {}",
                input.display(),
                input.display()
            );
        }
    }
}

/// A target that only exists by half is not run.
#[test]
fn every_target_is_in_the_manifest_the_table_and_the_corpus() {
    let manifest = fs::read_to_string(here().join("Cargo.toml")).expect("a manifest");
    for (name, _) in TARGETS {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
        assert!(
            here().join(format!("fuzz_targets/{name}.rs")).is_file(),
            "{name}"
        );
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    assert_eq!(inputs_in(&here().join("corpus")).len(), TARGETS.len());
}
