//! From the fork to the program: each step is done by the process that it is about.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::ptr::null;

use libc::{c_char, c_ulong};
use nix::sched::{CloneFlags, setns, unshare};

use super::init::{hung_up, reap_until};
use super::mounts::{Mounts, Proc, enter_container, mount_proc, mount_temporary};
use super::privileges::{Capabilities, give_up_privileges, leave_keyring, narrow_bounds};
use super::request::Request;
use super::root::{Failure, Roots};
use super::seccomp::Filter;
use super::stack::{Stack, fork};
use super::step::{Report, SetupStep};
use super::{Confinement, Executable, Kind, Root};
use crate::sys::calls::checked;

/// What the spawner starts all processes with.
pub(super) struct Starter {
    roots: Result<Roots, Failure>,
    limits: Limits,
    stack: Stack,
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
            stack: Stack::new(),
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
        let start = Start {
            confinement,
            root,
            limits: &self.limits,
            report,
            program,
            arguments: &arguments,
            environment: &environment,
            stack: &self.stack,
        };
        // A child of the lab, which waits for it, and whose end it ends with; the first process
        // of a PID namespace.
        let flags = libc::CLONE_PARENT | libc::CLONE_NEWPID | libc::SIGCHLD;
        let forked = match confinement.kind {
            // It lives on in this program's file, and so in a copy of this process.
            Kind::Program(_) => fork(flags, &start, Start::first),
            // This process waits until it is another program: nothing need be copied.
            // SAFETY: this process has one thread, and what is in `start` lives in this frame.
            Kind::Tool => unsafe {
                let flags = flags | libc::CLONE_VFORK;
                self.stack.share(flags, &start, Start::tool)
            },
        };
        match forked {
            Ok(process) => tell(report, &Report::Forked(process.unsigned_abs())),
            Err(error) => tell(report, &failed(SetupStep::Fork, &error)),
        }
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

/// A process that is to be started, with all that its steps need: none of them allocates.
struct Start<'a> {
    confinement: &'a Confinement,
    root: Option<RawFd>,
    limits: &'a Limits,
    report: RawFd,
    program: &'a CStr,
    arguments: &'a [*const c_char],
    environment: &'a [*const c_char],
    stack: &'a Stack,
}

impl Start<'_> {
    /// All of it, for a process that has no init.
    fn tool(&self) -> ! {
        self.enter();
        self.become_the_program()
    }

    /// The life of an init, from its fork on.
    fn first(&self) -> ! {
        self.enter();
        let Kind::Program(status) = &self.confinement.kind else {
            self.become_the_program()
        };
        // Init does not wait for its steps, so as to follow it from the first one on.
        // SAFETY: this process has one thread, a stack that nobody else is on, and a frame that it does not leave: it
        // ends in `reap_until`. There it allocates nothing, and neither do the steps to the program. Of what they
        // share both write to `errno` alone, and init only where it may follow nobody.
        let forked = unsafe { self.stack.share(libc::SIGCHLD, self, Start::second) };
        match forked {
            Ok(program) => reap_until(program, status.as_raw_fd()),
            Err(error) => end(self.report, SetupStep::Processes, &error),
        }
    }

    /// The process below an init.
    fn second(&self) -> ! {
        self.done(SetupStep::Session, new_session());
        self.become_the_program()
    }

    fn done(&self, step: SetupStep, result: io::Result<()>) {
        if let Err(error) = result {
            end(self.report, step, &error)
        }
    }

    /// Enters what the process is to find.
    fn enter(&self) {
        let confinement = self.confinement;
        // SAFETY: no pointers are passed.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong) };
        if hung_up(self.report) {
            // The lab died before the signal was asked for.
            // SAFETY: cannot fail.
            unsafe { libc::_exit(1) }
        }
        // SAFETY: the kernel copies a C string.
        unsafe { libc::prctl(libc::PR_SET_NAME, c"fwlab-init".as_ptr()) };
        self.done(SetupStep::Session, new_session());
        let network = setns(confinement.network.as_fd(), CloneFlags::CLONE_NEWNET);
        self.done(SetupStep::Network, network.map_err(io::Error::from));
        for (fd, place) in confinement.standard.iter().zip(0..) {
            // SAFETY: both are descriptors of this process.
            let placed = checked(unsafe { libc::dup2(fd.as_raw_fd(), place) });
            self.done(SetupStep::Standard, placed.map(drop));
        }
        match &confinement.root {
            Root::Own(_) => {
                let shown = match confinement.kind {
                    Kind::Tool => Proc::Whole,
                    Kind::Program(_) => Proc::Processes,
                };
                self.done(SetupStep::EnterRoot, enter_root(self.root));
                self.done(SetupStep::Proc, mount_proc(shown));
            }
            Root::Container(container) => {
                let entered = enter_container(container, mounts(confinement));
                self.done(SetupStep::EnterContainer, entered);
                self.done(SetupStep::Temporary, mount_temporary());
            }
        }
        if let Some((files, point)) = &confinement.files {
            let attached = mounts(confinement).attach_files(files.as_fd(), point);
            self.done(SetupStep::Files, attached);
        }
    }

    /// Gives up what the program is not to have, and runs it.
    fn become_the_program(&self) -> ! {
        let Start {
            confinement,
            limits,
            ..
        } = self;
        // The spawner ignores it, and exec would go on with that.
        // SAFETY: it sets a disposition that needs no handler.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        leave_keyring();
        let given_up = give_up_privileges(
            confinement.capabilities,
            limits.bounds,
            confinement.by_ordinary_user,
        );
        let given_up = checked(given_up);
        self.done(SetupStep::Privileges, given_up.map(drop));
        // SAFETY: the path is a C string.
        let entered = checked(unsafe { libc::chdir(confinement.directory.as_ptr()) });
        self.done(SetupStep::Directory, entered.map(drop));
        if let Some(filter) = &limits.filter {
            self.done(SetupStep::Filter, filter.apply());
        }
        let [arguments, environment] = [self.arguments, self.environment].map(<[_]>::as_ptr);
        // SAFETY: both arrays end with a null, and so does every string in them.
        unsafe { libc::execve(self.program.as_ptr(), arguments, environment) };
        end(self.report, SetupStep::Program, &io::Error::last_os_error())
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
