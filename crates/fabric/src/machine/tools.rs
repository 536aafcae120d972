use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fwlab_record::{Backend, Family};
use nix::unistd::{AccessFlags, access};

/// An installed tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolProgram {
    /// Its name: `iptables-nft-restore`.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What it says about its version: `1.8.9 (nf_tables)`.
    pub version: Option<String>,
}

/// The tool of that name, in `PATH` or where an ordinary user's `PATH` does not look.
pub fn find_tool(name: &str) -> Option<PathBuf> {
    find_tools(name).next()
}

/// All tools of that name, in this order.
pub(super) fn find_tools(name: &str) -> impl Iterator<Item = PathBuf> {
    const ROOTS_FOLDERS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .chain(ROOTS_FOLDERS.map(PathBuf::from))
        .collect();
    folders
        .into_iter()
        .map(move |folder| folder.join(name))
        .filter(|file| is_program(file))
}

pub(super) fn is_program(file: &Path) -> bool {
    file.is_file() && access(file, AccessFlags::X_OK).is_ok()
}

/// The names of the tools that load and list rules.
pub(super) fn tables_tools(backend: Backend) -> [String; 4] {
    [
        (Family::Ipv4, "restore"),
        (Family::Ipv4, "save"),
        (Family::Ipv6, "restore"),
        (Family::Ipv6, "save"),
    ]
    .map(|(family, verb)| tables_tool(backend, family, verb))
}

/// The name of the tool for a backend, a family and a verb (`restore` or `save`).
pub(super) fn tables_tool(backend: Backend, family: Family, verb: &str) -> String {
    let program = match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    };
    format!("{program}-{backend}-{verb}")
}

/// The version that the tool of that name tells: `1.8.9 (nf_tables)`.
pub fn tool_version(name: &str) -> Option<String> {
    version(&find_tool(name)?)
}

pub(super) fn examine(name: &str) -> Option<ToolProgram> {
    let path = find_tool(name)?;
    Some(ToolProgram {
        version: version(&path),
        name: name.to_owned(),
        path,
    })
}

fn version(path: &Path) -> Option<String> {
    let output = Command::new(path)
        .arg("--version")
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    version_said(&text).map(str::to_owned)
}

/// The part behind the name in `iptables-restore v1.8.9 (nf_tables)`.
pub fn version_said(text: &str) -> Option<&str> {
    let (_, version) = text.lines().next()?.split_once(" v")?;
    Some(version.trim())
}
