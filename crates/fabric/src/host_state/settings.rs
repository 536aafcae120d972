use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Every readable value below `/proc/sys/net`, by its path there.
pub(super) fn values() -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    collect(Path::new("/proc/sys/net"), &mut values);
    values
}

fn collect(folder: &Path, values: &mut BTreeMap<String, String>) {
    // The number of tracked connections: it changes with the host's own traffic.
    const COUNTER: &str = "nf_conntrack_count";
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, values);
        } else if !path.ends_with(COUNTER)
            && let Ok(value) = fs::read_to_string(&path)
        {
            values.insert(path.display().to_string(), value.trim().to_owned());
        }
    }
}
