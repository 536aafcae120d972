//! The life of the process above a program.

use std::os::fd::RawFd;

use libc::{c_int, c_long, c_uint, c_ulong, c_void};

/// What init writes of a process that ended: whether it is the program itself, and its wait status.
pub(crate) const OF_PROGRAM: c_int = 0;
/// The same of another process of the program's family, which something ended by force.
pub(crate) const OF_ANOTHER: c_int = 1;

/// Deaths of other processes that are told: one is enough.
const TOLD: usize = 16;

/// Signals by which a process is ended from outside, or by its own fault. None of them is how a program ends
/// another of its family in peace.
const BY_FORCE: [c_int; 8] = [
    libc::SIGKILL,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGSYS,
    libc::SIGXCPU,
];

/// Follows the program's processes by `ptrace`, as far as the kernel lets it: of a process that is not init's own child
/// nobody else tells how it ended. The program is just forked, and waits for nothing.
fn follow(program: libc::pid_t) {
    let options = libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEEXIT
        | libc::PTRACE_O_EXITKILL;
    // SAFETY: no memory is touched.
    unsafe {
        libc::ptrace(
            libc::PTRACE_SEIZE,
            program,
            std::ptr::null_mut::<c_void>(),
            options as c_ulong as *mut c_void,
        )
    };
}

/// Reaps orphans until the program ends, and writes to a pipe how it ended, and before that, of any other process that
/// it has started, that it was ended by force: before the kernel closes what that one had open. It never
/// execs, so it must close what it inherited: a pipe or listener that it kept would never end for the others.
pub(super) fn reap_until(program: libc::pid_t, status: RawFd) -> ! {
    follow(program);
    // SAFETY: no pointer outlives the call that it is passed to.
    unsafe {
        libc::dup2(status, 0);
        libc::syscall(libc::SYS_close_range, 1, c_uint::MAX, 0);
        let mut told = 0;
        loop {
            let mut raw: c_int = 0;
            let pid = libc::waitpid(-1, &raw mut raw, libc::__WALL);
            if pid < 0 {
                if *libc::__errno_location() != libc::EINTR {
                    libc::_exit(1);
                }
                continue;
            }
            if libc::WIFSTOPPED(raw) {
                if let Some(status) = end_of(pid, raw)
                    && pid != program
                    && told < TOLD
                {
                    told += 1;
                    tell(OF_ANOTHER, status);
                }
                go_on(pid, raw);
            } else if pid == program {
                tell(OF_PROGRAM, raw);
                libc::_exit(0);
            }
        }
    }
}

fn tell(of: c_int, status: c_int) {
    let words = [of, status];
    // SAFETY: the kernel reads two numbers.
    unsafe { libc::write(0, words.as_ptr().cast(), size_of_val(&words)) };
}

/// How a process that stopped is about to end, where it is ended by force.
fn end_of(pid: libc::pid_t, raw: c_int) -> Option<c_int> {
    if raw >> 16 != libc::PTRACE_EVENT_EXIT {
        return None;
    }
    let mut status: c_long = 0;
    // SAFETY: the kernel writes one number.
    let asked = unsafe {
        libc::ptrace(
            libc::PTRACE_GETEVENTMSG,
            pid,
            std::ptr::null_mut::<c_void>(),
            (&raw mut status).cast::<c_void>(),
        )
    };
    let status = c_int::try_from(status).ok().filter(|_| asked == 0)?;
    let by_force = libc::WIFSIGNALED(status) && BY_FORCE.contains(&libc::WTERMSIG(status));
    by_force.then_some(status)
}

/// Lets a process go on that stopped to be looked at, with the signal that it was to get.
fn go_on(pid: libc::pid_t, raw: c_int) {
    let signal = libc::WSTOPSIG(raw);
    let (request, signal) = match raw >> 16 {
        0 => (libc::PTRACE_CONT, signal),
        // It is stopped, as by Ctrl-Z, and stays so until somebody continues it.
        libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => (libc::PTRACE_LISTEN, 0),
        _ => (libc::PTRACE_CONT, 0),
    };
    // SAFETY: no memory is touched. It may be gone by now.
    unsafe {
        libc::ptrace(
            request,
            pid,
            std::ptr::null_mut::<c_void>(),
            signal as c_ulong as *mut c_void,
        )
    };
}

/// Whether nobody is left to read what is written to that pipe or socket.
pub(super) fn hung_up(fd: RawFd) -> bool {
    let mut polled = libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    };
    // SAFETY: `polled` is one element.
    let polled_one = unsafe { libc::poll(&raw mut polled, 1, 0) } == 1;
    polled_one && polled.revents & (libc::POLLERR | libc::POLLHUP) != 0
}
