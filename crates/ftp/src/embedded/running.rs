use async_trait::async_trait;
use tokio::task::{JoinHandle, JoinSet};

use super::gather::ControlSockets;
use super::recent_log::LastWords;
use super::storage::Storage;
use crate::{PeerError, RunningServer, StoredFile};

/// A server inside the lab that listens, its files in memory. Dropping it ends it.
pub(crate) struct Running {
    pub(crate) storage: Storage,
    pub(crate) recent_log: LastWords,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) sockets: ControlSockets,
    pub(crate) gathering: JoinSet<()>,
}

#[async_trait]
impl RunningServer for Running {
    async fn stored(&mut self, name: &str) -> Result<Option<StoredFile>, PeerError> {
        Ok(self.storage.stored(name))
    }

    async fn died(&mut self) -> Option<String> {
        self.serving
            .is_finished()
            .then(|| "its task ended".to_owned())
    }

    async fn gather(&mut self) {
        self.gathering.spawn(self.sockets.gather());
    }

    async fn recent_log(&mut self) -> String {
        self.recent_log.text()
    }

    async fn stop(mut self: Box<Self>) -> Result<(), PeerError> {
        self.serving.abort();
        // Cancelled or already over: either way it is gone.
        let _ = (&mut self.serving).await;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
