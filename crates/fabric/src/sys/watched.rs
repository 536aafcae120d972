use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

/// A descriptor whose readiness for reading can be awaited (netlink sockets, packet
/// sockets, process descriptors).
#[derive(Debug)]
pub struct WatchedFd(AsyncFd<OwnedFd>);

impl WatchedFd {
    /// Registers a descriptor with the runtime that this is called in. It should be
    /// non-blocking.
    ///
    /// # Errors
    /// When the kernel cannot wait for that kind of descriptor.
    pub fn new(fd: OwnedFd) -> io::Result<WatchedFd> {
        // SAFETY: the descriptor is owned by the `AsyncFd` as long as it is registered,
        // and nothing here hands out a mutable reference through which it could change.
        let watched = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        watched.map(WatchedFd).map_err(io::Error::from)
    }

    /// Waits until it can be read; clear the guard's readiness when a read would block.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub async fn readable(&self) -> io::Result<AsyncFdReadyGuard<'_, OwnedFd>> {
        self.0.readable().await
    }
}

impl AsFd for WatchedFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}
