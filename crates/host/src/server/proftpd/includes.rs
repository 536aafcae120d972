//! What a `proftpd.conf` includes.

use std::collections::BTreeSet;

use crate::host::ServerConfig;
use crate::server::reader::lines;

/// The files that are included: one by its path or its name, those of a directory, or those that fit a pattern.
pub(super) fn included(files: &[ServerConfig], path: &str) -> Vec<usize> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut found: Vec<usize> = (1..files.len())
        .filter(|at| {
            let file = files[*at].file.as_str();
            if file == path || (!name(path).is_empty() && name(file) == name(path)) {
                return true;
            }
            let (folder, pattern) = match path.rsplit_once('/') {
                Some((folder, "")) => (folder, "*"),
                Some((folder, pattern)) if pattern.contains('*') => (folder, pattern),
                _ => (path, "*"),
            };
            let Some((of, own)) = file.rsplit_once('/') else {
                return false;
            };
            let (begin, end) = pattern.split_once('*').unwrap_or((pattern, ""));
            is_folder(of, folder)
                && own.len() >= begin.len() + end.len()
                && own.starts_with(begin)
                && own.ends_with(end)
        })
        .collect();
    found.sort_by(|one, other| files[*one].file.cmp(&files[*other].file));
    found
}

/// Whether a folder is the one that is included, or a copy of it: `conf.d`, `web1/etc/proftpd/conf.d`.
fn is_folder(of: &str, included: &str) -> bool {
    let within = |longer: &str, end: &str| {
        let before = longer.strip_suffix(end);
        before.is_some_and(|before| {
            before.is_empty() || before.ends_with('/') || end.starts_with('/')
        })
    };
    within(of, included) || (!of.is_empty() && within(included, of))
}

/// The first of the files that the main one does not include, whichever section it would stand in.
pub(in crate::server) fn not_included(files: &[ServerConfig]) -> Option<&ServerConfig> {
    let mut reached = BTreeSet::new();
    let mut next = vec![0];
    while let Some(at) = next.pop() {
        if !reached.insert(at) {
            continue;
        }
        for (_, line) in lines(&files[at].text) {
            let line = line.trim();
            let Some((key, path)) = line.split_once(char::is_whitespace) else {
                continue;
            };
            if key.eq_ignore_ascii_case("Include") {
                next.extend(included(files, path.trim().trim_matches('"')));
            }
        }
    }
    let mut others = (0..files.len()).filter(|at| !reached.contains(at));
    others.next().map(|at| &files[at])
}
