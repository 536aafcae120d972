//! A program that cannot outlive the lab: three processes and two pipes.
//!
//! ```text
//! lab ── holder ── init (PID 1 of a namespace) ── the program ── its children
//! ```
//!
//! - The *holder* is the child that the lab knows. It waits for init, passes the
//!   program's status on as its own, and kills init when the lab lets go of the
//!   lifeline (a pipe whose other end only the lab holds). When the lab's thread
//!   dies, the kernel kills the holder.
//! - *Init* starts the program and reaps orphans. When the holder dies, the kernel
//!   kills init; when init dies, the kernel kills everything in its PID namespace,
//!   sessions of their own or not, and the mounts go with the last of them.
//!
//! All of this runs between fork and exec of a process with many threads, so only
//! async-signal-safe calls are made: no allocation, no locks.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr::null;
use std::sync::Arc;

use libc::{c_int, c_ulong};

use super::calls::checked;
use crate::namespace::Namespaces;

/// A file of the scratch that is seen in place of a system file.
pub(crate) struct Overlay {
    pub(crate) file: CString,
    pub(crate) over: CString,
}

/// What a confined program finds.
pub(crate) struct Confinement {
    /// The container that it is started in.
    pub(crate) root: Option<Arc<Namespaces>>,
    /// A detached tmpfs, and the directory that it is mounted on.
    pub(crate) files: Option<(Arc<OwnedFd>, CString)>,
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) directory: CString,
    /// The end that becomes ready when the lab lets go.
    pub(crate) lifeline: OwnedFd,
    /// Where a failed step writes its number.
    pub(crate) report: OwnedFd,
}

macro_rules! steps {
    ($($name:ident => $text:literal,)+) => {
        /// A step between fork and exec.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum SetupStep { $($name),+ }

        impl SetupStep {
            pub(crate) fn from_number(number: u8) -> Option<SetupStep> {
                [$(SetupStep::$name),+].into_iter().find(|step| *step as u8 == number)
            }

            pub(crate) fn describe(self) -> &'static str {
                match self { $(SetupStep::$name => $text),+ }
            }
        }
    };
}

steps! {
    Root => "enter the container",
    Namespaces => "make a PID and a mount namespace",
    Mounts => "make the mounts private",
    Temporary => "mount an empty /run and /tmp",
    Files => "mount its files (before Linux 6.15 they serve one program)",
    Overlays => "put a file over a system file",
    Processes => "start its init process",
    Proc => "mount /proc",
    Session => "start a session",
    Privileges => "give up privileges",
    Directory => "enter its working directory",
    Descriptors => "close inherited descriptors",
}

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

/// Makes `command` start its program confined.
pub(crate) fn confine(command: &mut Command, confinement: Confinement) {
    let lab = std::process::id();
    // SAFETY: `start` makes only async-signal-safe calls, on memory that was made
    // before the fork; `io::Error` from a number does not allocate.
    unsafe {
        command.pre_exec(move || start(&confinement, lab));
    }
}

/// Runs in the forked child; returns in the process that is to become the program.
fn start(confinement: &Confinement, lab: u32) -> io::Result<()> {
    let report = confinement.report.as_raw_fd();
    let step = |step: SetupStep, result: c_int| {
        checked(result).inspect_err(|_| {
            let number = step as u8;
            // SAFETY: writes one byte from a live variable. Nobody is left to tell
            // when that fails.
            unsafe { libc::write(report, (&raw const number).cast(), 1) };
        })
    };
    // SAFETY (of all blocks below): every pointer is null where the call allows it or
    // points to a C string, array or struct that lives throughout the call; every
    // descriptor is open in this process.
    unsafe {
        libc::setsid();
        libc::prctl(libc::PR_SET_NAME, c"fwlab-holder".as_ptr());
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong);
        if libc::getppid().cast_unsigned() != lab {
            libc::_exit(1); // the lab died before the signal was asked for
        }
        if let Some(root) = &confinement.root {
            step(SetupStep::Root, enter(root))?;
        }
        step(
            SetupStep::Namespaces,
            libc::unshare(libc::CLONE_NEWPID | libc::CLONE_NEWNS),
        )?;
    }
    step(SetupStep::Mounts, read_only_private_mounts())?;
    if confinement.root.is_some() {
        step(SetupStep::Temporary, mount_temporary())?;
    }
    if let Some((files, point)) = &confinement.files {
        step(SetupStep::Files, attach(files.as_raw_fd(), point))?;
    }
    for Overlay { file, over } in &confinement.overlays {
        step(SetupStep::Overlays, overlay(file, over))?;
    }
    let mut status = [0; 2];
    // SAFETY: as above.
    let init = unsafe {
        step(
            SetupStep::Processes,
            libc::pipe2(status.as_mut_ptr(), libc::O_CLOEXEC),
        )?;
        step(SetupStep::Processes, libc::fork())?
    };
    if init != 0 {
        hold(init, status[0], confinement.lifeline.as_raw_fd());
    }
    // SAFETY: as above.
    let program = unsafe {
        libc::prctl(libc::PR_SET_NAME, c"fwlab-init".as_ptr());
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong);
        libc::close(status[0]);
        if hung_up(status[1]) {
            libc::_exit(1); // the holder died before the signal was asked for
        }
        step(SetupStep::Proc, mount_proc())?;
        step(SetupStep::Processes, libc::fork())?
    };
    if program != 0 {
        reap_until(program, status[1]);
    }
    // SAFETY: as above.
    unsafe {
        step(SetupStep::Session, libc::setsid())?;
        step(SetupStep::Privileges, give_up_privileges())?;
        step(
            SetupStep::Directory,
            libc::chdir(confinement.directory.as_ptr()),
        )?;
        // Last: also closes the pipes of this very function, at exec.
        step(SetupStep::Descriptors, close_at_exec())?;
    }
    Ok(())
}

/// Enters a container's root, with what belongs to it. Neither its network, which is
/// the node's, nor its PID namespace: a process that was made for another one cannot
/// make one of its own below it (`copy_pid_ns`).
fn enter(root: &Namespaces) -> c_int {
    let namespaces = [
        (&root.ipc, libc::CLONE_NEWIPC),
        (&root.uts, libc::CLONE_NEWUTS),
        (&root.mount, libc::CLONE_NEWNS),
    ];
    for (namespace, kind) in namespaces {
        // SAFETY: see `start`.
        if unsafe { libc::setns(namespace.as_raw_fd(), kind) } != 0 {
            return -1;
        }
    }
    0
}

/// What programs write to beside their files (sockets, process ids), empty for each.
fn mount_temporary() -> c_int {
    let flags = libc::MS_NOSUID | libc::MS_NODEV;
    for (point, mode) in [(c"/run", c"mode=0755"), (c"/tmp", c"mode=1777")] {
        let kind = c"tmpfs".as_ptr();
        // SAFETY: see `start`.
        let result =
            unsafe { libc::mount(kind, point.as_ptr(), kind, flags, mode.as_ptr().cast()) };
        if result != 0 {
            return -1;
        }
    }
    0
}

/// Makes every mount private and read-only: what the program may write is its files.
fn read_only_private_mounts() -> c_int {
    #[repr(C)]
    struct MountAttributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }
    const MOUNT_ATTR_RDONLY: u64 = 1;
    const AT_RECURSIVE: c_int = 0x8000;

    let attributes = MountAttributes {
        set: MOUNT_ATTR_RDONLY,
        clear: 0,
        propagation: libc::MS_PRIVATE,
        user_namespace: 0,
    };
    // SAFETY: see `start`; the kernel reads `attributes` up to the size that it is told.
    unsafe {
        let done = libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            c"/".as_ptr(),
            AT_RECURSIVE,
            &raw const attributes,
            size_of::<MountAttributes>(),
        );
        if done == 0 {
            return 0;
        }
        // Before Linux 5.12: private at least, and the root file system read-only
        // where the kernel lets this user do that.
        let private = libc::mount(
            null(),
            c"/".as_ptr(),
            null(),
            libc::MS_REC | libc::MS_PRIVATE,
            null(),
        );
        libc::mount(
            null(),
            c"/".as_ptr(),
            null(),
            libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY,
            null(),
        );
        private
    }
}

fn attach(files: RawFd, point: &CString) -> c_int {
    const MOVE_MOUNT_F_EMPTY_PATH: c_int = 4;
    let move_to_point = |tree: RawFd| {
        // SAFETY: see `start`.
        let result = unsafe {
            libc::syscall(
                libc::SYS_move_mount,
                tree,
                c"".as_ptr(),
                libc::AT_FDCWD,
                point.as_ptr(),
                MOVE_MOUNT_F_EMPTY_PATH,
            )
        };
        if result < 0 { -1 } else { 0 }
    };
    // A copy leaves the original free for the next program. Kernels before 6.15 do
    // not copy a detached mount: there the original goes, and serves one program.
    // SAFETY: see `start`.
    let copy = unsafe {
        libc::syscall(
            libc::SYS_open_tree,
            files,
            c"".as_ptr(),
            libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_EMPTY_PATH as libc::c_uint,
        )
    };
    match RawFd::try_from(copy) {
        Ok(copy) if copy >= 0 => move_to_point(copy),
        _ => move_to_point(files),
    }
}

fn overlay(file: &CString, over: &CString) -> c_int {
    // SAFETY: see `start`.
    unsafe {
        if libc::access(over.as_ptr(), libc::F_OK) != 0 {
            return 0; // nothing to hide on this machine
        }
        libc::mount(file.as_ptr(), over.as_ptr(), null(), libc::MS_BIND, null())
    }
}

/// A `/proc` of the new PID namespace; where the kernel does not allow one (it hides
/// parts of the old one, as containers do), an empty directory.
fn mount_proc() -> c_int {
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_RDONLY;
    // SAFETY: see `start`.
    unsafe {
        let kind = c"proc".as_ptr();
        if libc::mount(kind, c"/proc".as_ptr(), kind, flags, null()) == 0 {
            return 0;
        }
        let kind = c"tmpfs".as_ptr();
        libc::mount(kind, c"/proc".as_ptr(), kind, flags, null())
    }
}

fn give_up_privileges() -> c_int {
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

/// Marks every descriptor but the standard three as closed at exec. Those of the lab
/// are marked anyway; this is for what the lab itself inherited.
fn close_at_exec() -> c_int {
    // SAFETY: see `start`.
    unsafe {
        let result = libc::syscall(
            libc::SYS_close_range,
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
        if result != 0 {
            // Linux 5.10 has no such flag.
            for fd in 3..1024 {
                libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }
    0
}

/// The holder's life. It never execs, so it must close what it inherited: a pipe or
/// listener that it kept would never end for the others.
fn hold(init: libc::pid_t, status: RawFd, lifeline: RawFd) -> ! {
    // SAFETY: see `start`; `polled` has the two elements that poll is told of.
    unsafe {
        libc::dup2(status, 0);
        libc::dup2(lifeline, 1);
        libc::syscall(libc::SYS_close_range, 2, libc::c_uint::MAX, 0);
        let watch = |fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        let mut polled = [watch(0), watch(1)];
        while libc::poll(polled.as_mut_ptr(), 2, -1) < 0 {}
        if polled[1].revents != 0 {
            libc::kill(init, libc::SIGKILL);
        }
        let mut raw: c_int = 0;
        let read = libc::read(0, (&raw mut raw).cast(), size_of::<c_int>());
        // Returns when the whole PID namespace is empty.
        while libc::waitpid(init, std::ptr::null_mut(), 0) < 0
            && *libc::__errno_location() == libc::EINTR
        {}
        let complete = usize::try_from(read) == Ok(size_of::<c_int>());
        if complete && libc::WIFEXITED(raw) {
            libc::_exit(libc::WEXITSTATUS(raw));
        }
        let signal = if complete {
            libc::WTERMSIG(raw)
        } else {
            libc::SIGKILL
        };
        let none = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::signal(signal, libc::SIG_DFL);
        libc::kill(libc::getpid(), signal);
        libc::_exit(128 + signal)
    }
}

/// Init's life: reaps orphans until the program ends, and tells the holder how.
fn reap_until(program: libc::pid_t, status: RawFd) -> ! {
    // SAFETY: see `start`.
    unsafe {
        libc::dup2(status, 0);
        libc::syscall(libc::SYS_close_range, 1, libc::c_uint::MAX, 0);
        loop {
            let mut raw: c_int = 0;
            let ended = libc::waitpid(-1, &raw mut raw, 0);
            if ended == program {
                libc::write(0, (&raw const raw).cast(), size_of::<c_int>());
                libc::_exit(0);
            }
            if ended < 0 && *libc::__errno_location() != libc::EINTR {
                libc::_exit(1);
            }
        }
    }
}

/// Whether nobody is left to read what is written to that pipe.
fn hung_up(pipe: RawFd) -> bool {
    let mut polled = libc::pollfd {
        fd: pipe,
        events: 0,
        revents: 0,
    };
    // SAFETY: `polled` is one element.
    unsafe { libc::poll(&raw mut polled, 1, 0) == 1 && polled.revents & libc::POLLERR != 0 }
}
