//! Holds pages below docs/ against the program that they tell of.

use std::collections::BTreeSet;

use fwlab_ftp::PEERS;

use crate::support::{Ended, end_of, fwlab, lab, root, shared};

fn page() -> String {
    std::fs::read_to_string(root().join("docs/scenario-files.md")).expect("the page is there")
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).expect("the page has the start");
    let (part, _) = rest.split_once(end).expect("the page has the end");
    part
}

#[test]
fn the_reference_is_what_schema_prints() {
    let _started = shared();
    let Ended { stdout, .. } = end_of(fwlab().arg("schema")).with(0);
    let page = page();
    assert!(
        between(&page, "<!-- fwlab schema -->\n", "<!-- end -->") == stdout,
        "put what `fwlab schema` prints between the page's two markers:\n{stdout}"
    );
}

/// Its requirement names a line of the file, so this holds the page's line numbers too.
#[test]
fn the_example_meets_its_requirements() {
    meets_its_requirements("## A first scenario\n");
}

#[test]
fn the_scripted_example_meets_its_requirements() {
    meets_its_requirements("## Scripted peers\n");
}

/// Runs the first scenario below a heading.
fn meets_its_requirements(heading: &str) {
    let Some(_started) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("example.toml");
    let page = page();
    let (_, below) = page.split_once(heading).expect("the page has the heading");
    std::fs::write(&file, between(below, "```toml\n", "```\n")).expect("the file is written");
    let ended = end_of(fwlab().arg("run").arg(&file)).with(0);
    assert!(ended.stdout.contains(" met"), "{}", ended.stdout);
}

/// What is missing of the peers that run on the host, `scripts/prepare` unpacks.
#[test]
fn every_program_that_is_a_peer_is_prepared() {
    let script = std::fs::read_to_string(root().join("scripts/prepare")).expect("it is there");
    let prepared: BTreeSet<&str> = between(&script, "\nprograms=\"", "\"\n")
        .split(' ')
        .collect();
    let known = PEERS.iter().filter_map(|peer| peer.program);
    assert_eq!(prepared, known.map(|program| program.package).collect());
}

/// The list of failures is what the command makes of the scenarios that are there.
#[test]
fn the_failures_by_symptom_are_those_of_the_scenarios() {
    let _started = shared();
    let mut command = fwlab();
    command.args(["list", "--by-symptom", "scenarios/regressions"]);
    let Ended { stdout, .. } = end_of(&mut command).with(0);
    let page = std::fs::read_to_string(root().join("docs/failures-by-symptom.md"));
    assert!(
        page.is_ok_and(|page| page == stdout),
        "write what `fwlab list --by-symptom scenarios/regressions` prints to docs/failures-by-symptom.md"
    );
}

/// The deviations that are told are those that are known.
#[test]
fn the_deviations_are_those_that_are_recorded() {
    let _started = shared();
    let mut command = fwlab();
    let Ended { stdout, .. } = end_of(command.args(["list", "peers", "--deviations"])).with(0);
    let page = std::fs::read_to_string(root().join("docs/peers.md")).expect("the page is there");
    assert!(
        between(
            &page,
            "<!-- fwlab list peers --deviations -->\n",
            "<!-- end -->"
        ) == stdout,
        "put what `fwlab list peers --deviations` prints between the page's two markers:\n{stdout}"
    );
}

/// What the page has its reader write, piece by piece, is the scenario that is there.
#[test]
fn the_regression_that_is_written_is_the_one_that_is_there() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("it is there");
    let page = read("docs/writing-a-regression.md");
    let (_, pieces) = page.split_once("## 3. ").expect("the page has its steps");
    let pieces: Vec<&str> = pieces
        .split("```toml\n")
        .skip(1)
        .map(|rest| between(rest, "", "```\n"))
        .collect();
    assert!(
        pieces.join("\n") == read("scenarios/regressions/srv-reject-hostprohibited.toml"),
        "the page's blocks of TOML are not the file:\n{}",
        pieces.join("\n")
    );
}
