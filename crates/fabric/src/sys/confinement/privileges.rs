use libc::{c_int, c_ulong};

use crate::ordinary_user::ORDINARY;

/// What a confined process may do of what only root may (`capabilities(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u64);

const CHOWN: u64 = 1 << 0;
const DAC_OVERRIDE: u64 = 1 << 1;
const DAC_READ_SEARCH: u64 = 1 << 2;
const FOWNER: u64 = 1 << 3;
const FSETID: u64 = 1 << 4;
const KILL: u64 = 1 << 5;
const SETGID: u64 = 1 << 6;
const SETUID: u64 = 1 << 7;
const SETPCAP: u64 = 1 << 8;
const NET_BIND_SERVICE: u64 = 1 << 10;
const NET_ADMIN: u64 = 1 << 12;
const NET_RAW: u64 = 1 << 13;
const SYS_CHROOT: u64 = 1 << 18;
const SYS_NICE: u64 = 1 << 23;
const AUDIT_WRITE: u64 = 1 << 29;

impl Capabilities {
    /// A client's: none.
    pub const NONE: Capabilities = Capabilities(0);

    /// A server's that changes neither its user nor its root: it binds ports 20 and 21.
    pub const SERVER: Capabilities = Capabilities(NET_BIND_SERVICE);

    /// A server's that is set up as a distribution does it: it reads and writes as its users,
    /// and leaves what it needs no more. What pure-ftpd insists on is among them; with
    /// `DAC_READ_SEARCH` goes a call, and with `AUDIT_WRITE` a socket, that the filter refuses.
    pub const INSTALLED_SERVER: Capabilities = Capabilities(
        CHOWN
            | DAC_OVERRIDE
            | DAC_READ_SEARCH
            | FOWNER
            | FSETID
            | KILL
            | SETGID
            | SETUID
            | SETPCAP
            | NET_BIND_SERVICE
            | SYS_CHROOT
            | SYS_NICE
            | AUDIT_WRITE,
    );

    /// A loader's of rules: raw sockets are how xtables is spoken to.
    pub const LOADER: Capabilities = Capabilities(NET_ADMIN | NET_RAW);

    pub(super) fn mask(self) -> u64 {
        self.0
    }

    pub(super) fn from_mask(mask: u64) -> Capabilities {
        Capabilities(mask)
    }
}

/// What a process may use up. What it was started with is not for it to know, so that an
/// outcome does not depend on it, as far as the hard limits allow.
fn set_limits() -> c_int {
    let set = |resource, wanted: libc::rlim_t| {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: the kernel writes, and reads, one struct, which lives throughout.
        unsafe {
            libc::getrlimit(resource, &raw mut limit);
            let most = limit.rlim_max.min(wanted);
            (limit.rlim_cur, limit.rlim_max) = (most, most);
            libc::setrlimit(resource, &raw const limit)
        }
    };
    let results = [
        // Servers of the old school close every descriptor that they may have.
        set(libc::RLIMIT_NOFILE, 1024),
        set(libc::RLIMIT_CORE, 0),
        set(libc::RLIMIT_STACK, 8 << 20),
        set(libc::RLIMIT_FSIZE, libc::RLIM_INFINITY),
        set(libc::RLIMIT_DATA, libc::RLIM_INFINITY),
        set(libc::RLIMIT_AS, libc::RLIM_INFINITY),
        set(libc::RLIMIT_CPU, libc::RLIM_INFINITY),
        set(libc::RLIMIT_NPROC, libc::RLIM_INFINITY),
    ];
    results.into_iter().min().unwrap_or(0)
}

fn prctl(option: c_int, argument: c_ulong) -> c_int {
    // SAFETY: none of the options used here takes a pointer.
    unsafe { libc::prctl(option, argument, 0, 0, 0) }
}

/// Keeps what no role needs from all that this process starts, and tells what is left to be handed on. It
/// goes on with what it may do itself.
pub(super) fn narrow_bounds() -> Capabilities {
    let needed = Capabilities::INSTALLED_SERVER.0 | Capabilities::LOADER.0;
    let mut left = 0;
    for capability in 0..u64::BITS {
        // Beyond the kernel's last one there is none to be read.
        let is_there = prctl(libc::PR_CAPBSET_READ, capability.into()) == 1;
        let is_needed = needed & (1 << capability) != 0;
        // Where this process may not, neither may a child of it: it tells when it is started.
        if is_there && (is_needed || prctl(libc::PR_CAPBSET_DROP, capability.into()) < 0) {
            left |= 1 << capability;
        }
    }
    Capabilities(left)
}

/// Becomes the ordinary user, and of no group of root's, where this process may: in a user namespace that has root alone, and where
/// a container keeps `CAP_SETUID` from it, it stays who it is.
fn become_ordinary() {
    let id = ORDINARY.as_raw();
    // By the calls themselves: those of libc look for other threads, whose memory this process may share.
    // SAFETY: no memory is touched; a null pointer is that of a list with nothing in it.
    unsafe {
        if libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()) == 0
            && libc::syscall(libc::SYS_setresgid, id, id, id) == 0
        {
            libc::syscall(libc::SYS_setresuid, id, id, id);
        }
    }
}

/// Leaves a process with these capabilities, of those that it could be handed, and no way to more. Its user stays
/// root, as far as files are concerned, and its ids, if it is not to be an ordinary one.
pub(super) fn give_up_privileges(
    keep: Capabilities,
    bounds: Capabilities,
    by_ordinary_user: bool,
) -> c_int {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: c_int,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Half {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    /// `_LINUX_CAPABILITY_VERSION_3`: two halves of 32 bits.
    const VERSION: u32 = 0x2008_0522;

    if set_limits() < 0 {
        return -1;
    }
    let goes = bounds.0 & !keep.0;
    for capability in (0..u64::BITS).filter(|capability| goes & (1 << capability) != 0) {
        if prctl(libc::PR_CAPBSET_DROP, capability.into()) < 0 {
            return -1;
        }
    }
    if by_ordinary_user {
        become_ordinary();
    }
    let header = Header {
        version: VERSION,
        pid: 0,
    };
    let half = |bits: u64| Half {
        effective: bits as u32,
        permitted: bits as u32,
        inheritable: 0,
    };
    let halves = [half(keep.0), half(keep.0 >> 32)];
    // SAFETY: the kernel reads a header and, for its version, two halves.
    let set = unsafe { libc::syscall(libc::SYS_capset, &raw const header, halves.as_ptr()) };
    if set < 0 {
        return -1;
    }
    // SAFETY: no pointers are passed.
    unsafe { libc::umask(0o022) };
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Leaves the keyring of the session that the lab was started in.
pub(super) fn leave_keyring() {
    const JOIN_SESSION_KEYRING: c_int = 1;
    // A kernel without keys has none to leave.
    // SAFETY: a null name asks for a keyring without one.
    unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            JOIN_SESSION_KEYRING,
            std::ptr::null::<libc::c_char>(),
        );
    }
}
