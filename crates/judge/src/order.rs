use fwlab_ftp::wire::Side;
use fwlab_record::{Flow, Packet, TcpFlags};

/// In which order things were seen at one node. The captured packets of a node come
/// through one socket, so their order is the wire's.
#[derive(Debug, Default)]
pub(super) struct Order {
    seen: u64,
    /// The SYNs on the server's wire, each flow once: its place, and whether it came in.
    at_server: Vec<(u64, Flow, bool)>,
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

    /// A SYN was seen on the server's wire.
    pub(super) fn syn_at_server(&mut self, flow: Flow, inbound: bool) {
        if !self.at_server.iter().any(|(_, known, _)| *known == flow) {
            self.at_server.push((self.seen, flow, inbound));
        }
    }

    /// The connections on the server's wire, as they are there: place, flow, and whether the SYN came in.
    pub(super) fn at_server(&self) -> impl Iterator<Item = (u64, Flow, bool)> + '_ {
        self.at_server.iter().copied()
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
