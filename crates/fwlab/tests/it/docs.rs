//! Holds docs/scenario-files.md against the program that it tells of.

use std::path::Path;
use std::process::Command;

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenario-files.md");
    std::fs::read_to_string(page).expect("the page is there")
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).expect("the page has the start");
    let (part, _) = rest.split_once(end).expect("the page has the end");
    part
}

#[test]
fn the_reference_is_what_schema_prints() {
    let printed = Command::new(env!("CARGO_BIN_EXE_fwlab"))
        .arg("schema")
        .output()
        .expect("the command runs");
    assert!(printed.status.success());
    let printed = String::from_utf8(printed.stdout).expect("text");
    let page = page();
    let shown = between(&page, "<!-- fwlab schema -->\n", "<!-- end -->");
    assert!(
        shown == printed,
        "put what `fwlab schema` prints between the page's two markers:\n{printed}"
    );
}

/// Its requirement names a line of the file, so this holds the page's line numbers too.
#[test]
fn the_example_meets_its_requirements() {
    let doctor = Command::new(env!("CARGO_BIN_EXE_fwlab"))
        .arg("doctor")
        .output()
        .expect("the command runs");
    if !doctor.status.success() {
        eprintln!(
            "skipped, the lab does not work here:\n{}",
            String::from_utf8_lossy(&doctor.stdout)
        );
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("web-host.toml");
    std::fs::write(&file, between(&page(), "```toml\n", "```\n")).expect("the file is written");
    let run = Command::new(env!("CARGO_BIN_EXE_fwlab"))
        .arg("run")
        .arg(&file)
        .output()
        .expect("the command runs");
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && told.contains(" met"),
        "{told}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}
