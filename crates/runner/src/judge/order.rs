use fwlab_ftp::wire::Side;
use fwlab_model::{Packet, TcpFlags};

use super::connections::ConnectionId;

/// In which order things were seen at one node. The captured packets of a node come
/// through one socket, so their order is the wire's.
#[derive(Debug, Default)]
pub(super) struct Order {
    seen: u64,
    /// At the server: the first SYN out, of each connection.
    opened: Vec<(u64, ConnectionId)>,
    /// At the server: the first answer that grants PORT or EPRT.
    setup_granted: Option<u64>,
    /// At the client: who was first to end the control connection.
    ended_by: Option<Side>,
}

impl Order {
    /// The next packet's place.
    pub(super) fn next(&mut self) -> u64 {
        self.seen += 1;
        self.seen
    }

    /// The place of the packet that was seen last.
    pub(super) fn latest(&self) -> u64 {
        self.seen
    }

    pub(super) fn opened(&mut self, id: ConnectionId) {
        if self.opened_at(id).is_none() {
            self.opened.push((self.seen, id));
        }
    }

    pub(super) fn opened_at(&self, id: ConnectionId) -> Option<u64> {
        let mut opened = self.opened.iter();
        opened.find(|(_, other)| *other == id).map(|(at, _)| *at)
    }

    pub(super) fn setup_was_granted(&mut self, at: u64) {
        self.setup_granted.get_or_insert(at);
    }

    pub(super) fn setup_granted(&self) -> Option<u64> {
        self.setup_granted
    }

    /// A packet of the control connection was seen at the client.
    pub(super) fn control(&mut self, side: Side, packet: &Packet) {
        let ends = matches!(packet, Packet::Tcp { flags, .. } if flags.0 & (TcpFlags::FIN | TcpFlags::RST) != 0);
        if ends {
            self.ended_by.get_or_insert(side);
        }
    }

    pub(super) fn ended_by(&self) -> Option<Side> {
        self.ended_by
    }
}
