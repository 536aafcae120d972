use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, unshare};

use crate::{NodeGone, Privilege};

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

/// Tries settings by dotted name in a network namespace that is thrown away, in order,
/// and tells of each whether a node would take it. `interfaces` are those that the node
/// will have, and the namespace has not: what names one of them is tried on loopback.
///
/// Where this process may not make namespaces, the names alone are looked at.
pub fn try_sysctls(
    settings: &[(String, String)],
    interfaces: &[String],
) -> Vec<Result<(), SysctlError>> {
    let parsed: Vec<Result<(SysctlName, String), SysctlError>> = settings
        .iter()
        .map(|(name, value)| {
            let name = SysctlName::parse(name)?.on_loopback(interfaces);
            Ok((name, value.clone()))
        })
        .collect();
    if Privilege::current().is_err() {
        let known = |setting: Result<(SysctlName, String), SysctlError>| setting?.0.is_known();
        return parsed.into_iter().map(known).collect();
    }
    let tried = std::thread::spawn(move || {
        let in_namespace = unshare(CloneFlags::CLONE_NEWNET).is_ok();
        let write = |setting: Result<(SysctlName, String), SysctlError>| {
            let (name, value) = setting?;
            if !in_namespace {
                return name.is_known();
            }
            match name.write(&value) {
                Err(SysctlError::Unknown(_)) if name.may_come_with_a_module() => Ok(()),
                result => result,
            }
        };
        parsed.into_iter().map(write).collect::<Vec<_>>()
    });
    let tried = tried
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    tried.into_iter().map(of_the_machine).collect()
}

/// What is known here and not in a namespace belongs to the whole machine.
fn of_the_machine(tried: Result<(), SysctlError>) -> Result<(), SysctlError> {
    match tried {
        Err(SysctlError::Unknown(name))
            if SysctlName::parse(&name).is_ok_and(|name| name.file().is_file()) =>
        {
            Err(SysctlError::WholeMachine(name))
        }
        other => other,
    }
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

    /// The same for loopback, where one of its words is one of these interfaces.
    fn on_loopback(mut self, interfaces: &[String]) -> SysctlName {
        let is_one = |word: &std::ffi::OsStr| interfaces.iter().any(|name| word == name.as_str());
        let lo = |word| if is_one(word) { "lo".as_ref() } else { word };
        self.file = self.file.iter().map(lo).collect();
        self
    }

    /// Whether this kernel knows it, as far as can be told from here.
    fn is_known(&self) -> Result<(), SysctlError> {
        if self.file.is_file() || self.may_come_with_a_module() {
            Ok(())
        } else {
            Err(SysctlError::Unknown(self.name.clone()))
        }
    }

    /// Whether it may be there once conntrack is loaded, which is not loaded now.
    fn may_come_with_a_module(&self) -> bool {
        let conntrack = Path::new("/proc/sys/net/netfilter/nf_conntrack_max");
        self.file.starts_with("/proc/sys/net/netfilter") && !conntrack.exists()
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
