//! The life of the process above a program.

use std::os::fd::RawFd;

use libc::c_int;

/// Reaps orphans until the program ends, and writes how it ended to a pipe. It never execs, so
/// it must close what it inherited: a pipe or listener that it kept would never end for the
/// others.
pub(super) fn reap_until(program: libc::pid_t, status: RawFd) -> ! {
    // SAFETY: no pointer outlives the call that it is passed to.
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
