//! Root is not needed, and changes no outcome.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fwlab_fabric::Privilege;
use serde_json::Value;

use crate::support::{Running, as_here, assert_same, lab, peers, report, root, tree};

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp")
        .args(["-a", "--no-preserve=ownership"])
        .args([from, to])
        .status();
    assert!(status.expect("cp is there").success(), "{from:?} is copied");
}

#[test]
fn an_ordinary_user_gets_the_outcomes_that_root_gets() {
    let Some(_lab) = lab() else { return };
    let own = tree();
    if !matches!(Privilege::current(), Ok(Privilege::Root)) {
        eprintln!("this is an ordinary user's run; there is no root to compare with");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    let theirs = folder.path().join("theirs");
    fs::create_dir(&theirs).expect("a folder");
    open(folder.path(), 0o755);
    open(&theirs, 0o777);
    let program = folder.path().join("fwlab");
    fs::copy(env!("CARGO_BIN_EXE_fwlab"), &program).expect("a copy");
    open(&program, 0o755);
    for name in ["scenarios", "lab"] {
        copy(&root().join(name), &folder.path().join(name));
    }

    let mut command = Command::new("setpriv");
    as_here(&mut command);
    if peers().is_dir() {
        copy(&peers(), &folder.path().join("peers"));
        command.env("FWLAB_PEERS", folder.path().join("peers"));
    }
    command
        .current_dir(folder.path())
        .env("TMPDIR", &theirs)
        .env("HOME", "/nonexistent")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&program)
        .args(["run", "scenarios", "--where", "host", "--report"])
        .arg(format!("json={}", theirs.join("report.json").display()));
    // The whole tree, beside whatever else is tested.
    Running::start(&mut command)
        .end(Duration::from_secs(600))
        .with(0);
    let written = fs::metadata(theirs.join("report.json")).expect("the report was written");
    assert_eq!(
        std::os::unix::fs::MetadataExt::uid(&written),
        65534,
        "the run was an ordinary user's"
    );
    let theirs = report(&theirs.join("report.json"));
    // A container's network is root's to give, and only so are these cells another's.
    let in_containers = |name: &str| name.starts_with("containers/");
    for (name, line) in theirs.iter().filter(|(name, _)| in_containers(name)) {
        let why = line["why"].as_str().unwrap_or_default();
        let is_roots = why.contains("only root may give a container its network");
        assert!(line["result"] == "skipped" && is_roots, "{name}: {why}");
    }
    let on_host = |cells: &BTreeMap<String, Value>| {
        let mut cells = cells.clone();
        cells.retain(|name, _| !in_containers(name));
        cells
    };
    assert_same(
        ("root", &on_host(own)),
        ("an ordinary user", &on_host(&theirs)),
    );
}
