use libc::{c_int, c_ulong};

/// What a container's root usually keeps, and what pure-ftpd insists on: enough for a
/// server that binds port 21, changes its user and its root directory.
const CAPABILITIES_KEPT: [c_ulong; 13] = [
    0,  // CHOWN
    1,  // DAC_OVERRIDE
    2,  // DAC_READ_SEARCH
    3,  // FOWNER
    4,  // FSETID
    5,  // KILL
    6,  // SETGID
    7,  // SETUID
    8,  // SETPCAP
    10, // NET_BIND_SERVICE
    18, // SYS_CHROOT
    23, // SYS_NICE
    29, // AUDIT_WRITE
];

/// What it may do and use up: little more than a server needs.
pub(super) fn give_up_privileges() -> c_int {
    // Servers of the old school close every descriptor that they may have.
    let few = libc::rlimit {
        rlim_cur: 1024,
        rlim_max: 1024,
    };
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: see `start`.
    unsafe {
        libc::umask(0o022);
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const few);
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        for capability in 0..64 {
            // Beyond the kernel's last capability this fails, which is as good.
            if !CAPABILITIES_KEPT.contains(&capability) {
                libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
            }
        }
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    }
}
