use std::ffi::{CStr, CString};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr::null;

use libc::{c_char, c_int, c_ulong};

use super::lives::{hold, hung_up, reap_until};
use super::mounts::{
    attach, enter, mount_proc, mount_temporary, overlay, read_only_private_mounts,
};
use super::privileges::give_up_privileges;
use super::{Confinement, Overlay, SetupStep};
use crate::sys::calls::{checked, wait_for};

/// A program with its arguments, its name the first of them, and its whole environment.
pub(crate) struct Executable {
    pub(crate) program: CString,
    pub(crate) arguments: Vec<CString>,
    pub(crate) environment: Vec<CString>,
}

/// What kept a program from being started.
pub(crate) struct NotStarted {
    /// `None`: it was the program itself.
    pub(crate) step: Option<SetupStep>,
    pub(crate) source: io::Error,
}

/// How a failed step is told: its number, and the kernel's.
type Report = [u8; 5];

/// Starts a program confined, and returns the process id of its holder. The program ends
/// with the calling thread.
///
/// This is not `std::process::Command`: a child of that keeps a copy of every descriptor
/// of the lab until it execs. As the holder lays mounts before it does, a socket that the
/// lab closes meanwhile is closed by the holder in the end, and the kernel lets it wait for
/// a grace period each time; and of programs that start at one time, each waits for the
/// others' pipes to go. Here the first thing that a child does is to let go of them.
pub(crate) fn spawn(executable: &Executable, confinement: &Confinement) -> Result<u32, NotStarted> {
    let before = |source| NotStarted { step: None, source };
    let (mut told, report) = std::io::pipe().map_err(before)?;
    let report = OwnedFd::from(report);
    let mut kept = confinement.descriptors();
    kept.push(report.as_raw_fd());
    let standard = confinement.standard.iter().map(AsRawFd::as_raw_fd);
    let mut inherited: Vec<RawFd> = kept.iter().copied().chain(standard).collect();
    inherited.sort_unstable();
    let arguments = pointers(&executable.arguments);
    let environment = pointers(&executable.environment);
    let lab = std::process::id();
    // SAFETY: the child makes only async-signal-safe calls, on memory that was made before
    // the fork, and ends in exec or exit.
    let holder = unsafe { libc::fork() };
    if holder == 0 {
        close_all_but(&inherited);
        let report = report.as_raw_fd();
        start(confinement, report, lab);
        // SAFETY: both arrays end with a null, and so does every string in them.
        let result = unsafe {
            libc::execve(
                executable.program.as_ptr(),
                arguments.as_ptr(),
                environment.as_ptr(),
            )
        };
        done(report, SetupStep::Program, result);
    }
    let holder = u32::try_from(checked(holder).map_err(before)?).expect("a process id");
    drop(report);
    let mut failure = Vec::with_capacity(size_of::<Report>());
    told.read_to_end(&mut failure).map_err(before)?;
    let Ok([number, errno @ ..]) = Report::try_from(failure) else {
        return Ok(holder);
    };
    wait_for(holder).map_err(before)?;
    Err(NotStarted {
        step: SetupStep::from_number(number).filter(|step| *step != SetupStep::Program),
        source: io::Error::from_raw_os_error(i32::from_ne_bytes(errno)),
    })
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let pointers = strings.iter().map(|string| CStr::as_ptr(string));
    pointers.chain([null()]).collect()
}

/// Closes what the lab has open, but for these descriptors (in order) and the standard three.
fn close_all_but(kept: &[RawFd]) {
    let close = |first: RawFd, last: libc::c_uint| {
        if first.cast_unsigned() <= last {
            // SAFETY: no pointers are passed; nothing here uses what is closed.
            unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        }
    };
    let mut first = 3;
    for fd in kept.iter().copied().filter(|fd| *fd >= 3) {
        close(first, (fd - 1).cast_unsigned());
        first = fd + 1;
    }
    close(first, libc::c_uint::MAX);
}

/// Goes on when a step is done; otherwise tells, and ends.
fn done(report: RawFd, step: SetupStep, result: c_int) -> c_int {
    if result >= 0 {
        return result;
    }
    // SAFETY: writes from a live array; nobody is left to tell when that fails.
    unsafe {
        let mut failure: Report = [step as u8, 0, 0, 0, 0];
        failure[1..].copy_from_slice(&(*libc::__errno_location()).to_ne_bytes());
        libc::write(report, failure.as_ptr().cast(), failure.len());
        libc::_exit(1)
    }
}

/// Runs in the forked child; returns in the process that is to become the program.
fn start(confinement: &Confinement, report: RawFd, lab: u32) {
    let step = |step, result| done(report, step, result);
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
        for (fd, place) in confinement.standard.iter().zip(0..) {
            step(SetupStep::Standard, libc::dup2(fd.as_raw_fd(), place));
        }
        step(SetupStep::Signals, default_signals());
        if let Some(root) = &confinement.root {
            step(SetupStep::Root, enter(root));
        }
        step(
            SetupStep::Namespaces,
            libc::unshare(libc::CLONE_NEWPID | libc::CLONE_NEWNS),
        );
    }
    step(SetupStep::Mounts, read_only_private_mounts());
    if confinement.root.is_some() {
        step(SetupStep::Temporary, mount_temporary());
    }
    if let Some((files, point)) = &confinement.files {
        step(SetupStep::Files, attach(files.as_raw_fd(), point));
    }
    for Overlay { file, over } in &confinement.overlays {
        step(SetupStep::Overlays, overlay(file, over));
    }
    let mut status = [0; 2];
    // SAFETY: as above.
    let init = unsafe {
        step(
            SetupStep::Processes,
            libc::pipe2(status.as_mut_ptr(), libc::O_CLOEXEC),
        );
        step(SetupStep::Processes, libc::fork())
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
        step(SetupStep::Proc, mount_proc());
        step(SetupStep::Processes, libc::fork())
    };
    if program != 0 {
        reap_until(program, status[1]);
    }
    // SAFETY: as above.
    unsafe {
        step(SetupStep::Session, libc::setsid());
        step(SetupStep::Privileges, give_up_privileges());
        step(
            SetupStep::Directory,
            libc::chdir(confinement.directory.as_ptr()),
        );
    }
}

/// No signal is blocked, and a broken pipe ends the program, as programs expect it.
fn default_signals() -> c_int {
    // SAFETY: the set is made by the first call before the second reads it.
    unsafe {
        let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut())
    }
}
