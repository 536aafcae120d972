//! The spawner's life.

use libc::{c_int, c_ulong};

use super::request::{LIMIT, Received, receive};
use super::start::Starter;

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
        libc::chdir(c"/".as_ptr());
        // What it makes has the modes that it says.
        libc::umask(0o022);
        if libc::getppid().cast_unsigned() != lab {
            // The lab has died; or there never was one.
            let words = b"FWLAB_SPAWNER is set, which is for fwlab itself: unset it\n";
            libc::write(libc::STDERR_FILENO, words.as_ptr().cast(), words.len());
            libc::_exit(2)
        }
    }
    default_signals();
    // A lab that waits for no report any more.
    // SAFETY: it sets a disposition that needs no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    let mut starter = Starter::new();
    let mut buffer = vec![0; LIMIT];
    loop {
        match receive(SOCKET, &mut buffer) {
            Received::Request(request) => starter.start(&request),
            Received::Malformed => {}
            // SAFETY: passes no pointers.
            Received::End => unsafe { libc::_exit(0) },
        }
    }
}

/// No signal is ignored or blocked, whatever the lab was started with, as programs expect it.
fn default_signals() {
    // SAFETY: the set is made by the first call before the last reads it.
    unsafe {
        let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        // Those of the kernel's own and of libc's are refused, which is as good.
        for signal in 1..=libc::SIGRTMAX() as c_int {
            libc::signal(signal, libc::SIG_DFL);
        }
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
    }
}
