use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libc::c_int;
use nix::sched::{CloneFlags, clone};

/// A file, what is written to it, and the `errno` of that; 0 where it was taken.
struct Write {
    file: CString,
    value: Vec<u8>,
    errno: c_int,
}

/// Writes to these files, in order, in a network namespace of a user namespace that are both
/// thrown away. `None`: there are none to be had.
///
/// The child shares this process's memory, while this thread waits for it: that is why it can
/// enter a user namespace, which a process with threads cannot.
pub(crate) fn try_writes<'a>(
    files: impl Iterator<Item = (&'a Path, &'a String)>,
) -> Option<Vec<io::Result<()>>> {
    let mut writes: Vec<Write> = files
        .map(|(file, value)| Write {
            // A name with a NUL in it is of no file, as an empty one.
            file: CString::new(file.as_os_str().as_bytes()).unwrap_or_default(),
            value: value.clone().into_bytes(),
            errno: 0,
        })
        .collect();
    super::calls::be_told_of_children();
    let mut stack = vec![0; 64 << 10];
    let work = Box::new(|| {
        for write in &mut writes {
            write.errno = write_one(write).err().unwrap_or(0);
        }
        0
    });
    let flags = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_VM
        | CloneFlags::CLONE_VFORK;
    // SAFETY: the child makes system calls and writes to `writes` alone, on a stack of its own,
    // and this thread, which owns both, does not go on before it has ended.
    let child = unsafe { clone(work, &mut stack, flags, Some(libc::SIGCHLD)) }.ok()?;
    super::calls::wait_for(child.as_raw().unsigned_abs()).ok()?;
    let results = writes.into_iter().map(|write| match write.errno {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    });
    Some(results.collect())
}

fn write_one(write: &Write) -> Result<(), c_int> {
    // SAFETY: the path is a C string and the value as long as the call is told; the descriptor
    // is this function's own; `errno` of this thread can always be read.
    unsafe {
        let fd = libc::open(write.file.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if fd < 0 {
            return Err(*libc::__errno_location());
        }
        let written = libc::write(fd, write.value.as_ptr().cast(), write.value.len());
        let errno = *libc::__errno_location();
        libc::close(fd);
        if written < 0 { Err(errno) } else { Ok(()) }
    }
}
