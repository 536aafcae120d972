use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// What a process has written to a pipe so far, up to a limit.
#[derive(Debug, Clone)]
pub(super) struct Capture {
    kept: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl Capture {
    pub(super) fn new(limit: usize) -> Capture {
        Capture {
            kept: Arc::default(),
            limit,
        }
    }

    /// Reads the pipe to its end; what is beyond the limit is read and dropped, so
    /// that the writer is not held up. Returns how much was dropped.
    pub(super) async fn fill(&self, pipe: impl Into<OwnedFd>) -> io::Result<u64> {
        let mut pipe = pipe::Receiver::from_owned_fd(pipe.into())?;
        let mut chunk = Vec::with_capacity(8192);
        let mut dropped = 0;
        loop {
            chunk.clear();
            if pipe.read_buf(&mut chunk).await? == 0 {
                return Ok(dropped);
            }
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let room = self.limit.saturating_sub(kept.len()).min(chunk.len());
            kept.extend_from_slice(&chunk[..room]);
            dropped += (chunk.len() - room) as u64;
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
