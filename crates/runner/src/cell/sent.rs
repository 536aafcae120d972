use std::collections::BTreeMap;

use fwlab_observe::SentPacket;
use fwlab_record::{Flow, NodeName, Packet, TcpFlags};

/// The SYNs of a cell as their nodes sent them, to be sent again.
#[derive(Debug, Default)]
pub(super) struct SentPackets(BTreeMap<Flow, (NodeName, SentPacket)>);

/// The most connections whose SYN is kept: a session has a handful.
const KEPT: usize = 256;

/// ECE and CWR in a SYN ask for ECN. TCP does not ask a second time (`tcp_ecn_clear_syn`), so a copy is not what it would send.
const ASKS_FOR_ECN: u8 = 0xc0;

impl SentPackets {
    pub(super) fn keep(&mut self, node: &NodeName, sent: &SentPacket) {
        let Packet::Tcp { flow, flags, .. } = sent.packet else {
            return;
        };
        let room = self.0.len() < KEPT || self.0.contains_key(&flow);
        if flags.0 & (TcpFlags::ACK | ASKS_FOR_ECN) == 0 && room {
            self.0.insert(flow, (node.clone(), sent.clone()));
        }
    }

    /// The SYN of a connection with these flows, and the node that sent it. Nothing where TCP's own timer has to do.
    pub(super) fn of(&self, flows: &[Flow]) -> Option<(&NodeName, &SentPacket)> {
        let (node, sent) = flows.iter().find_map(|flow| self.0.get(flow))?;
        Some((node, sent))
    }
}
