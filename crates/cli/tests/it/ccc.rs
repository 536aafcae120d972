//! CCC, and what the helper makes of the first line in the clear.

use fwlab::{Cause, Symptom};
use fwlab_record::Judgement;
use fwlab_runner::RunSettings;

use crate::support::{lab, root, run_cells};

/// Without the NOOP of the scenario, the first line in the clear is the announcement itself, and the
/// helper passes over it: it reads a line where it has seen the one before it end. The last byte
/// under TLS may happen to be the end of a line to it, once in 256, and so no scenario can require this.
#[test]
fn ccc_at_once_hides_the_announcement() {
    let Some(_lab) = lab() else { return };
    let path = root().join("scenarios/protection/ccc-after-noop.toml");
    let text = std::fs::read_to_string(path).expect("it is in the tree");
    let (asked, required) = text.split_once("[[require]]").expect("it requires");
    assert!(required.contains("transferred") && asked.contains("NOOP\n200\n"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("at-once.toml");
    std::fs::write(&file, asked.replace("NOOP\n200\n", "")).expect("it can be written");
    let passive = ["data=pasv", "data=epsv"];
    let records = run_cells(
        &[file],
        &Default::default(),
        &passive,
        RunSettings::default(),
    );
    assert_eq!(records.len(), 4, "two setups, two backends");
    let mut blocked = 0;
    for record in &records {
        let Judgement::Reported(outcome) = &record.judgement else {
            panic!("{record:#?}")
        };
        match outcome.symptom {
            Symptom::DataTimeout => {
                assert!(matches!(outcome.cause, Cause::Policy { .. }), "{record:#?}");
                blocked += 1;
            }
            // By that chance.
            Symptom::Transferred => {}
            _ => panic!("{record:#?}"),
        }
    }
    assert!(blocked > 0, "{records:#?}");
}
