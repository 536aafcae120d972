use std::io;

use crate::WatchedFd;
use crate::sys;

/// Watches a process that somebody else started for its end.
#[derive(Debug)]
pub struct ProcessEnd(WatchedFd);

impl ProcessEnd {
    /// Watches that process, from the runtime that this is called in.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(pid: u32) -> io::Result<ProcessEnd> {
        sys::process_descriptor(pid)
            .and_then(WatchedFd::new)
            .map(ProcessEnd)
    }

    /// Waits until it has ended. Can be called again.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub async fn wait(&self) -> io::Result<()> {
        self.0
            .readable()
            .await
            .map(|mut guard| guard.retain_ready())
    }
}
