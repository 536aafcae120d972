//! The spawner's life.

use libc::c_ulong;

use super::request::{LIMIT, receive};
use super::start::start;

/// The descriptor that it is asked at.
const SOCKET: std::os::fd::RawFd = 0;

/// Starts what it is asked for, until the lab lets go.
pub(in crate::sys) fn serve(lab: u32) -> ! {
    // SAFETY: strings are C strings, and the other calls take no pointers.
    unsafe {
        // What the lab was started with is not for programs.
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
        // Whoever interrupts the lab at its terminal interrupts nothing here.
        libc::setsid();
        libc::prctl(libc::PR_SET_NAME, c"fwlab-spawner".as_ptr());
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong);
        // A lab that waits for no report any more.
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::chdir(c"/".as_ptr());
        if libc::getppid().cast_unsigned() != lab {
            // The lab has died; or there never was one.
            let words = b"FWLAB_SPAWNER is set, which is for fwlab itself: unset it\n";
            libc::write(libc::STDERR_FILENO, words.as_ptr().cast(), words.len());
            libc::_exit(2)
        }
    }
    let mut buffer = vec![0; LIMIT];
    while let Some(request) = receive(SOCKET, &mut buffer) {
        start(&request, lab);
    }
    // SAFETY: passes no pointers.
    unsafe { libc::_exit(0) }
}
