//! From the fork to the program: each step is done by the process that it is about.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::null;

use libc::{c_char, c_int, c_ulong};

use super::lives::{hold, hung_up, reap_until};
use super::mounts::{
    attach, enter, mount_proc, mount_temporary, overlay, read_only_private_mounts,
};
use super::privileges::give_up_privileges;
use super::request::Request;
use super::step::Report;
use super::{Confinement, Executable, Overlay, SetupStep};

/// Starts a program from this process, which has one thread, as a child of its parent.
pub(super) fn start(request: &Request, lab: u32) {
    let Request {
        executable,
        confinement,
        report,
    } = request;
    let report = report.as_raw_fd();
    let Executable {
        program,
        arguments,
        environment,
    } = executable;
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // A child of the lab, which waits for it, and whose end it ends with.
    let flags = libc::c_long::from(libc::CLONE_PARENT | libc::SIGCHLD);
    // SAFETY: as `fork`: the child goes on with a copy of this process.
    let holder = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    if holder > 0 {
        return;
    }
    if holder < 0 {
        return tell_failure(report, SetupStep::Fork);
    }
    // SAFETY: cannot fail.
    let own = unsafe { libc::getpid() }.cast_unsigned();
    tell(report, &Report::Holder(own));
    confine(confinement, report, lab);
    // SAFETY: both arrays end with a null, and so does every string in them.
    let result =
        unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    done(report, SetupStep::Program, result);
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let pointers = strings.iter().map(|string| CStr::as_ptr(string));
    pointers.chain([null()]).collect()
}

fn tell(pipe: RawFd, report: &Report) {
    let bytes = report.bytes();
    // SAFETY: writes from a live array; nobody is left to tell when that fails.
    unsafe { libc::write(pipe, bytes.as_ptr().cast(), bytes.len()) };
}

fn tell_failure(pipe: RawFd, step: SetupStep) {
    // SAFETY: `errno` of this thread can always be read.
    let errno = unsafe { *libc::__errno_location() };
    tell(pipe, &Report::Failed(step as u8, errno));
}

/// Goes on when a step is done; otherwise tells, and ends.
fn done(report: RawFd, step: SetupStep, result: c_int) -> c_int {
    if result >= 0 {
        return result;
    }
    tell_failure(report, step);
    // SAFETY: cannot fail.
    unsafe { libc::_exit(1) }
}

/// Runs in the forked child; returns in the process that is to become the program.
fn confine(confinement: &Confinement, report: RawFd, lab: u32) {
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
        let network = confinement.network.as_raw_fd();
        step(SetupStep::Network, libc::setns(network, libc::CLONE_NEWNET));
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
