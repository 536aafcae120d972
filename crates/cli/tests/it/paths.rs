//! What pages for people name in the repository is there.

use std::path::{Path, PathBuf};

use crate::support::root;

const FOLDERS: [&str; 6] = [
    "crates/",
    "docs/",
    "fuzz/",
    "lab/",
    "scenarios/",
    "scripts/",
];

/// The pages at the top, and those below docs.
fn pages() -> Vec<PathBuf> {
    let root = root();
    let folders = [
        root.to_path_buf(),
        root.join("docs"),
        root.join("docs/design"),
    ];
    let mut pages = Vec::new();
    for folder in folders {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            pages.extend(Some(path).filter(|path| path.extension().is_some_and(|it| it == "md")));
        }
    }
    pages
}

/// The paths of the repository in backquotes: whole ones, without a placeholder (`NAME`, `…`) or anything behind.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split('`').skip(1).step_by(2);
    words.filter(|word| {
        let is_path = FOLDERS.iter().any(|folder| word.starts_with(folder));
        let is_plain = word
            .chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || "/._-".contains(it))
            || word.ends_with("/Dockerfile");
        is_path && is_plain
    })
}

/// Where links of a page lead, other than to the web or within it.
fn linked(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let files = targets.filter_map(|target| target.split('#').next());
    files.filter(|file| !file.is_empty() && !file.contains(':'))
}

#[test]
fn every_file_that_a_page_names_is_there() {
    let mut missing = Vec::new();
    let mut found = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("it is text");
        // What stands between fences is an example, and has backquotes of its own.
        let prose: String = text.split("```").step_by(2).collect();
        let beside = page.parent().unwrap_or(Path::new("."));
        let root = root();
        let named = named(&prose)
            .filter(|word| !word.contains("/NAME"))
            .map(|word| root.join(word));
        let paths: Vec<PathBuf> = named
            .chain(linked(&prose).map(|file| beside.join(file)))
            .collect();
        for path in paths {
            found += 1;
            if !path.exists() {
                missing.push(format!("{}: {}", page.display(), path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(found > 100, "{found} were found: is it looked for them?");
}
