//! Every packet of a cell, for those who want to read them themselves.

use fwlab_fabric::{Fabric, Node};
use fwlab_ftp::TlsSecrets;
use fwlab_observe::{Frame, FrameRecorder, ObserveError};
use fwlab_record::NodeName;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;

/// What went over the wires of a cell's nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packets {
    /// The nodes, each of which had its own eyes: what went from one to another was seen twice.
    pub nodes: Vec<NodeName>,
    /// What was seen, in the order of time.
    pub frames: Vec<Frame>,
    /// How many bytes more there were than are kept.
    pub beyond: u64,
    /// The secrets of TLS sessions, in the format of `SSLKEYLOGFILE`, as far as clients tell them.
    pub tls_secrets: String,
}

/// As many bytes are kept of a cell.
const KEPT: u64 = 64 << 20;

/// Records the packets of nodes.
pub(super) struct PacketRecorder {
    recorders: Vec<FrameRecorder>,
    taking: JoinHandle<Packets>,
    pub(super) tls_secrets: TlsSecrets,
}

impl PacketRecorder {
    /// Begins to.
    pub(super) async fn start(
        fabric: &Fabric,
        nodes: impl Iterator<Item = &Node>,
    ) -> Result<PacketRecorder, ObserveError> {
        let (sender, mut frames) = unbounded_channel::<Frame>();
        let recorders = nodes.map(|node| FrameRecorder::start(node, sender.clone()));
        let recorders = futures::future::try_join_all(recorders).await?;
        let nodes = fabric.nodes().map(|node| node.name().clone()).collect();
        let taking = tokio::spawn(async move {
            let mut packets = Packets {
                nodes,
                ..Packets::default()
            };
            let mut kept = 0;
            while let Some(frame) = frames.recv().await {
                let bytes = frame.bytes.len() as u64;
                if kept + bytes > KEPT {
                    packets.beyond += bytes;
                    continue;
                }
                kept += bytes;
                packets.frames.push(frame);
            }
            packets
        });
        Ok(PacketRecorder {
            recorders,
            taking,
            tls_secrets: TlsSecrets::default(),
        })
    }

    /// Ends it, and gives what there was.
    pub(super) async fn end(self) -> Packets {
        for recorder in &self.recorders {
            // A node that has ended has nothing more to tell.
            let _ = recorder.drain().await;
        }
        drop(self.recorders);
        let mut packets = self
            .taking
            .await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        packets.frames.sort_by_key(|frame| frame.at);
        packets.tls_secrets = self.tls_secrets.text();
        packets
    }
}
