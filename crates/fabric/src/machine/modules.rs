use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;

use super::tools::find_tool;
use crate::Privilege;

/// Sees to it, once, that the kernel has xtables, where it comes as a module and this process is
/// root of the machine: the loader, which would ask for it itself, may not load modules in its
/// confinement. Everything else the kernel loads by itself when it is needed.
pub fn need_xtables() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let is_there = |names: &str| Path::new("/proc/net").join(names).exists();
        let all = is_there("ip_tables_names") && is_there("ip6_tables_names");
        if all || !matches!(Privilege::current(), Ok(Privilege::Root)) {
            return;
        }
        let Some(modprobe) = find_tool("modprobe") else {
            return;
        };
        // Where it cannot, the loader tells what it lacks, and the doctor what to do.
        let _ = Command::new(modprobe)
            .args(["-q", "-a", "ip_tables", "ip6_tables"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    });
}
