use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::NodeGone;

/// Why a sysctl was not set.
#[derive(Debug, thiserror::Error)]
pub enum SysctlError {
    /// The name is not dotted words below `net`.
    #[error("`{0}` is no sysctl name: dotted words, as in net.ipv4.ip_forward")]
    Malformed(String),
    /// It belongs to the whole machine: a lab never sets it.
    #[error("`{0}` belongs to the whole machine and not to a network namespace")]
    WholeMachine(String),
    /// This kernel has no such name, here or outside.
    #[error("this kernel has no sysctl `{0}`")]
    Unknown(String),
    /// The kernel does not take this value.
    #[error("`{name}` does not take the value `{value}`")]
    Value {
        /// The sysctl.
        name: String,
        /// The value that was refused.
        value: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The node has ended.
    #[error(transparent)]
    Gone(#[from] NodeGone),
}

/// A sysctl's name that has been checked, and its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SysctlName {
    name: String,
    file: PathBuf,
}

/// Whether a dotted name can be a sysctl of a node, as far as the name tells.
///
/// # Errors
/// When it is malformed, or belongs to the whole machine.
pub fn check_sysctl(name: &str) -> Result<(), SysctlError> {
    SysctlName::parse(name).map(drop)
}

impl SysctlName {
    /// Takes a dotted name. In a word, `/` stands for a dot, as in `sysctl(8)`:
    /// `net.ipv4.conf.eth0/100.rp_filter`.
    pub(crate) fn parse(name: &str) -> Result<SysctlName, SysctlError> {
        let words: Vec<String> = name.split('.').map(|word| word.replace('/', ".")).collect();
        let plain = |word: &String| {
            !word.is_empty()
                && word != "."
                && word != ".."
                && word.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if words.len() < 2 || !words.iter().all(plain) {
            return Err(SysctlError::Malformed(name.to_owned()));
        }
        let known_shared = matches!(
            words.last().map(String::as_str),
            Some("nf_conntrack_max" | "nf_conntrack_expect_max" | "nf_conntrack_buckets")
        );
        if words[0] != "net" || known_shared {
            return Err(SysctlError::WholeMachine(name.to_owned()));
        }
        let mut file = PathBuf::from("/proc/sys");
        file.extend(&words);
        Ok(SysctlName {
            name: name.to_owned(),
            file,
        })
    }

    /// Whether one of its words is that interface.
    pub(crate) fn concerns(&self, interface: &str) -> bool {
        self.file.iter().any(|word| word == interface)
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Sets it in the namespace of the calling thread.
    pub(crate) fn write(&self, value: &str) -> Result<(), SysctlError> {
        let result = fs::write(&self.file, value);
        result.map_err(|error| match error.raw_os_error() {
            Some(libc::ENOENT | libc::EISDIR | libc::ENOTDIR) => {
                SysctlError::Unknown(self.name.clone())
            }
            // The kernel shows it here, but a namespace's own root may not write it.
            Some(libc::EACCES | libc::EPERM | libc::EROFS) => {
                SysctlError::WholeMachine(self.name.clone())
            }
            _ => SysctlError::Value {
                name: self.name.clone(),
                value: value.to_owned(),
                source: error,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_in_a_word_is_a_dot() {
        let name = SysctlName::parse("net.ipv4.conf.eth0/100.rp_filter").unwrap();
        assert_eq!(
            name.file(),
            Path::new("/proc/sys/net/ipv4/conf/eth0.100/rp_filter")
        );
        assert!(name.concerns("eth0.100"));
        assert!(!name.concerns("eth0"));
    }

    #[test]
    fn names_that_leave_net_are_refused() {
        for name in [
            "",
            "net",
            "net..x",
            ".net.x",
            "net.//.//.kernel.x",
            "net.x y",
        ] {
            assert!(
                matches!(SysctlName::parse(name), Err(SysctlError::Malformed(_))),
                "{name}"
            );
        }
        for name in [
            "vm.swappiness",
            "kernel.panic",
            "../net.x",
            "net.netfilter.nf_conntrack_max",
            "net.nf_conntrack_max",
            "net.netfilter.nf_conntrack_expect_max",
            "net.netfilter.nf_conntrack_buckets",
        ] {
            assert!(SysctlName::parse(name).is_err(), "{name}");
        }
    }
}
