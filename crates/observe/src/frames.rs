//! Every packet of a node, in whole: for those who want to read it themselves.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fwlab_fabric::{Node, WatchedFd};
use fwlab_record::{NodeName, Packet};
use nix::errno::Errno;
use tokio::sync::{mpsc, oneshot};

use crate::capture::{CaptureSocket, Direction, Received};
use crate::error::{ObserveError, Step, errno};
use crate::headers::Headers;
use crate::reader::size_buffer;
use crate::turn::{Turn, turn};

/// A packet as it went over an interface of a node, from its IP header on.
///
/// It is captured where [`CapturedPacket`](crate::CapturedPacket)s are, and may be larger than the link carries, as they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The node.
    pub node: Arc<NodeName>,
    /// When, since the Unix epoch.
    pub at: Duration,
    /// Which way.
    pub direction: Direction,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Frame {
    /// Its headers; nothing where they cannot be read.
    pub fn packet(&self) -> Option<Packet> {
        Headers::read(&self.bytes).map(|headers| headers.packet)
    }
}

/// Sends every IP packet of a node's interfaces, until it is dropped. Beside an [`Observer`](crate::Observer), or without.
#[derive(Debug)]
#[must_use = "a recorder ends when it is dropped"]
pub struct FrameRecorder {
    node: Arc<NodeName>,
    drains: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

/// The receive buffer in bytes: a transfer's packets at once.
const RECEIVE_BUFFER: usize = 16 << 20;

/// More than any packet.
const BUFFER: usize = 256 << 10;

/// Packets that are read before other tasks of the node get their turn.
const TURN: usize = 128;

impl FrameRecorder {
    /// Opens the socket in the node's namespace. When it returns, no packet goes unseen.
    ///
    /// # Errors
    ///
    /// [`ObserveError::Kernel`] says which step failed.
    pub async fn start(
        node: &Node,
        frames: mpsc::UnboundedSender<Frame>,
    ) -> Result<FrameRecorder, ObserveError> {
        let name = Arc::new(node.name().clone());
        let reader_name = Arc::clone(&name);
        let (drains, asked) = mpsc::unbounded_channel();
        let opened = node
            .run(move || async move {
                let socket = CaptureSocket::of_everything()?;
                size_buffer(&socket, RECEIVE_BUFFER).map_err(|errno| (Step::SizeBuffer, errno))?;
                let socket = socket
                    .watched()
                    .map_err(|error| (Step::Register, errno(error)))?;
                tokio::task::spawn_local(read(socket, reader_name, frames, asked));
                Ok::<(), (Step, Errno)>(())
            })
            .await?;
        opened.map_err(|(step, source)| ObserveError::Kernel {
            node: NodeName::clone(&name),
            step,
            source,
        })?;
        Ok(FrameRecorder { node: name, drains })
    }

    /// Reads until nothing is queued. When this returns, everything that was queued by the time of the call has been sent.
    ///
    /// # Errors
    ///
    /// When the node has ended.
    pub async fn drain(&self) -> Result<(), ObserveError> {
        let ended = || ObserveError::Ended {
            node: NodeName::clone(&self.node),
        };
        let (answer, answered) = oneshot::channel();
        self.drains.send(answer).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())
    }
}

async fn read(
    socket: CaptureSocket<WatchedFd>,
    node: Arc<NodeName>,
    frames: mpsc::UnboundedSender<Frame>,
    mut asked: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
) {
    let mut buffer = vec![0; BUFFER];
    let mut some = |most| {
        turn(
            most,
            &mut buffer,
            |buffer| socket.receive(buffer),
            |received: Result<(Received, &[u8]), _>| {
                let Ok((received, buffer)) = received else {
                    return;
                };
                let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                // Whoever no longer listens has seen enough.
                let _ = frames.send(Frame {
                    node: Arc::clone(&node),
                    at: received.at.unwrap_or_else(|| now().unwrap_or_default()),
                    direction: received.direction,
                    bytes: buffer[..received.length].to_vec(),
                });
            },
        )
    };
    loop {
        tokio::select! {
            drain = asked.recv() => {
                let Some(answer) = drain else { return };
                some(2 * RECEIVE_BUFFER / 512);
                let _ = answer.send(());
            }
            ready = socket.fd().readable() => {
                let Ok(mut ready) = ready else { return };
                match some(TURN) {
                    Turn::Empty => ready.clear_ready(),
                    Turn::More => tokio::task::yield_now().await,
                    Turn::Broken => return,
                }
            }
        }
    }
}
