use std::os::fd::RawFd;

use libc::c_int;

/// The holder's life. It never execs, so it must close what it inherited: a pipe or
/// listener that it kept would never end for the others.
pub(super) fn hold(init: libc::pid_t, status: RawFd, lifeline: RawFd) -> ! {
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
pub(super) fn reap_until(program: libc::pid_t, status: RawFd) -> ! {
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
