//! Holds ARCHITECTURE.md against the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The words in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_map_is_the_workspace() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page is there");
    let mut mapped: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with("| `fwlab")) {
        let columns: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let names: Vec<&str> = quoted(columns[0]).collect();
        let uses = quoted(columns[2]).map(str::to_owned).collect();
        mapped.insert(names[0].to_owned(), (names[1].to_owned(), uses));
    }
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let members: BTreeSet<&str> = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut real = BTreeMap::new();
    for package in &metadata.packages {
        let folder = package
            .manifest_path
            .parent()
            .expect("a manifest is in a folder");
        let folder = folder
            .strip_prefix(&metadata.workspace_root)
            .expect("inside the workspace")
            .to_string();
        let uses = package
            .dependencies
            .iter()
            .filter(|dependency| {
                dependency.kind == DependencyKind::Normal
                    && members.contains(dependency.name.as_str())
            })
            .map(|dependency| dependency.name.clone())
            .collect::<BTreeSet<String>>();
        real.insert(package.name.to_string(), (folder, uses));
    }
    assert_eq!(mapped, real, "left: ARCHITECTURE.md, right: cargo metadata");
}

/// Whoever tests a ruleset builds all that the library depends on.
#[test]
fn the_library_stays_light() {
    let tree = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["tree", "--offline", "--locked", "--package", "fwlab"])
        .args(["--edges", "normal", "--prefix", "none", "--no-dedupe"])
        .args(["--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8(tree.stdout).expect("cargo writes UTF-8");
    let packages: BTreeSet<&str> = tree.lines().collect();
    assert!((50..=150).contains(&packages.len()), "{}", packages.len());
    let of_the_command = [
        "clap",
        "indicatif",
        "owo-colors",
        "quick-junit",
        "schemars",
        "testcontainers",
    ];
    let heavy: Vec<&str> = packages
        .iter()
        .filter_map(|package| package.split(' ').next())
        .filter(|name| of_the_command.contains(name))
        .collect();
    assert!(heavy.is_empty(), "only the command needs {heavy:?}");
}

#[test]
fn every_folder_at_the_top_is_on_the_page() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page is there");
    for folder in ["fuzz", "lab", "scenarios", "scripts", "docs"] {
        assert!(
            root().join(folder).is_dir(),
            "{folder} is on the page and not in the tree"
        );
        assert!(
            quoted(&page).any(|word| word.split('/').next() == Some(folder)),
            "{folder} is not on the page"
        );
    }
}
