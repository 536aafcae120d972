use std::ffi::CString;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::null;

use libc::c_int;

use crate::namespace::Namespaces;

/// Enters a container's root, with what belongs to it. Neither its network, which is
/// the node's, nor its PID namespace: a process that was made for another one cannot
/// make one of its own below it (`copy_pid_ns`).
pub(super) fn enter(root: &Namespaces) -> c_int {
    let namespaces = [
        (&root.ipc, libc::CLONE_NEWIPC),
        (&root.uts, libc::CLONE_NEWUTS),
        (&root.mount, libc::CLONE_NEWNS),
    ];
    for (namespace, kind) in namespaces {
        // SAFETY: see `start`.
        if unsafe { libc::setns(namespace.as_raw_fd(), kind) } != 0 {
            return -1;
        }
    }
    0
}

/// What programs write to beside their files (sockets, process ids), empty for each.
pub(super) fn mount_temporary() -> c_int {
    let flags = libc::MS_NOSUID | libc::MS_NODEV;
    for (point, mode) in [(c"/run", c"mode=0755"), (c"/tmp", c"mode=1777")] {
        let kind = c"tmpfs".as_ptr();
        // SAFETY: see `start`.
        let result =
            unsafe { libc::mount(kind, point.as_ptr(), kind, flags, mode.as_ptr().cast()) };
        if result != 0 {
            return -1;
        }
    }
    0
}

/// Makes every mount private and read-only: what the program may write is its files.
pub(super) fn read_only_private_mounts() -> c_int {
    #[repr(C)]
    struct MountAttributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }
    const MOUNT_ATTR_RDONLY: u64 = 1;
    const AT_RECURSIVE: c_int = 0x8000;

    let attributes = MountAttributes {
        set: MOUNT_ATTR_RDONLY,
        clear: 0,
        propagation: libc::MS_PRIVATE,
        user_namespace: 0,
    };
    // SAFETY: see `start`; the kernel reads `attributes` up to the size that it is told.
    unsafe {
        let done = libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            c"/".as_ptr(),
            AT_RECURSIVE,
            &raw const attributes,
            size_of::<MountAttributes>(),
        );
        if done == 0 {
            return 0;
        }
        // Before Linux 5.12: private at least, and the root file system read-only
        // where the kernel lets this user do that.
        let private = libc::mount(
            null(),
            c"/".as_ptr(),
            null(),
            libc::MS_REC | libc::MS_PRIVATE,
            null(),
        );
        libc::mount(
            null(),
            c"/".as_ptr(),
            null(),
            libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY,
            null(),
        );
        private
    }
}

pub(super) fn attach(files: RawFd, point: &CString) -> c_int {
    const MOVE_MOUNT_F_EMPTY_PATH: c_int = 4;
    let move_to_point = |tree: RawFd| {
        // SAFETY: see `start`.
        let result = unsafe {
            libc::syscall(
                libc::SYS_move_mount,
                tree,
                c"".as_ptr(),
                libc::AT_FDCWD,
                point.as_ptr(),
                MOVE_MOUNT_F_EMPTY_PATH,
            )
        };
        if result < 0 { -1 } else { 0 }
    };
    // A copy leaves the original free for the next program. Kernels before 6.15 do
    // not copy a detached mount: there the original goes, and serves one program.
    // SAFETY: see `start`.
    let copy = unsafe {
        libc::syscall(
            libc::SYS_open_tree,
            files,
            c"".as_ptr(),
            libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_EMPTY_PATH as libc::c_uint,
        )
    };
    match RawFd::try_from(copy) {
        Ok(copy) if copy >= 0 => move_to_point(copy),
        _ => move_to_point(files),
    }
}

pub(super) fn overlay(file: &CString, over: &CString) -> c_int {
    // SAFETY: see `start`.
    unsafe {
        if libc::access(over.as_ptr(), libc::F_OK) != 0 {
            return 0; // nothing to hide on this machine
        }
        libc::mount(file.as_ptr(), over.as_ptr(), null(), libc::MS_BIND, null())
    }
}

/// A `/proc` of the new PID namespace; where the kernel does not allow one (it hides
/// parts of the old one, as containers do), an empty directory.
pub(super) fn mount_proc() -> c_int {
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_RDONLY;
    // SAFETY: see `start`.
    unsafe {
        let kind = c"proc".as_ptr();
        if libc::mount(kind, c"/proc".as_ptr(), kind, flags, null()) == 0 {
            return 0;
        }
        let kind = c"tmpfs".as_ptr();
        libc::mount(kind, c"/proc".as_ptr(), kind, flags, null())
    }
}
