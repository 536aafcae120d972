//! Programs and files that only tests use: what `scripts/test-tools` has put below `target/tools`, or this machine has.

use std::path::PathBuf;
use std::process::Command;

use fwlab_skipped::{Need, skipped};

use crate::support::root;

/// Where they are, if they are.
fn tools() -> PathBuf {
    std::env::var_os("FWLAB_TOOLS").map_or_else(|| root().join("target/tools"), PathBuf::from)
}

/// A program that is unpacked, or on this machine: the first of these names that there is. Where there is none, says so.
pub(crate) fn tool(names: &[&str]) -> Option<Command> {
    let below = ["usr/bin", "usr/lib/chromium"];
    let unpacked = names
        .iter()
        .flat_map(|name| below.map(|folder| tools().join(folder).join(name)))
        // Below usr/bin a script can have the name, and leads to what is not unpacked.
        .find(|file| std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF")));
    if let Some(file) = unpacked {
        let mut command = Command::new(file);
        command
            .env("LD_LIBRARY_PATH", libraries())
            .env("WIRESHARK_DATA_DIR", tools().join("usr/share/wireshark"));
        return Some(command);
    }
    let found = names.iter().find_map(|name| fwlab_fabric::find_tool(name));
    if found.is_none() {
        let name = names[0];
        skipped(
            Need::Programs,
            format_args!("there is no {name}; scripts/test-tools unpacks it"),
        );
    }
    found.map(Command::new)
}

/// The folders of unpacked libraries, and one that a library of PulseAudio's looks for in its own way.
fn libraries() -> String {
    let folders = std::fs::read_dir(tools().join("usr/lib"))
        .into_iter()
        .flatten();
    let folders = folders.filter_map(|entry| Some(entry.ok()?.path()));
    let folders = folders.flat_map(|folder| [folder.clone(), folder.join("pulseaudio")]);
    let folders = folders.map(|folder| folder.display().to_string());
    folders.collect::<Vec<_>>().join(":")
}

/// A file that was fetched; where it was not, says so.
pub(crate) fn fetched(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(tools().join(name)).ok();
    if text.is_none() {
        skipped(
            Need::Programs,
            format_args!("there is no {name}; scripts/test-tools fetches it"),
        );
    }
    text
}
