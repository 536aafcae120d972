use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use libc::{c_int, c_long};

/// A call's result: the value, or `errno` where it is -1.
pub(super) fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

fn descriptor(result: c_long) -> io::Result<OwnedFd> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = RawFd::try_from(result).expect("the kernel returns a descriptor or an error");
    // SAFETY: the call that returned `fd` has just opened it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Has the kernel call a socket readable only when so many bytes wait in it (`SO_RCVLOWAT`,
/// socket(7); TCP wakes nobody sooner since Linux 4.18), or when its peer has ended it.
///
/// # Errors
/// When that is not a socket.
pub fn readable_from(socket: BorrowedFd<'_>, bytes: u16) -> io::Result<()> {
    let bytes = c_int::from(bytes);
    // SAFETY: the kernel reads one int from `bytes`, which lives until the call returns.
    checked(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVLOWAT,
            (&raw const bytes).cast(),
            size_of::<c_int>() as libc::socklen_t,
        )
    })
    .map(drop)
}

/// Asks a netlink socket for the kernel's own words when it refuses something.
pub(crate) fn extended_acknowledgements(socket: &OwnedFd) -> io::Result<()> {
    for option in [libc::NETLINK_EXT_ACK, libc::NETLINK_CAP_ACK] {
        let on: c_int = 1;
        // SAFETY: the kernel reads one int from `on`, which lives until the call returns.
        checked(unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_NETLINK,
                option,
                (&raw const on).cast(),
                size_of::<c_int>() as libc::socklen_t,
            )
        })?;
    }
    Ok(())
}

/// A descriptor that becomes readable when the process ends (Linux 5.3).
pub(crate) fn process_descriptor(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: no pointers are passed.
    descriptor(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// Waits for a child's end.
pub(crate) fn wait_for(child: u32) -> io::Result<ExitStatus> {
    let child = libc::pid_t::try_from(child).expect("a process id");
    let mut status: c_int = 0;
    loop {
        // SAFETY: the kernel writes one int to `status`, which lives until the call returns.
        match checked(unsafe { libc::waitpid(child, &raw mut status, 0) }) {
            Ok(_) => return Ok(ExitStatus::from_raw(status)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sees to it that this process is told how its children end. Who ignores SIGCHLD is not; a
/// process that was started so was started by somebody who did not mean the lab.
pub(super) fn be_told_of_children() {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: the kernel writes one struct, which all zeros are a value of, and reads none; the
    // default needs no handler.
    unsafe {
        libc::sigaction(libc::SIGCHLD, std::ptr::null(), action.as_mut_ptr());
        if action.assume_init().sa_sigaction == libc::SIG_IGN {
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        }
    }
}

/// A tmpfs that is mounted nowhere and is gone with its last descriptor (Linux 5.2).
pub(crate) fn detached_tmpfs(limit_bytes: u64) -> io::Result<OwnedFd> {
    const FSOPEN_CLOEXEC: c_int = 1;
    const FSMOUNT_CLOEXEC: c_int = 1;
    const FSCONFIG_SET_STRING: c_int = 1;
    const FSCONFIG_CMD_CREATE: c_int = 6;
    const MOUNT_ATTR_NOSUID: c_int = 2;
    const MOUNT_ATTR_NODEV: c_int = 4;

    // SAFETY: the file system's name is a C string that lives throughout.
    let context =
        descriptor(unsafe { libc::syscall(libc::SYS_fsopen, c"tmpfs".as_ptr(), FSOPEN_CLOEXEC) })?;
    let limit = CString::new(limit_bytes.to_string()).expect("digits hold no NUL");
    for (key, value) in [(c"size", limit.as_c_str()), (c"mode", c"0755")] {
        configure(&context, FSCONFIG_SET_STRING, Some((key, value)))?;
    }
    configure(&context, FSCONFIG_CMD_CREATE, None)?;
    // SAFETY: no pointers are passed.
    return descriptor(unsafe {
        libc::syscall(
            libc::SYS_fsmount,
            context.as_raw_fd(),
            FSMOUNT_CLOEXEC,
            MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
        )
    });

    fn configure(
        context: &OwnedFd,
        command: c_int,
        option: Option<(&CStr, &CStr)>,
    ) -> io::Result<()> {
        let pointers = option.map(|(key, value)| (key.as_ptr(), value.as_ptr()));
        let (key, value) = pointers.unwrap_or((std::ptr::null(), std::ptr::null()));
        // SAFETY: both are C strings that live throughout, or null where the command wants that.
        let result = unsafe {
            libc::syscall(
                libc::SYS_fsconfig,
                context.as_raw_fd(),
                command,
                key,
                value,
                0,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}
