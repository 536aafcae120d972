use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr::null;

use libc::c_ulong;

use super::calls::process_descriptor;

/// Makes a command the first process of a PID namespace that ends with the thread that starts it:
/// one that has left its own for that (`unshare(2)`, CLONE_NEWPID). It finds a `/proc` to match.
pub(crate) fn ends_with_its_thread(command: &mut Command) -> io::Result<()> {
    let lab = process_descriptor(std::process::id())?;
    let first = move || {
        // SAFETY: every pointer is to a C string or a struct that lives throughout the call.
        unsafe {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong) != 0 {
                return Err(io::Error::last_os_error());
            }
            let mut polled = libc::pollfd {
                fd: lab.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            if libc::poll(&raw mut polled, 1, 0) != 0 {
                libc::_exit(1); // the lab died before the signal was asked for
            }
            let kind = c"proc".as_ptr();
            let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
            // Where the kernel allows none, as in some containers, the old one is seen.
            libc::mount(kind, c"/proc".as_ptr(), kind, flags, null());
        }
        Ok(())
    };
    // SAFETY: between fork and exec it does nothing but system calls, and allocates nothing.
    unsafe { command.pre_exec(first) };
    Ok(())
}
