//! What runs before `main` in every program that links this crate: a process can enter a
//! user namespace only while it has one thread, a test's `main` is not its own, and the
//! process that starts programs is a second one of the same program file.

use super::{confinement, user_namespace};

// SAFETY: `.init_array` holds pointers to functions that the loader calls once, on
// the only thread; `before_main` has the C ABI, and ignores the arguments that glibc passes.
// Of those functions it is among the first: no other has made a thread.
#[used]
#[unsafe(link_section = ".init_array.00101")]
static BEFORE_MAIN: extern "C" fn() = before_main;

extern "C" fn before_main() {
    if let Some(lab) = confinement::lab() {
        confinement::serve(lab)
    }
    user_namespace::enter();
}
