//! Holds ARCHITECTURE.md against the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
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

/// Every file of Rust's in a folder, and in the folders in it.
pub(crate) fn sources(within: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![within.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// What is longer is several things.
#[test]
fn no_file_is_over_500_lines() {
    let files = ["crates", "fuzz"].map(|folder| sources(&root().join(folder)));
    let files = files.concat();
    assert!(files.len() > 500, "{}", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("source is text");
        let lines = text.lines().count();
        assert!(lines <= 500, "{}: {lines} lines", file.display());
    }
}

/// What a crate that is published builds in, as seen from its own folder.
fn built_in(file: &Path, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for name in ["include_str!(", "include_bytes!("] {
        for call in code.split(name).skip(1) {
            let call = call.split(';').next().unwrap_or_default();
            let Some(path) = call.split('"').nth(1) else {
                continue;
            };
            let folder = file.parent().into_iter().flat_map(Path::iter);
            let mut parts: Vec<&str> = folder.filter_map(|part| part.to_str()).collect();
            let mut leaves = false;
            for part in path.split('/') {
                match part {
                    ".." => leaves |= parts.pop().is_none(),
                    part => parts.push(part),
                }
            }
            found.push(match leaves {
                true => format!("outside: {path}"),
                false => parts.join("/"),
            });
        }
    }
    found
}

/// `cargo package` leaves out what a crate's `include` does not name, and nobody could build it.
#[test]
fn a_published_crate_builds_in_only_what_it_is_packaged_with() {
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("it is there");
    let list = manifest
        .split("include = [")
        .nth(1)
        .and_then(|rest| rest.split(']').next());
    let packaged: Vec<&str> = list
        .expect("there is a list")
        .split('"')
        .skip(1)
        .step_by(2)
        .collect();
    let mut seen = 0;
    for package in metadata
        .packages
        .iter()
        .filter(|package| package.publish.is_none())
    {
        let folder = package.manifest_path.parent().expect("a folder");
        for path in sources(folder.join("src").as_std_path()) {
            let text = std::fs::read_to_string(&path).expect("source is text");
            let file = path.strip_prefix(folder).expect("within");
            for built_in in built_in(file, &text) {
                let mut packaged = packaged.iter();
                let is_packaged =
                    packaged.any(|one| built_in.starts_with(one.trim_start_matches('/')));
                assert!(is_packaged, "{}: {built_in}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 5, "{seen} files are built in");
}
