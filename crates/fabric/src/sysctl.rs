use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::sys;
use crate::{NodeGone, Privilege};

/// Why a sysctl was not set.
#[derive(Debug, thiserror::Error)]
pub enum SysctlError {
    /// The name is not dotted words below `net`.
    #[error("`{0}` is not a sysctl name: dotted words such as net.ipv4.ip_forward")]
    Malformed(String),
    /// It belongs to the whole machine, or is not known not to: a lab never sets it.
    #[error(
        "`{0}` belongs to the whole machine, or is not known to belong to a single network namespace: a lab does \
         not set it"
    )]
    WholeMachine(String),
    /// `/proc/sys` is read-only here, as it is in most containers.
    #[error("/proc/sys is read-only here: `fwlab doctor` says what to do")]
    ReadOnly,
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

/// The settings that are known to belong to a network namespace, each of them or all that
/// begin so. What else a namespace shows may be the machine's own, as
/// `net.netfilter.nf_hooks_lwtunnel` is.
const OF_A_NAMESPACE: [&str; 13] = [
    "net.bridge.bridge-nf-",
    "net.core.optmem_max",
    "net.core.somaxconn",
    "net.core.tstamp_allow_data",
    "net.core.txrehash",
    "net.core.xfrm_",
    "net.ipv4.",
    "net.ipv6.",
    "net.mptcp.",
    "net.netfilter.nf_conntrack_",
    "net.netfilter.nf_flowtable_",
    "net.sctp.",
    "net.unix.max_dgram_qlen",
];

/// Of those, what the whole machine has in common; a namespace shows it, to be read.
const OF_THE_MACHINE: [&str; 3] = [
    "nf_conntrack_max",
    "nf_conntrack_expect_max",
    "nf_conntrack_buckets",
];

/// Whether a setting of that name may belong to a network namespace: the name alone is looked
/// at, and nothing is read or written.
///
/// # Errors
/// When it is malformed, or is not known to belong to one.
pub fn check_sysctl(name: &str) -> Result<(), SysctlError> {
    SysctlName::parse(name).map(drop)
}

/// Tries settings by dotted name in a network namespace that is thrown away, in order,
/// and tells of each whether a node would take it. The namespace belongs to a user namespace
/// that is thrown away with it, so that the kernel lets nothing be written that is not the
/// namespace's own; and whether it was not is seen by the machine's own value.
/// `interfaces` are those that the node will have, and the namespace has not: what names one
/// of them is tried on loopback.
///
/// Where this process may not make namespaces, the names alone are looked at.
pub fn try_sysctls(
    settings: &[(String, String)],
    interfaces: &[String],
) -> Vec<Result<(), SysctlError>> {
    let parsed: Vec<Result<(SysctlName, &String), SysctlError>> = settings
        .iter()
        .map(|(name, value)| {
            let name = SysctlName::parse(name)?.on_loopback(interfaces);
            Ok((name, value))
        })
        .collect();
    let names = parsed.iter().flatten();
    let outside: Vec<Option<String>> = names.clone().map(|(name, _)| name.read()).collect();
    let files = names.clone().map(|(name, value)| (name.file(), *value));
    let tried = match Privilege::current() {
        Ok(_) => sys::try_writes(files),
        Err(_) => None,
    };
    let changed: Vec<bool> = names
        .zip(&outside)
        .map(|((name, _), before)| name.put_back(before.as_deref()))
        .collect();
    let mut tried = tried.map(|tried| tried.into_iter().zip(changed));
    let told = |setting: Result<(SysctlName, &String), SysctlError>| {
        let (name, value) = setting?;
        match tried.as_mut().and_then(Iterator::next) {
            Some((_, true)) => Err(SysctlError::WholeMachine(name.name)),
            Some((Err(error), false)) => match name.refused(value, error) {
                SysctlError::Unknown(_) if name.may_come_with_a_module() => Ok(()),
                // Known here, and not there.
                SysctlError::Unknown(unknown) if name.file().is_file() => {
                    Err(SysctlError::WholeMachine(unknown))
                }
                refused => Err(refused),
            },
            Some((Ok(()), false)) => Ok(()),
            None => name.is_known(),
        }
    };
    parsed.into_iter().map(told).collect()
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
        let known = OF_A_NAMESPACE
            .iter()
            .any(|known| match known.strip_suffix(['.', '-', '_']) {
                Some(_) => name.starts_with(known),
                None => name == *known,
            });
        let shared = words
            .last()
            .is_some_and(|last| OF_THE_MACHINE.contains(&last.as_str()));
        if !known || shared {
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
        fs::write(&self.file, value).map_err(|error| self.refused(value, error))
    }

    fn refused(&self, value: &str, error: io::Error) -> SysctlError {
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::EISDIR | libc::ENOTDIR) => {
                SysctlError::Unknown(self.name.clone())
            }
            // The kernel shows it here, but a namespace's own root may not write it.
            Some(libc::EACCES | libc::EPERM) => SysctlError::WholeMachine(self.name.clone()),
            Some(libc::EROFS) => SysctlError::ReadOnly,
            _ => SysctlError::Value {
                name: self.name.clone(),
                value: value.to_owned(),
                source: error,
            },
        }
    }

    /// What it is set to in the namespace of the calling thread.
    pub(crate) fn read(&self) -> Option<String> {
        fs::read_to_string(&self.file).ok()
    }

    /// Sees to it that it is what it was, and tells whether it was not.
    fn put_back(&self, before: Option<&str>) -> bool {
        let Some(before) = before else { return false };
        if self.read().is_none_or(|now| now == before) {
            return false;
        }
        // Where the kernel takes it: some can only be set one way.
        let _ = fs::write(&self.file, before);
        true
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
            "net.netfilter.nf_hooks_lwtunnel",
            "net.netfilter.nf_log.2",
            "net.core.somaxconn2",
            "net.ipv4",
        ] {
            assert!(SysctlName::parse(name).is_err(), "{name}");
        }
    }
}
