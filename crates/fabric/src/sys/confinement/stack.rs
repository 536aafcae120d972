//! How a process with one thread forks: with a copy of its memory, or without.

use std::cell::UnsafeCell;
use std::io;
use std::ptr::null;

use libc::{c_int, c_ulong, c_void, pid_t};

use crate::sys::calls::checked;

/// More than the steps of a start need, with paths on the stack among them.
const SIZE: usize = 128 << 10;

/// What a child is started on that shares its parent's memory. The page tables of a large program are dear to copy,
/// and the copy is thrown away when the child becomes another program.
pub(super) struct Stack(UnsafeCell<Box<[u128]>>);

/// What a child finds at the upper end of its stack.
struct Begin<T> {
    with: *const T,
    goes_on: fn(&T) -> !,
}

extern "C" fn begin<T>(begin: *mut c_void) -> c_int {
    // SAFETY: `share` has written it, and its caller keeps what it points to.
    let (with, goes_on) = unsafe {
        let Begin { with, goes_on } = &*begin.cast::<Begin<T>>();
        (&**with, goes_on)
    };
    goes_on(with)
}

impl Stack {
    pub(super) fn new() -> Stack {
        Stack(UnsafeCell::new(vec![0; SIZE / size_of::<u128>()].into()))
    }

    /// Forks a child that shares this process's memory until it ends or becomes another program. It goes on there and
    /// nowhere else; these flags say the rest.
    ///
    /// # Safety
    /// This process has one thread, and `with` lives as long as the child runs here. If this process does not wait
    /// for that (`CLONE_VFORK`), neither of them allocates meanwhile, and no other child is made on this stack.
    pub(super) unsafe fn share<T>(
        &self,
        flags: c_int,
        with: &T,
        goes_on: fn(&T) -> !,
    ) -> io::Result<pid_t> {
        const { assert!(align_of::<Begin<()>>() <= align_of::<u128>()) };
        let words = size_of::<Begin<T>>().div_ceil(size_of::<u128>());
        // SAFETY: nobody runs on the stack, so it is this call's; the place is within it, and aligned as its
        // words are. The child runs below that place.
        let child = unsafe {
            let stack = &mut *self.0.get();
            let at = stack.len() - words;
            let top = stack.as_mut_ptr().add(at).cast::<Begin<T>>();
            top.write(Begin { with, goes_on });
            let top = top.cast::<c_void>();
            libc::clone(begin::<T>, top, flags | libc::CLONE_VM, top)
        };
        checked(child)
    }
}

/// Forks this process, which has one thread. The child goes on there and nowhere else, in a copy of its memory;
/// these flags say the rest.
pub(super) fn fork<T>(flags: c_int, with: &T, goes_on: fn(&T) -> !) -> io::Result<pid_t> {
    let flags = c_ulong::from(flags.cast_unsigned());
    let none = null::<c_void>();
    // SAFETY: as `fork`: no memory is shared.
    let forked = unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) };
    if forked == 0 {
        goes_on(with)
    }
    // A process id is as wide as an int.
    checked(forked as c_int)
}
