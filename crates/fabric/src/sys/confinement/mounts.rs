use std::ffi::{CStr, CString, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use libc::{c_int, c_long, c_uint};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns};
use nix::sys::statvfs::{FsFlags, statvfs};

use crate::namespace::Namespaces;

/// Which calls mounts are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mounts {
    /// The newest that the kernel has.
    Newest,
    /// Those of Linux 5.10.
    AsOn5_10,
}

const NOTHING: Option<&str> = None;

/// Makes no mount of this namespace tell others of what happens below it.
pub(super) fn make_private() -> io::Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    Ok(mount(NOTHING, "/", NOTHING, flags, NOTHING)?)
}

fn opened(result: c_long) -> io::Result<OwnedFd> {
    match RawFd::try_from(result) {
        // SAFETY: the call that returned it has just opened it, and nobody else knows it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

fn open_tree(at: RawFd, path: &CStr, flags: c_uint) -> io::Result<OwnedFd> {
    let flags = flags | libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
    // SAFETY: the path is a C string that lives throughout.
    opened(unsafe { libc::syscall(libc::SYS_open_tree, at, path.as_ptr(), flags) })
}

/// A copy of what is mounted at a path and below it, mounted nowhere.
pub(super) fn clone_tree(path: &Path) -> io::Result<OwnedFd> {
    const AT_RECURSIVE: c_uint = 0x8000;
    let path = CString::new(path.as_os_str().as_bytes())?;
    open_tree(libc::AT_FDCWD, &path, AT_RECURSIVE)
}

/// Mounts what is mounted nowhere.
pub(super) fn attach(tree: BorrowedFd<'_>, point: &CStr) -> io::Result<()> {
    const MOVE_MOUNT_F_EMPTY_PATH: c_int = 4;
    // SAFETY: both paths are C strings that live throughout.
    let moved = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            point.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    match moved {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

impl Mounts {
    /// Mounts a program's own files. A copy leaves the original free for the next program.
    /// Kernels before 6.15 do not copy what is mounted nowhere: there the original goes, and
    /// serves one program.
    pub(super) fn attach_files(self, files: BorrowedFd<'_>, point: &CStr) -> io::Result<()> {
        let empty = libc::AT_EMPTY_PATH.cast_unsigned();
        match open_tree(files.as_raw_fd(), c"", empty) {
            Ok(copy) if self == Mounts::Newest => attach(copy.as_fd(), point),
            _ => attach(files, point),
        }
    }

    /// Makes a mount and all below it read-only. `table`: this namespace's `mountinfo`, opened
    /// where it can be.
    pub(super) fn seal(
        self,
        top: &Path,
        devices: Devices,
        table: io::Result<File>,
    ) -> io::Result<()> {
        #[repr(C)]
        struct MountAttributes {
            set: u64,
            clear: u64,
            propagation: u64,
            user_namespace: u64,
        }
        const MOUNT_ATTR_RDONLY: u64 = 1;
        const MOUNT_ATTR_NOSUID: u64 = 2;
        const MOUNT_ATTR_NODEV: u64 = 4;
        const AT_RECURSIVE: c_int = 0x8000;

        if self == Mounts::AsOn5_10 {
            return seal_one_by_one(top, devices, table?);
        }
        let without_devices = match devices {
            Devices::Hidden => MOUNT_ATTR_NODEV,
            Devices::AsTheyAre => 0,
        };
        let attributes = MountAttributes {
            set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | without_devices,
            clear: 0,
            propagation: 0,
            user_namespace: 0,
        };
        let path = CString::new(top.as_os_str().as_bytes())?;
        // SAFETY: the kernel reads a C string, and `attributes` up to the size that it is told.
        let sealed = unsafe {
            libc::syscall(
                libc::SYS_mount_setattr,
                libc::AT_FDCWD,
                path.as_ptr(),
                AT_RECURSIVE,
                &raw const attributes,
                size_of::<MountAttributes>(),
            )
        };
        if sealed == 0 {
            return Ok(());
        }
        match io::Error::last_os_error() {
            // Before Linux 5.12, or behind a filter of somebody's.
            error if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                seal_one_by_one(top, devices, table?)
            }
            error => Err(error),
        }
    }
}

/// What becomes of device nodes on mounts that are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Devices {
    /// They cannot be opened.
    Hidden,
    AsTheyAre,
}

/// The same, mount by mount.
fn seal_one_by_one(top: &Path, devices: Devices, table: File) -> io::Result<()> {
    for line in BufReader::new(table).split(b'\n') {
        let Some(point) = mount_point(&line?) else {
            continue;
        };
        if !point.starts_with(top) {
            continue;
        }
        let has = statvfs(&point)?.flags();
        let mut flags =
            MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID;
        flags.set(MsFlags::MS_NODEV, devices == Devices::Hidden);
        // What a mount forbids already it goes on to forbid, or the kernel refuses.
        for (found, flag) in [
            (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
            (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
            (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
            (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
            (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
        ] {
            if has.contains(found) {
                flags.insert(flag);
            }
        }
        mount(NOTHING, &point, NOTHING, flags, NOTHING)?;
    }
    Ok(())
}

/// The mount point that a line of `mountinfo` tells of, where blanks and the like stand as
/// octal numbers (`proc_pid_mountinfo(5)`).
fn mount_point(line: &[u8]) -> Option<PathBuf> {
    let mut field = line.split(|byte| *byte == b' ').nth(4)?;
    let mut path = Vec::with_capacity(field.len());
    while let Some((&byte, rest)) = field.split_first() {
        let number = rest.get(..3).filter(|_| byte == b'\\');
        let number =
            number.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match number {
            Some(number) => {
                path.push(number);
                field = rest.get(3..)?;
            }
            None => {
                path.push(byte);
                field = rest;
            }
        }
    }
    Some(OsString::from_vec(path).into())
}

/// Enters a container's root, and what else of it programs share. Neither its network, which
/// is the node's, nor its processes: init has a namespace of its own for them.
pub(super) fn enter_container(root: &Namespaces, mounts: Mounts) -> io::Result<()> {
    setns(&root.ipc, CloneFlags::CLONE_NEWIPC)?;
    setns(&root.uts, CloneFlags::CLONE_NEWUTS)?;
    setns(&root.mount, CloneFlags::CLONE_NEWNS)?;
    nix::sched::unshare(CloneFlags::CLONE_NEWNS)?;
    make_private()?;
    // Not the container's, where this process is not seen.
    mount_proc(Proc::Processes)?;
    // A container's devices are those that every container has, and it has no others.
    let table = File::open("/proc/self/mountinfo");
    mounts.seal(Path::new("/"), Devices::AsTheyAre, table)
}

/// What programs write to beside their files (sockets, process ids), empty for each; and
/// nothing of the machine's hardware and settings.
pub(super) fn mount_temporary() -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    for (point, more, options) in [
        ("/run", MsFlags::empty(), "mode=0755"),
        ("/tmp", MsFlags::empty(), "mode=1777"),
        ("/sys", MsFlags::MS_RDONLY, "mode=0755"),
    ] {
        if Path::new(point).is_dir() {
            mount(
                Some("tmpfs"),
                point,
                Some("tmpfs"),
                flags | more,
                Some(options),
            )?;
        }
    }
    Ok(())
}

/// A `/proc` of the new PID namespace, in place of the one that is there. Where the kernel
/// does not allow one (it hides parts of the old one, as containers do), an empty directory.
pub(super) fn mount_proc(shown: Proc) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
    let options = match shown {
        Proc::Processes => Some("subset=pid"),
        Proc::Whole => NOTHING,
    };
    match mount(Some("proc"), "/proc", Some("proc"), flags, options) {
        Ok(()) => Ok(()),
        // The outer one stays, read-only, as far as this process's own namespace shows it.
        Err(_) if shown == Proc::Whole => Ok(()),
        Err(_) => Ok(mount(
            Some("tmpfs"),
            "/proc",
            Some("tmpfs"),
            flags,
            NOTHING,
        )?),
    }
}

/// How much of `/proc` a process sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proc {
    /// Its own processes, and nothing else.
    Processes,
    /// What a loader of rules asks the kernel for, too.
    Whole,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_is_read_with_its_blanks() {
        let line = br"36 35 98:0 /mnt1 /mnt\040two\134x rw,noatime master:1 - ext3 /dev/root rw";
        assert_eq!(mount_point(line), Some(PathBuf::from(r"/mnt two\x")));
        let plain = b"36 35 98:0 / /proc rw - proc proc rw";
        assert_eq!(mount_point(plain), Some(PathBuf::from("/proc")));
        for odd in [&b""[..], b"36 35", b"1 2 3 4 \\9"] {
            let _ = mount_point(odd);
        }
    }
}
