//! From the fork to the program: each step is done by the process that it is about.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::ptr::null;

use libc::{c_char, c_int, c_ulong};
use nix::sched::{CloneFlags, setns, unshare};

use super::init::{hung_up, reap_until};
use super::mounts::{Mounts, Proc, enter_container, mount_proc, mount_temporary};
use super::privileges::{Capabilities, give_up_privileges, leave_keyring, narrow_bounds};
use super::request::Request;
use super::root::{Failure, Roots};
use super::seccomp::Filter;
use super::step::{Report, SetupStep};
use super::{Confinement, Executable, Kind, Root};

/// What the spawner starts all processes with.
pub(super) struct Starter {
    roots: Result<Roots, Failure>,
    limits: Limits,
}

/// What is kept from every process, and found out once.
struct Limits {
    /// What this process could hand on of capabilities.
    bounds: Capabilities,
    filter: Option<Filter>,
}

impl Starter {
    pub(super) fn new() -> Starter {
        Starter {
            roots: Roots::new(),
            limits: Limits {
                bounds: narrow_bounds(),
                filter: Filter::new(),
            },
        }
    }

    /// Starts what is asked for from this process, which has one thread, as a child of its
    /// parent.
    pub(super) fn start(&mut self, request: &Request) {
        let Request {
            executable,
            confinement,
            report,
        } = request;
        let report = report.as_raw_fd();
        let root = match self.root(confinement) {
            Ok(root) => root,
            Err((step, error)) => return tell(report, &failed(step, &error)),
        };
        let Executable {
            program,
            arguments,
            environment,
        } = executable;
        let (arguments, environment) = (pointers(arguments), pointers(environment));
        // A child of the lab, which waits for it, and whose end it ends with; the first process
        // of a PID namespace.
        let flags = libc::CLONE_PARENT | libc::CLONE_NEWPID | libc::SIGCHLD;
        let none = null::<libc::c_void>();
        // SAFETY: as `fork`: the child goes on with a copy of this process.
        let forked = unsafe {
            libc::syscall(
                libc::SYS_clone,
                c_ulong::from(flags.cast_unsigned()),
                none,
                none,
                none,
                none,
            )
        };
        if forked < 0 {
            return tell(
                report,
                &failed(SetupStep::Fork, &io::Error::last_os_error()),
            );
        }
        if forked > 0 {
            let process = u32::try_from(forked).unwrap_or_default();
            return tell(report, &Report::Forked(process));
        }
        confine(confinement, root, &self.limits, report);
        // SAFETY: both arrays end with a null, and so does every string in them.
        unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
        end(report, SetupStep::Program, &io::Error::last_os_error())
    }

    /// The root of its own that a process finds; `None`: a container's.
    fn root(&mut self, confinement: &Confinement) -> Result<Option<RawFd>, Failure> {
        let roots = match &mut self.roots {
            Ok(roots) => roots,
            Err((step, error)) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                return Err((*step, io::Error::from_raw_os_error(errno)));
            }
        };
        match &confinement.root {
            Root::Own(sees) => {
                let root = roots.get(sees, mounts(confinement))?;
                Ok(Some(root.as_raw_fd()))
            }
            Root::Container(_) => Ok(None),
        }
    }
}

fn mounts(confinement: &Confinement) -> Mounts {
    match confinement.as_on_5_10 {
        true => Mounts::AsOn5_10,
        false => Mounts::Newest,
    }
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let pointers = strings.iter().map(|string| CStr::as_ptr(string));
    pointers.chain([null()]).collect()
}

fn failed(step: SetupStep, error: &io::Error) -> Report {
    Report::Failed(step as u8, error.raw_os_error().unwrap_or(libc::EIO))
}

fn tell(pipe: RawFd, report: &Report) {
    let bytes = report.bytes();
    // SAFETY: writes from a live array; nobody is left to tell when that fails.
    unsafe { libc::write(pipe, bytes.as_ptr().cast(), bytes.len()) };
}

/// Tells which step failed, and ends.
fn end(report: RawFd, step: SetupStep, error: &io::Error) -> ! {
    tell(report, &failed(step, error));
    // SAFETY: cannot fail.
    unsafe { libc::_exit(1) }
}

/// A call's result as the others are.
fn checked(result: c_int) -> io::Result<c_int> {
    match result {
        0.. => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Runs in the forked child; returns in the process that is to become the program.
fn confine(confinement: &Confinement, root: Option<RawFd>, limits: &Limits, report: RawFd) {
    let done = |step, result: io::Result<()>| {
        if let Err(error) = result {
            end(report, step, &error)
        }
    };
    let name = |name: &CStr| {
        // SAFETY: the kernel copies a C string.
        unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    };
    // SAFETY: no pointers are passed.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong) };
    if hung_up(report) {
        // The lab died before the signal was asked for.
        // SAFETY: cannot fail.
        unsafe { libc::_exit(1) }
    }
    name(c"fwlab-init");
    done(SetupStep::Session, new_session());
    let network = setns(confinement.network.as_fd(), CloneFlags::CLONE_NEWNET);
    done(SetupStep::Network, network.map_err(io::Error::from));
    for (fd, place) in confinement.standard.iter().zip(0..) {
        // SAFETY: both are descriptors of this process.
        let placed = checked(unsafe { libc::dup2(fd.as_raw_fd(), place) });
        done(SetupStep::Standard, placed.map(drop));
    }
    match &confinement.root {
        Root::Own(_) => {
            let shown = match confinement.kind {
                Kind::Tool => Proc::Whole,
                Kind::Program(_) => Proc::Processes,
            };
            done(SetupStep::EnterRoot, enter_root(root));
            done(SetupStep::Proc, mount_proc(shown));
        }
        Root::Container(container) => {
            let entered = enter_container(container, mounts(confinement));
            done(SetupStep::EnterContainer, entered);
            done(SetupStep::Temporary, mount_temporary());
        }
    }
    if let Some((files, point)) = &confinement.files {
        let attached = mounts(confinement).attach_files(files.as_fd(), point);
        done(SetupStep::Files, attached);
    }
    if let Kind::Program(status) = &confinement.kind {
        // SAFETY: this process has one thread.
        let program = match checked(unsafe { libc::fork() }) {
            Ok(program) => program,
            Err(error) => end(report, SetupStep::Processes, &error),
        };
        if program != 0 {
            reap_until(program, status.as_raw_fd());
        }
        done(SetupStep::Session, new_session());
    }
    // The spawner ignores it, and exec would go on with that.
    // SAFETY: it sets a disposition that needs no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    leave_keyring();
    let given_up = checked(give_up_privileges(confinement.capabilities, limits.bounds));
    done(SetupStep::Privileges, given_up.map(drop));
    // SAFETY: the path is a C string.
    let entered = checked(unsafe { libc::chdir(confinement.directory.as_ptr()) });
    done(SetupStep::Directory, entered.map(drop));
    if let Some(filter) = &limits.filter {
        done(SetupStep::Filter, filter.apply());
    }
}

fn new_session() -> io::Result<()> {
    // SAFETY: passes no pointers.
    checked(unsafe { libc::setsid() }).map(drop)
}

/// Enters a copy of a root: what is mounted in it is for this process alone.
fn enter_root(root: Option<RawFd>) -> io::Result<()> {
    let root = root.ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: the spawner holds it open, and so does its copy, this process.
    let root = unsafe { std::os::fd::BorrowedFd::borrow_raw(root) };
    setns(root, CloneFlags::CLONE_NEWNS)?;
    Ok(unshare(CloneFlags::CLONE_NEWNS)?)
}
