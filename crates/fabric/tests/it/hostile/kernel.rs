//! Calls that a peer has no use for.
#![expect(
    unsafe_code,
    reason = "calls that no safe crate offers, made as an attacker makes them"
)]

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::ptr::{null, null_mut};

use libc::{c_int, c_long, c_void};

use super::attack::{Breaches, Place};

/// A segment of shared memory with a key, gone when dropped.
pub(super) struct Segment {
    pub(super) key: i32,
    id: c_int,
}

impl Segment {
    pub(super) fn new() -> Segment {
        let mut key = 0x6677_0000 + std::process::id().cast_signed() * 8;
        loop {
            // SAFETY: no pointers are passed.
            let id = unsafe { libc::shmget(key, 4096, libc::IPC_CREAT | libc::IPC_EXCL | 0o666) };
            if id >= 0 {
                return Segment { key, id };
            }
            key += 1;
        }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: no pointers are passed.
        unsafe { libc::shmctl(self.id, libc::IPC_RMID, null_mut()) };
    }
}

fn call(number: c_long, arguments: [usize; 5]) -> io::Result<c_long> {
    let [a, b, c, d, e] = arguments;
    // SAFETY: what is passed are numbers, nulls, or pointers to what lives throughout: see the callers.
    match unsafe { libc::syscall(number, a, b, c, d, e, 0) } {
        result @ 0.. => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}

fn text(text: &str) -> CString {
    CString::new(text).expect("no NUL")
}

pub(super) fn open_by_handle(beside: &File, handle: *mut c_void) -> bool {
    let flags = libc::O_RDONLY as usize;
    let arguments = [beside.as_raw_fd() as usize, handle as usize, flags, 0, 0];
    call(libc::SYS_open_by_handle_at, arguments).is_ok()
}

fn of_status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let hex = line.map(|line| line.trim_start_matches(':').trim());
    hex.and_then(|hex| u64::from_str_radix(hex, 16).ok())
        .unwrap_or(u64::MAX)
}

pub(super) fn privileges(place: Place, breaches: &mut Breaches) {
    let most: u64 = match place {
        Place::Client => 0,
        Place::Server => 1 << 10,
        Place::Loader => 1 << 12 | 1 << 13,
        Place::Container => 1 << 29 | 0b1000_0100_0000_0101_1111_1111,
    };
    for field in ["CapEff", "CapPrm", "CapBnd", "CapAmb", "CapInh"] {
        let has = of_status(field);
        breaches.if_so(has & !most != 0, format!("{field} is {has:x}"));
    }
    breaches.if_so(of_status("NoNewPrivs") != 1, "it may gain privileges");
    breaches.if_so(of_status("Seccomp") == 0, "its calls are not filtered");
}

pub(super) fn mounts(breaches: &mut Breaches) {
    let none = null::<libc::c_char>() as usize;
    let (tmpfs, root, files, proc, dot) = (
        text("tmpfs"),
        text("/"),
        text("/files"),
        text("/proc"),
        text("."),
    );
    let mount = |from: usize, to: &CString, kind: usize, flags: libc::c_ulong| {
        call(
            libc::SYS_mount,
            [from, to.as_ptr() as usize, kind, flags as usize, none],
        )
    };
    let kind = tmpfs.as_ptr() as usize;
    breaches.if_so(mount(kind, &files, kind, 0).is_ok(), "a tmpfs was mounted");
    let bind = mount(
        root.as_ptr() as usize,
        &files,
        none,
        libc::MS_BIND | libc::MS_REC,
    );
    breaches.if_so(bind.is_ok(), "the root was mounted again");
    let writable = mount(none, &root, none, libc::MS_REMOUNT | libc::MS_BIND);
    breaches.if_so(writable.is_ok(), "the root was made writable");
    for path in [&proc, &root, &files] {
        let detach = libc::MNT_DETACH as usize;
        let gone = call(libc::SYS_umount2, [path.as_ptr() as usize, detach, 0, 0, 0]);
        breaches.if_so(gone.is_ok(), format!("{path:?} was unmounted"));
    }
    let pivoted = call(
        libc::SYS_pivot_root,
        [dot.as_ptr() as usize, dot.as_ptr() as usize, 0, 0, 0],
    );
    breaches.if_so(pivoted.is_ok(), "the root was left");
    let opened = call(
        libc::SYS_open_tree,
        [libc::AT_FDCWD as usize, root.as_ptr() as usize, 1, 0, 0],
    );
    breaches.if_so(opened.is_ok(), "a mount was copied");
    let context = call(libc::SYS_fsopen, [kind, 0, 0, 0, 0]);
    breaches.if_so(context.is_ok(), "a file system was made");
    for (mode, name) in [(libc::S_IFBLK, "block"), (libc::S_IFCHR, "character")] {
        let path = text(&format!("/files/{name}"));
        // SAFETY: the path is a C string.
        let made = unsafe { libc::mknod(path.as_ptr(), mode | 0o666, libc::makedev(1, 5)) };
        let usable = made == 0 && File::open(format!("/files/{name}")).is_ok();
        breaches.if_so(usable, format!("a {name} device was made and opened"));
    }
    // The old way out of a root directory.
    let _ = fs::create_dir("/files/inner");
    // SAFETY: both are C strings.
    let (changed, inner) = unsafe {
        let inner = text("/files/inner");
        (libc::chroot(inner.as_ptr()) == 0, inner)
    };
    if changed {
        for _ in 0..64 {
            let _ = std::env::set_current_dir("..");
        }
        let found = ["root", "home", "var", "boot"]
            .iter()
            .any(|name| Path::new(name).exists());
        breaches.if_so(found, format!("{inner:?} was left upwards"));
        // SAFETY: a C string. Back, as far as that goes: what follows sees the same root.
        unsafe { libc::chroot(dot.as_ptr()) };
        let _ = std::env::set_current_dir("/");
    }
}

pub(super) fn namespaces(breaches: &mut Breaches) {
    for (flag, name) in [
        (libc::CLONE_NEWUSER, "user"),
        (libc::CLONE_NEWNS, "mount"),
        (libc::CLONE_NEWNET, "network"),
        (libc::CLONE_NEWPID, "PID"),
    ] {
        let made = call(libc::SYS_unshare, [flag as usize, 0, 0, 0, 0]);
        breaches.if_so(made.is_ok(), format!("a {name} namespace was made"));
        // SAFETY: as `fork`: the child ends at once.
        let child = unsafe {
            let child = libc::syscall(
                libc::SYS_clone,
                flag | libc::SIGCHLD,
                0usize,
                0usize,
                0usize,
                0usize,
            );
            if child == 0 {
                libc::_exit(0);
            }
            if child > 0 {
                libc::waitpid(child as i32, null_mut(), 0);
            }
            child
        };
        breaches.if_so(child > 0, format!("a child in a {name} namespace was made"));
    }
    for process in ["1", "self"] {
        for kind in ["mnt", "net", "pid", "user"] {
            let Ok(namespace) = File::open(format!("/proc/{process}/ns/{kind}")) else {
                continue;
            };
            let entered = call(
                libc::SYS_setns,
                [namespace.as_raw_fd() as usize, 0, 0, 0, 0],
            );
            breaches.if_so(
                entered.is_ok(),
                format!("the {kind} namespace of {process} was entered"),
            );
        }
    }
}

pub(super) fn others(lab: &str, breaches: &mut Breaches) {
    let lab: usize = lab.parse().unwrap_or(usize::MAX);
    for process in [1, lab] {
        if process == std::process::id() as usize {
            continue;
        }
        let seized = call(
            libc::SYS_ptrace,
            [libc::PTRACE_ATTACH as usize, process, 0, 0, 0],
        );
        breaches.if_so(seized.is_ok(), format!("process {process} was traced"));
        let mut byte = 0_u8;
        let part = libc::iovec {
            iov_base: (&raw mut byte).cast(),
            iov_len: 1,
        };
        let part = &raw const part as usize;
        let read = call(libc::SYS_process_vm_readv, [process, part, 1, part, 1]);
        breaches.if_so(
            read.is_ok(),
            format!("the memory of process {process} was read"),
        );
        let memory = File::open(format!("/proc/{process}/mem"));
        breaches.if_so(
            memory.is_ok(),
            format!("the memory of process {process} was opened"),
        );
    }
    let signalled = i32::try_from(lab).is_ok_and(|lab| {
        // SAFETY: no pointers are passed; no signal is sent, only whether it could be.
        lab != std::process::id().cast_signed() && unsafe { libc::kill(lab, 0) } == 0
    });
    breaches.if_so(signalled, "the lab could be signalled");
}

pub(super) fn keys(breaches: &mut Breaches) {
    let (kind, name) = (text("user"), text("fwlab"));
    let arguments = [
        kind.as_ptr() as usize,
        name.as_ptr() as usize,
        name.as_ptr() as usize,
        5,
        -4_isize as usize,
    ];
    breaches.if_so(
        call(libc::SYS_add_key, arguments).is_ok(),
        "a key was added for the user",
    );
    let ring = call(libc::SYS_keyctl, [0, -3_isize as usize, 0, 0, 0]);
    breaches.if_so(ring.is_ok(), "the session's keyring was found");
}

pub(super) fn machinery(breaches: &mut Breaches) {
    let zeros = [0_u8; 256];
    let zeros = zeros.as_ptr() as usize;
    for (number, arguments, what) in [
        (libc::SYS_bpf, [0, zeros, 64, 0, 0], "a BPF map was made"),
        (
            libc::SYS_perf_event_open,
            [zeros, 0, usize::MAX, usize::MAX, 0],
            "events were counted",
        ),
        (libc::SYS_userfaultfd, [0; 5], "page faults were caught"),
        (
            libc::SYS_io_uring_setup,
            [1, zeros, 0, 0, 0],
            "a ring was set up",
        ),
        (libc::SYS_fanotify_init, [0; 5], "files are watched"),
        (
            libc::SYS_init_module,
            [zeros, 16, zeros, 0, 0],
            "a module was loaded",
        ),
        (libc::SYS_swapon, [zeros, 0, 0, 0, 0], "swap was added"),
        (libc::SYS_acct, [0; 5], "accounting was ended"),
        (
            libc::SYS_sethostname,
            [zeros, 1, 0, 0, 0],
            "the host was renamed",
        ),
        (
            libc::SYS_syslog,
            [3, zeros, 1, 0, 0],
            "the kernel's log was read",
        ),
        (libc::SYS_quotactl, [0; 5], "quotas were changed"),
    ] {
        breaches.if_so(call(number, arguments).is_ok(), what);
    }
    let time = unsafe {
        let mut time = std::mem::zeroed::<libc::timespec>();
        // SAFETY: the kernel writes one struct.
        libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time);
        time
    };
    let set = call(
        libc::SYS_clock_settime,
        [0, &raw const time as usize, 0, 0, 0],
    );
    breaches.if_so(set.is_ok(), "the clock was set");
}

pub(super) fn settings(breaches: &mut Breaches) {
    for path in [
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/hostname",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/sys/net/netfilter/nf_hooks_lwtunnel",
        "/proc/sysrq-trigger",
        "/proc/self/uid_map",
        "/sys/kernel/uevent_helper",
    ] {
        let opened = fs::OpenOptions::new().write(true).open(path);
        breaches.if_so(
            opened.is_ok() && !path.ends_with("_map"),
            format!("{path} can be written"),
        );
        if let Ok(mut file) = opened {
            let written = io::Write::write(&mut file, b"0 0 1").is_ok();
            breaches.if_so(written, format!("{path} was written"));
        }
    }
}

pub(super) fn sockets(place: Place, name: &str, breaches: &mut Breaches) {
    for (family, kind, what) in [
        (libc::AF_PACKET, libc::SOCK_RAW, "a packet socket"),
        (
            libc::AF_VSOCK,
            libc::SOCK_STREAM,
            "a socket to the machine's own host",
        ),
        (
            libc::AF_ALG,
            libc::SOCK_SEQPACKET,
            "a socket to the kernel's ciphers",
        ),
    ] {
        // SAFETY: no pointers are passed.
        let made = unsafe { libc::socket(family, kind, 0) } >= 0;
        breaches.if_so(made, format!("{what} was made"));
    }
    // SAFETY: no pointers are passed.
    let audit = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_AUDIT) };
    breaches.if_so(audit >= 0, "a socket to the audit log was made");
    let raw = |family| {
        // SAFETY: no pointers are passed.
        let made = unsafe { libc::socket(family, libc::SOCK_RAW, libc::IPPROTO_TCP) };
        made >= 0
    };
    breaches.if_so(
        place != Place::Loader && raw(libc::AF_INET),
        "a raw socket was made",
    );
    let address = SocketAddr::from_abstract_name(name.as_bytes());
    let connected = address.and_then(|address| UnixStream::connect_addr(&address));
    breaches.if_so(connected.is_ok(), "a socket of the machine was reached");
    if place != Place::Loader {
        breaches.if_so(links_change(), "a link of the node was set down");
    }
}

/// Asks for loopback to be set down, and tells whether the kernel did that.
fn links_change() -> bool {
    // SAFETY: no pointers are passed.
    let socket = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE) };
    if socket < 0 {
        return false;
    }
    let mut message = Vec::new();
    message.extend(32_u32.to_ne_bytes());
    message.extend(libc::RTM_NEWLINK.to_ne_bytes());
    message.extend(
        (libc::NLM_F_REQUEST | libc::NLM_F_ACK)
            .cast_unsigned()
            .to_le_bytes()[..2]
            .iter(),
    );
    message.extend([0; 8]);
    message.extend([0; 4]);
    message.extend(1_i32.to_ne_bytes());
    message.extend([0; 4]);
    message.extend(1_u32.to_ne_bytes());
    let mut answer = [0_u8; 512];
    // SAFETY: both buffers are as long as the calls are told.
    let received = unsafe {
        libc::send(socket, message.as_ptr().cast(), message.len(), 0);
        let received = libc::recv(socket, answer.as_mut_ptr().cast(), answer.len(), 0);
        libc::close(socket);
        received
    };
    let errno = answer
        .get(16..20)
        .and_then(|bytes| bytes.try_into().ok())
        .map(i32::from_ne_bytes);
    received >= 20 && errno == Some(0)
}

pub(super) fn memory(key: &str, breaches: &mut Breaches) {
    let key = key.parse().unwrap_or(-1);
    // SAFETY: no pointers are passed.
    let found = unsafe { libc::shmget(key, 0, 0) } >= 0;
    breaches.if_so(found, "shared memory of the machine was found");
}
