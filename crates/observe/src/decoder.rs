use std::sync::Arc;
use std::time::Instant;

use fwlab_fabric::WatchedFd;
use fwlab_record::{NodeName, Packet};
use tokio::sync::mpsc;

use crate::capture::{self, CaptureSocket, CapturedPacket, Received};
use crate::conntrack::{self, ConntrackLog, HelperDrop, InvalidPacket};
use crate::error::errno;
use crate::event::{Event, SentPacket, Source, What};
use crate::interface::Interfaces;
use crate::log::Record;
use crate::names::Names;
use crate::settings::{Newer, ObserverSettings};
use crate::trace::{Joiner, LegacyPlace, NftMessage};
use crate::turn::{Lost, Turn, turn};
use fwlab_fabric::netlink::{Messages, Netfilter, NetlinkSocket, subsystem};

/// `NFT_MSG_TRACE` and `NFULNL_MSG_PACKET`.
const TRACE: u8 = 17;
const LOG_PACKET: u8 = 0;

/// Turns datagrams into events.
pub(crate) struct Decoder {
    node: Arc<NodeName>,
    events: mpsc::UnboundedSender<Event>,
    joiner: Joiner,
    names: Names,
    interfaces: Interfaces,
    control_ports: Vec<u16>,
    /// What the lab's own table writes before a packet that opens a connection.
    sent: String,
    /// Packets that the capture socket has lost so far.
    lost: u32,
}

impl Decoder {
    pub(crate) fn new(
        node: Arc<NodeName>,
        settings: &ObserverSettings,
        sent: String,
        events: mpsc::UnboundedSender<Event>,
    ) -> Decoder {
        Decoder {
            node,
            events,
            joiner: Joiner::new(!settings.pretend_without.contains(&Newer::TraceConntrack)),
            names: Names::default(),
            interfaces: Interfaces::default(),
            control_ports: settings.control_ports.clone(),
            sent,
            lost: 0,
        }
    }

    /// Reads at most so many datagrams.
    pub(crate) fn netfilter(
        &mut self,
        socket: &NetlinkSocket<WatchedFd>,
        buffer: &mut [u8],
        most: usize,
    ) -> Turn {
        turn(
            most,
            buffer,
            |buffer| socket.receive(buffer).map_err(errno),
            |received| match received {
                Ok((length, buffer)) => self.messages(&buffer[..length], Instant::now()),
                Err(Lost) => self.lost(Source::Netfilter),
            },
        )
    }

    /// Reads at most so many packets.
    pub(crate) fn capture(
        &mut self,
        socket: &CaptureSocket<WatchedFd>,
        buffer: &mut [u8],
        most: usize,
    ) -> Turn {
        turn(
            most,
            buffer,
            |buffer| socket.receive(buffer),
            |received| match received {
                Ok((received, buffer)) => self.captured(received, buffer),
                Err(Lost) => self.lost(Source::Capture),
            },
        )
    }

    fn captured(&mut self, received: Received, buffer: &[u8]) {
        let at = Instant::now();
        if let Some(lost) = received.lost
            && lost != self.lost
        {
            self.lost = lost;
            self.lost(Source::Capture);
        }
        if let Some((packet, payload)) =
            capture::read(&buffer[..received.length], &self.control_ports)
        {
            let captured = CapturedPacket {
                direction: received.direction,
                interface: self.interfaces.get(received.interface),
                packet,
                payload,
            };
            self.send(at, What::Captured(captured));
        }
    }

    fn lost(&mut self, source: Source) {
        self.send(Instant::now(), What::Lost { source });
    }

    pub(crate) fn messages(&mut self, datagram: &[u8], at: Instant) {
        for message in Messages::new(datagram) {
            let Some(Netfilter {
                subsystem,
                kind,
                flags,
                family,
                attributes,
            }) = message.netfilter()
            else {
                continue;
            };
            let what = match (subsystem, kind) {
                (subsystem::NF_TABLES, TRACE) => NftMessage::read(family, attributes)
                    .and_then(|message| self.joiner.nft(message))
                    .map(What::Trace),
                (subsystem::LOG, LOG_PACKET) => {
                    Record::read(family, attributes).and_then(|record| self.record(&record))
                }
                (subsystem::CONNTRACK, _) => {
                    conntrack::connection(kind, flags, attributes, &mut self.names)
                        .map(What::Conntrack)
                }
                (subsystem::EXPECTATION, _) => {
                    conntrack::expectation(kind, flags, attributes, &mut self.names)
                        .map(What::Expectation)
                }
                _ => None,
            };
            if let Some(what) = what {
                self.send(at, what);
            }
        }
    }

    /// `None` for what is neither the lab's own, nor trace, nor conntrack's: a ruleset's own NFLOG rule may log to the same group.
    fn record(&mut self, record: &Record<'_>) -> Option<What> {
        if let Some(place) = LegacyPlace::read(record.prefix) {
            return Some(What::Trace(self.joiner.legacy(record, place)));
        }
        let packet = record.headers.packet;
        if record.prefix == self.sent {
            if matches!(packet, Packet::Icmp { .. }) {
                self.joiner.learn(&record.headers);
                return None;
            }
            return Some(What::Sent(SentPacket {
                packet,
                bytes: record.bytes.into(),
            }));
        }
        let packet_id = self.joiner.packet_id(&record.headers);
        Some(match ConntrackLog::read(record.prefix)? {
            ConntrackLog::HelperDrop { helper, reason } => What::HelperDrop(HelperDrop {
                family: record.family,
                helper: self.names.get(helper),
                reason: reason.to_owned(),
                packet,
                packet_id,
            }),
            ConntrackLog::Invalid { reason } => What::Invalid(InvalidPacket {
                family: record.family,
                reason: reason.to_owned(),
                packet,
                packet_id,
            }),
        })
    }

    fn send(&self, at: Instant, what: What) {
        // Whoever no longer listens has seen enough.
        let _ = self.events.send(Event {
            node: Arc::clone(&self.node),
            at,
            what,
        });
    }
}
