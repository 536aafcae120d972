use std::time::Instant;

use fwlab_ftp::wire::{Announcement, Event as Line};
use fwlab_model::{Flow, NodeName, Packet};
use fwlab_observe::{
    CapturedPacket, Change, ConntrackEvent, Direction, Event, ExpectationEvent, InvalidPacket,
    Source,
};

use crate::evidence::{Evidence, EvidenceLine, EvidenceSource};
use crate::judge::{Explain, Finding, Stop};

/// The most lines that are kept of one cell.
const KEPT: usize = 400;

/// Writes down what was seen, in words.
pub(super) struct Timeline {
    start: Instant,
    lines: Vec<(Instant, EvidenceLine)>,
    left_out: usize,
}

impl Timeline {
    pub(super) fn new(start: Instant) -> Timeline {
        Timeline {
            start,
            lines: Vec::new(),
            left_out: 0,
        }
    }

    pub(super) fn dialogue(&mut self, event: &Event, lines: &[Line]) {
        for line in lines {
            let text = match line {
                Line::Command(command) => format!("client: {}", printable(&command.to_line())),
                Line::Reply { reply, .. } => format!("server: {reply}"),
                Line::Announced(announcement) => announcement.to_string(),
                Line::Secured => "the rest is TLS".to_owned(),
                Line::NoReply { line } => format!("server, no reply: {line}"),
                Line::Gap { .. } => "bytes are missing here".to_owned(),
            };
            self.add(event.at, &event.node, EvidenceSource::Ftp, text);
        }
    }

    /// Announcements that came in at the server as others than the client had sent or got.
    pub(super) fn rewritten(&mut self, event: &Event, pairs: &[(Announcement, Announcement)]) {
        for (client, server) in pairs {
            let text = if client.setup.is_active() {
                format!("on the way, `{client}` became `{server}`")
            } else {
                format!("on the way, `{server}` became `{client}`")
            };
            self.add(event.at, &event.node, EvidenceSource::Ftp, text);
        }
    }

    pub(super) fn captured(&mut self, event: &Event, captured: &CapturedPacket) {
        let opens_or_ends = match captured.packet {
            Packet::Tcp { flags, .. } => flags.is_syn() || flags.is_syn_ack() || flags.is_rst(),
            Packet::Icmp { .. } => true,
            Packet::Other { .. } => false,
        };
        if opens_or_ends {
            let way = if captured.direction == Direction::In {
                "in"
            } else {
                "out"
            };
            self.add(
                event.at,
                &event.node,
                EvidenceSource::Wire,
                format!("{way}: {}", captured.packet),
            );
        }
    }

    pub(super) fn stopped(&mut self, stop: &Stop, explain: &dyn Explain) {
        self.add(
            stop.at,
            &stop.node,
            EvidenceSource::Rules,
            explain.cause_of(stop).to_string(),
        );
    }

    pub(super) fn conntrack(&mut self, event: &Event, change: &ConntrackEvent) {
        if change.change == Change::New {
            let helper = change
                .helper
                .as_ref()
                .map(|helper| format!(", helper {helper}"))
                .unwrap_or_default();
            let master = change
                .master
                .as_ref()
                .map(|master| format!(", expected by {master}"))
                .unwrap_or_default();
            let text = format!("new connection {}{helper}{master}", change.original);
            self.add(event.at, &event.node, EvidenceSource::Conntrack, text);
        }
    }

    pub(super) fn expectation(&mut self, event: &Event, change: &ExpectationEvent, became: &str) {
        let text = format!("expectation {became}: {}", change.tuple);
        self.add(event.at, &event.node, EvidenceSource::Conntrack, text);
    }

    pub(super) fn expected(&mut self, event: &Event, expectation: &ExpectationEvent) {
        let text = format!("expectation used: {}", expectation.tuple);
        self.add(event.at, &event.node, EvidenceSource::Conntrack, text);
    }

    /// Something that shows only when everything was seen.
    pub(super) fn hindsight(&mut self, node: &NodeName, text: String) {
        self.add(Instant::now(), node, EvidenceSource::Conntrack, text);
    }

    pub(super) fn invalid(&mut self, event: &Event, invalid: &InvalidPacket) {
        let text = format!("INVALID, {}: {}", invalid.reason, invalid.packet);
        self.add(event.at, &event.node, EvidenceSource::Conntrack, text);
    }

    pub(super) fn lost(&mut self, event: &Event, source: Source) {
        self.add(
            event.at,
            &event.node,
            EvidenceSource::Lab,
            format!("events were lost on {source:?}"),
        );
    }

    pub(super) fn remark(&mut self, node: &NodeName, text: String) {
        self.add(Instant::now(), node, EvidenceSource::Lab, text);
    }

    pub(super) fn sent_again(&mut self, node: &NodeName, packet: &Packet) {
        let text = format!("sent again, as TCP would: {packet}");
        self.add(Instant::now(), node, EvidenceSource::Lab, text);
    }

    pub(super) fn ended(&mut self, node: &NodeName, flow: Flow) {
        self.add(
            Instant::now(),
            node,
            EvidenceSource::Lab,
            format!("ended the waiting socket {flow}"),
        );
    }

    fn add(&mut self, at: Instant, node: &NodeName, source: EvidenceSource, text: String) {
        if self.lines.len() >= KEPT {
            self.left_out += 1;
            return;
        }
        let since = at.saturating_duration_since(self.start);
        self.lines.push((
            at,
            EvidenceLine {
                at: since,
                node: node.clone(),
                source,
                text,
                deciding: false,
            },
        ));
    }

    pub(super) fn into_evidence(mut self, finding: &Finding) -> Evidence {
        self.lines.sort_by_key(|(at, _)| *at);
        let mut lines: Vec<EvidenceLine> = self.lines.into_iter().map(|(_, line)| line).collect();
        if let Finding::Outcome(outcome) = finding {
            let cause = outcome.cause.to_string();
            if let Some(line) = lines.iter_mut().find(|line| line.text == cause) {
                line.deciding = true;
            }
        }
        Evidence {
            lines,
            left_out: self.left_out,
        }
    }
}

/// A wire line without its end, control characters made visible.
fn printable(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .trim_end()
        .escape_debug()
        .to_string()
}
