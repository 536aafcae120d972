use std::fmt;
use std::fs;
use std::io;
use std::sync::LazyLock;

use crate::sys::{Entry, Stage, entry};

/// By what right this process makes namespaces and links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// It is root of the machine (or of what the machine's owner made root).
    Root,
    /// It is root of a user namespace, and an ordinary user outside.
    UserNamespace,
}

/// The known ways in which a machine keeps a process from making namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShutDoor {
    /// `user.max_user_namespaces` is 0.
    NoUserNamespaces,
    /// `kernel.unprivileged_userns_clone` is 0 (older Debian).
    UnprivilegedClone,
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1 (Ubuntu 23.10 and later).
    AppArmor,
    /// A seccomp filter forbids it, as most container runtimes' filters do.
    Seccomp,
    /// Root, but without these capabilities, as in a container.
    Capabilities(Vec<&'static str>),
    /// `FWLAB_USER_NAMESPACE=off` is set.
    SwitchedOff,
    /// Something started a thread before this process could enter a user namespace.
    Threads,
    /// The program's file is not readable by the user who runs it, so that its
    /// process's id maps are not writable.
    UnreadableProgram,
    /// None of the above; the errors's source is all that is known.
    Unknown,
}

impl fmt::Display for ShutDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShutDoor::NoUserNamespaces => f.write_str("user.max_user_namespaces is 0"),
            ShutDoor::UnprivilegedClone => f.write_str("kernel.unprivileged_userns_clone is 0"),
            ShutDoor::AppArmor => f.write_str("kernel.apparmor_restrict_unprivileged_userns is 1"),
            ShutDoor::Seccomp => f.write_str("a seccomp filter forbids user namespaces"),
            ShutDoor::Capabilities(missing) => {
                write!(f, "root lacks {}", missing.join(" and "))
            }
            ShutDoor::SwitchedOff => f.write_str("FWLAB_USER_NAMESPACE=off is set"),
            ShutDoor::Threads => f.write_str("the process had threads before its start-up code"),
            ShutDoor::UnreadableProgram => {
                f.write_str("the program's file is not readable by this user")
            }
            ShutDoor::Unknown => f.write_str("the kernel refused a user namespace"),
        }
    }
}

/// This process may not make namespaces.
#[derive(Debug, thiserror::Error)]
#[error("no privilege to make network namespaces: {door}")]
pub struct PrivilegeError {
    /// What stands in the way.
    pub door: ShutDoor,
    /// What to do about it: one command, or one sentence.
    pub help: String,
    /// The kernel's answer, where it was asked.
    pub source: Option<io::Error>,
}

impl Privilege {
    /// The right that this process has.
    pub fn current() -> Result<Privilege, PrivilegeError> {
        // What this process has it has from before `main` on.
        static MACHINE: LazyLock<Facts> = LazyLock::new(Facts::read);
        let privilege = judge(entry(), &MACHINE);
        privilege.map_err(|(door, errno)| PrivilegeError {
            help: help(&door),
            source: errno.map(io::Error::from_raw_os_error),
            door,
        })
    }
}

/// What the judgement rests on, read from `/proc`.
#[derive(Debug, Default, Clone)]
struct Facts {
    max_user_namespaces: Option<String>,
    unprivileged_userns_clone: Option<String>,
    apparmor_restricts: Option<String>,
    seccomp: bool,
    effective: u64,
    whole_id_map: bool,
    program_readable: bool,
}

impl Facts {
    fn read() -> Facts {
        let value = |path: &str| Some(fs::read_to_string(path).ok()?.trim().to_owned());
        let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim_start_matches(':').trim())
        };
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        Facts {
            max_user_namespaces: value("/proc/sys/user/max_user_namespaces"),
            unprivileged_userns_clone: value("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor_restricts: value("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            seccomp: field("Seccomp").is_some_and(|mode| mode != "0"),
            effective: field("CapEff")
                .and_then(|hex| u64::from_str_radix(hex, 16).ok())
                .unwrap_or(0),
            whole_id_map: map.split_whitespace().eq(["0", "0", "4294967295"]),
            program_readable: fs::File::open("/proc/self/exe").is_ok(),
        }
    }
}

type Judgement = Result<Privilege, (ShutDoor, Option<i32>)>;

fn judge(entry: Entry, facts: &Facts) -> Judgement {
    const NEEDED: [(&str, u32); 2] = [("CAP_NET_ADMIN", 12), ("CAP_SYS_ADMIN", 21)];
    let is_zero = |value: &Option<String>| value.as_deref() == Some("0");
    match entry {
        Entry::SwitchedOff => Err((ShutDoor::SwitchedOff, None)),
        Entry::AlreadyRoot | Entry::Entered => {
            let missing: Vec<_> = NEEDED
                .iter()
                .filter(|(_, bit)| facts.effective & (1 << bit) == 0)
                .map(|(name, _)| *name)
                .collect();
            if missing.is_empty() {
                Ok(if facts.whole_id_map {
                    Privilege::Root
                } else {
                    Privilege::UserNamespace
                })
            } else if entry == Entry::Entered && facts.apparmor_restricts.as_deref() == Some("1") {
                Err((ShutDoor::AppArmor, None))
            } else {
                Err((ShutDoor::Capabilities(missing), None))
            }
        }
        Entry::Failed(stage, errno) => {
            let door = if is_zero(&facts.max_user_namespaces) {
                ShutDoor::NoUserNamespaces
            } else if is_zero(&facts.unprivileged_userns_clone) {
                ShutDoor::UnprivilegedClone
            } else if facts.apparmor_restricts.as_deref() == Some("1") {
                ShutDoor::AppArmor
            } else if stage == Stage::Map && !facts.program_readable {
                ShutDoor::UnreadableProgram
            } else if stage == Stage::Unshare && errno == libc::EINVAL {
                ShutDoor::Threads
            } else if facts.seccomp {
                ShutDoor::Seccomp
            } else {
                ShutDoor::Unknown
            };
            Err((door, Some(errno)))
        }
    }
}

fn help(door: &ShutDoor) -> String {
    let help = match door {
        ShutDoor::NoUserNamespaces => "sudo sysctl -w user.max_user_namespaces=15000",
        ShutDoor::UnprivilegedClone => "sudo sysctl -w kernel.unprivileged_userns_clone=1",
        ShutDoor::AppArmor => "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ShutDoor::Seccomp => {
            "docker run --cap-add NET_ADMIN --cap-add SYS_ADMIN --security-opt seccomp=unconfined \
             --security-opt apparmor=unconfined --security-opt systempaths=unconfined …"
        }
        ShutDoor::Capabilities(_) => {
            "docker run --cap-add NET_ADMIN --cap-add SYS_ADMIN --security-opt apparmor=unconfined \
             --security-opt systempaths=unconfined …"
        }
        ShutDoor::SwitchedOff => "unset FWLAB_USER_NAMESPACE",
        ShutDoor::Threads => "unset LD_PRELOAD",
        ShutDoor::UnreadableProgram => "make the program's file readable: chmod a+r …",
        ShutDoor::Unknown => "run as root: sudo …",
    };
    help.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u64 = u64::MAX;

    fn facts() -> Facts {
        Facts {
            max_user_namespaces: Some("96365".into()),
            effective: ALL,
            whole_id_map: true,
            program_readable: true,
            ..Facts::default()
        }
    }

    fn door(entry: Entry, facts: &Facts) -> ShutDoor {
        judge(entry, facts).unwrap_err().0
    }

    #[test]
    fn root_is_told_from_root_of_a_user_namespace_by_the_id_map() {
        assert_eq!(judge(Entry::AlreadyRoot, &facts()), Ok(Privilege::Root));
        // A program that the lab started itself finds that it is root already.
        let inner = Facts {
            whole_id_map: false,
            ..facts()
        };
        assert_eq!(
            judge(Entry::AlreadyRoot, &inner),
            Ok(Privilege::UserNamespace)
        );
    }

    #[test]
    fn root_of_a_container_lacks_capabilities() {
        let docker = Facts {
            effective: 0xa804_25fb,
            ..facts()
        };
        assert_eq!(
            door(Entry::AlreadyRoot, &docker),
            ShutDoor::Capabilities(vec!["CAP_NET_ADMIN", "CAP_SYS_ADMIN"])
        );
    }

    #[test]
    fn each_shut_door_is_known_by_name() {
        let refused = Entry::Failed(Stage::Unshare, libc::EPERM);
        let none = Facts {
            max_user_namespaces: Some("0".into()),
            ..facts()
        };
        let debian = Facts {
            unprivileged_userns_clone: Some("0".into()),
            ..facts()
        };
        let ubuntu = Facts {
            apparmor_restricts: Some("1".into()),
            ..facts()
        };
        let docker = Facts {
            seccomp: true,
            ..facts()
        };
        assert_eq!(door(refused, &none), ShutDoor::NoUserNamespaces);
        assert_eq!(door(refused, &debian), ShutDoor::UnprivilegedClone);
        assert_eq!(
            door(Entry::Failed(Stage::Map, libc::EPERM), &ubuntu),
            ShutDoor::AppArmor
        );
        assert_eq!(door(refused, &docker), ShutDoor::Seccomp);
        assert_eq!(door(refused, &facts()), ShutDoor::Unknown);
        assert_eq!(
            door(Entry::Failed(Stage::Unshare, libc::EINVAL), &docker),
            ShutDoor::Threads
        );
        assert_eq!(door(Entry::SwitchedOff, &facts()), ShutDoor::SwitchedOff);
    }
}
