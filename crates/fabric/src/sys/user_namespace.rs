use std::ffi::CStr;
use std::fmt::Write;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

/// Which step of entering a user namespace failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// `unshare(CLONE_NEWUSER | CLONE_NEWNS)`.
    Unshare,
    /// Writing `setgroups`, `uid_map` or `gid_map`.
    Map,
    /// Making the new mount namespace's mounts private.
    Mounts,
}

/// What happened before `main`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The effective user was 0 already: nothing was done.
    AlreadyRoot,
    /// `FWLAB_USER_NAMESPACE=off`: nothing was done.
    SwitchedOff,
    /// This process is root of a user namespace of its own.
    Entered,
    /// It could not enter one; the number is `errno`.
    Failed(Stage, i32),
}

const ALREADY_ROOT: u8 = 0;
const SWITCHED_OFF: u8 = 1;
const ENTERED: u8 = 2;
const FAILED_UNSHARE: u8 = 3;
const FAILED_MAP: u8 = 4;
const FAILED_MOUNTS: u8 = 5;

static STATE: AtomicU8 = AtomicU8::new(ALREADY_ROOT);
static ERRNO: AtomicI32 = AtomicI32::new(0);

/// What happened before `main`.
pub(crate) fn entry() -> Entry {
    let errno = ERRNO.load(Ordering::Relaxed);
    match STATE.load(Ordering::Relaxed) {
        ALREADY_ROOT => Entry::AlreadyRoot,
        SWITCHED_OFF => Entry::SwitchedOff,
        ENTERED => Entry::Entered,
        FAILED_UNSHARE => Entry::Failed(Stage::Unshare, errno),
        FAILED_MAP => Entry::Failed(Stage::Map, errno),
        _ => Entry::Failed(Stage::Mounts, errno),
    }
}

/// Enters one, unless this process is root already. Nothing here allocates or panics: the standard
/// library is not set up yet.
pub(super) fn enter() {
    // SAFETY: takes no arguments and cannot fail.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    if user == 0 {
        return own_mounts();
    }
    if switched_off() {
        STATE.store(SWITCHED_OFF, Ordering::Relaxed);
        return;
    }
    // SAFETY: passes no pointers; the process has one thread.
    if unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) } != 0 {
        return failed(FAILED_UNSHARE);
    }
    let mapped = write_file(c"/proc/self/setgroups", b"deny")
        && write_file(c"/proc/self/uid_map", Line::mapping(user).bytes())
        && write_file(c"/proc/self/gid_map", Line::mapping(group).bytes());
    if !mapped {
        return failed(FAILED_MAP);
    }
    if !made_private() {
        return failed(FAILED_MOUNTS);
    }
    STATE.store(ENTERED, Ordering::Relaxed);
}

/// Root of a user namespace may be in a mount namespace that is not of it (`unshare -Ur`), and
/// then may mount nothing. It gets one of its own; where it cannot, nothing is changed, and what
/// needs a mount tells.
fn own_mounts() {
    if is_whole_machine() {
        return;
    }
    // SAFETY: passes no pointers; the process has one thread.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } == 0 {
        made_private();
    }
}

fn made_private() -> bool {
    // SAFETY: the path is a C string; null is allowed for the other pointers here.
    unsafe {
        libc::mount(
            std::ptr::null(),
            c"/".as_ptr(),
            std::ptr::null(),
            libc::MS_REC | libc::MS_PRIVATE,
            std::ptr::null(),
        ) == 0
    }
}

/// Whether this process is in no user namespace but the machine's: all users are themselves.
fn is_whole_machine() -> bool {
    let mut map = [0_u8; 64];
    // SAFETY: the path is a C string, and the buffer as long as the call is told; the
    // descriptor is this function's own.
    let read = unsafe {
        let fd = libc::open(
            c"/proc/self/uid_map".as_ptr(),
            libc::O_RDONLY | libc::O_CLOEXEC,
        );
        if fd < 0 {
            return true;
        }
        let read = libc::read(fd, map.as_mut_ptr().cast(), map.len());
        libc::close(fd);
        read
    };
    let line = usize::try_from(read).ok().and_then(|read| map.get(..read));
    let line = line.unwrap_or_default();
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    words.by_ref().eq([&b"0"[..], b"0", b"4294967295"])
}

fn failed(state: u8) {
    // SAFETY: `errno` of this thread can always be read.
    ERRNO.store(unsafe { *libc::__errno_location() }, Ordering::Relaxed);
    STATE.store(state, Ordering::Relaxed);
}

fn switched_off() -> bool {
    // SAFETY: the name is a C string; nothing changes the environment before `main`,
    // so the value stays valid while it is compared.
    unsafe {
        let value = libc::getenv(c"FWLAB_USER_NAMESPACE".as_ptr());
        !value.is_null() && CStr::from_ptr(value) == c"off"
    }
}

fn write_file(path: &CStr, content: &[u8]) -> bool {
    // SAFETY: `path` is a C string and `content` is as long as the call is told; the
    // descriptor is this function's own.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if fd < 0 {
            return false;
        }
        let written = libc::write(fd, content.as_ptr().cast(), content.len());
        let errno = *libc::__errno_location();
        libc::close(fd);
        *libc::__errno_location() = errno;
        usize::try_from(written) == Ok(content.len())
    }
}

/// A line of text on the stack.
struct Line {
    bytes: [u8; 32],
    length: usize,
}

impl Line {
    /// `0 ID 1`: the namespace's root is this user (or group), and there is nobody else.
    fn mapping(id: u32) -> Line {
        let mut line = Line {
            bytes: [0; 32],
            length: 0,
        };
        // "0 4294967295 1" is 14 bytes, so this cannot fail.
        let _ = write!(line, "0 {id} 1");
        line
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let room = self
            .bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
