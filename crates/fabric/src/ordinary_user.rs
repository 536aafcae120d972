//! The user that a client is: rules of `-m owner` tell the user who made a socket.

use nix::unistd::{Uid, setfsuid};

/// A user that hosts do not have, and rules do not name.
pub(crate) const ORDINARY: Uid = Uid::from_raw(65_533);

/// Does something, such as making a socket, as a user who is not root, where this process may: `-m owner` and `meta skuid`
/// then see that user. Where it may not, as in a user namespace that has root alone, root does it.
///
/// Only this thread is that user, and only in what `what` does before it returns.
pub fn as_ordinary_user<T>(what: impl FnOnce() -> T) -> T {
    let was = setfsuid(ORDINARY);
    let done = Restore(was);
    let made = what();
    drop(done);
    made
}

/// The same of all that a future does.
pub async fn by_ordinary_user<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| as_ordinary_user(|| future.as_mut().poll(context))).await
}

/// Whether [`as_ordinary_user`] is somebody else than root here.
pub fn has_ordinary_user() -> bool {
    // The kernel tells who it is by refusing to become nobody.
    as_ordinary_user(|| setfsuid(Uid::from_raw(u32::MAX)) == ORDINARY)
}

struct Restore(Uid);

impl Drop for Restore {
    fn drop(&mut self) {
        setfsuid(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_done_in_between_is_done_as_another() {
        let who = || setfsuid(Uid::from_raw(u32::MAX));
        let before = who();
        let between = as_ordinary_user(who);
        assert_eq!(who(), before);
        assert_eq!(between == ORDINARY, has_ordinary_user());
        let panicked = std::panic::catch_unwind(|| as_ordinary_user(|| panic!("on purpose")));
        assert!(panicked.is_err());
        assert_eq!(who(), before);
    }
}
