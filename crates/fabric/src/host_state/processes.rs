use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// This process's children, their children and so on, also those that have ended and
/// were not reaped.
pub(super) fn descendants() -> BTreeSet<String> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|n| n.parse::<u32>().ok())
        else {
            continue;
        };
        // It may have ended since its name was read.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        if let Some((name, parent)) = name_and_parent(&stat) {
            parents.insert(pid, (parent, name.to_owned()));
        }
    }
    let own = std::process::id();
    let is_descendant = |mut pid: u32| {
        while let Some((parent, _)) = parents.get(&pid) {
            if *parent == own {
                return true;
            }
            pid = *parent;
        }
        false
    };
    parents
        .iter()
        .filter(|(pid, _)| is_descendant(**pid))
        .map(|(pid, (_, name))| format!("{pid} {name}"))
        .collect()
}

/// From `PID (NAME) STATE PARENT …`; a name may hold blanks and brackets.
fn name_and_parent(stat: &str) -> Option<(&str, u32)> {
    let (head, tail) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    Some((name, tail.split_whitespace().nth(1)?.parse().ok()?))
}

/// The namespaces that somebody gave a name (`ip netns add`).
pub(super) fn named_namespaces() -> BTreeSet<String> {
    fs::read_dir("/run/netns")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// What is mounted, in the mount namespace of the calling thread.
pub(super) fn mounts() -> BTreeSet<String> {
    let mounts = fs::read_to_string("/proc/thread-self/mountinfo").unwrap_or_default();
    mounts.lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_be_named_anything() {
        assert_eq!(
            name_and_parent("12 (a) b (c)) S 7 12 12 0"),
            Some(("a) b (c)", 7))
        );
        assert_eq!(name_and_parent("12"), None);
    }
}
