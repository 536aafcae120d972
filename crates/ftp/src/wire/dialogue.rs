use std::collections::VecDeque;

use super::line::Lines;
use super::measure::Measure;
use super::reassembler::{Piece, Reassembler};
use super::records::Records;
use super::reply::{ReplyParser, ReplyStep};
use super::{Command, Progress, Reply};
use fwlab_record::Announcement;

/// The most commands without a final reply that are remembered. A client that
/// sends more of them ahead has its later replies matched to no command.
pub const MAX_PENDING: usize = 64;

/// Who sent something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The FTP client.
    Client,
    /// The FTP server.
    Server,
}

/// What bytes of a control connection meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The client sent a command.
    Command(Command),
    /// The server sent a reply.
    Reply {
        /// The reply.
        reply: Reply,
        /// The command that it answers; `None` for a greeting and for what
        /// comes unasked, as 421 may.
        to: Option<Command>,
    },
    /// The command or reply before this event announced a data connection.
    Announced(Announcement),
    /// 234 was sent: what follows is TLS on the wire, until CCC takes it off.
    Secured,
    /// The server sent a line that is no part of a reply.
    NoReply {
        /// The line, at most [`MAX_LINE`](super::MAX_LINE) bytes; what is no UTF-8 is replaced.
        line: String,
    },
    /// Bytes are missing from the capture.
    Gap {
        /// Who sent them.
        from: Side,
    },
}

#[derive(Debug, Clone, Default)]
struct Direction {
    reassembler: Reassembler,
    records: Records,
    /// Where TLS lies on the connection from its first byte: its records.
    from_start: Option<Records>,
    has_begun: bool,
    lines: Lines,
}

/// Follows a control connection from the bytes of both directions, as they were
/// captured at one place.
///
/// ```
/// use fwlab_ftp::wire::{Dialogue, Event, Side};
///
/// let mut dialogue = Dialogue::default();
/// dialogue.bytes(Side::Server, b"220 ready\r\n");
/// let events = dialogue.bytes(Side::Client, b"PORT 192,168,0,211,154,208\r\n");
/// let Event::Announced(announced) = events[1] else { panic!() };
/// assert_eq!(announced.to_string(), "PORT announces 192.168.0.211:39632");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Dialogue {
    client: Direction,
    server: Direction,
    replies: ReplyParser,
    pending: VecDeque<Command>,
    progress: Progress,
    said: Measure,
    in_the_clear: bool,
}

impl Dialogue {
    /// A dialogue as one of its ends has it: the bytes are what was said, and TLS on
    /// the wire hides none of them.
    pub fn in_the_clear() -> Dialogue {
        Dialogue {
            in_the_clear: true,
            ..Dialogue::default()
        }
    }

    /// A SYN, or a SYN-ACK, with this sequence number opens a direction. A
    /// dialogue whose opening was not captured begins with its first segment.
    pub fn syn(&mut self, from: Side, sequence: u32) {
        self.direction(from).reassembler.syn(sequence);
    }

    /// Takes a captured TCP segment: sequence number and payload.
    pub fn segment(&mut self, from: Side, sequence: u32, payload: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        let mut reassembler = std::mem::take(&mut self.direction(from).reassembler);
        reassembler.segment(sequence, payload, |piece| match piece {
            Piece::Bytes(bytes) => self.take(from, bytes, &mut events),
            Piece::Gap => self.gap(from, &mut events),
        });
        self.direction(from).reassembler = reassembler;
        events
    }

    /// Takes bytes that are in order already.
    pub fn bytes(&mut self, from: Side, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        self.take(from, bytes, &mut events);
        events
    }

    /// How far the dialogue has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// How many bytes of one side were in TLS by now: each once, however often TCP sent it.
    pub fn hidden(&self, from: Side) -> u64 {
        let direction = match from {
            Side::Client => &self.client,
            Side::Server => &self.server,
        };
        let from_start = direction.from_start.as_ref();
        direction.records.passed() + from_start.map_or(0, Records::passed)
    }

    /// Whether one side has spoken TLS since its first byte, so that nothing of it is a line.
    pub fn is_hidden_from_start(&self, from: Side) -> bool {
        let direction = match from {
            Side::Client => &self.client,
            Side::Server => &self.server,
        };
        direction.from_start.is_some()
    }

    /// The commands that have no final reply yet, the oldest first.
    pub fn pending(&self) -> impl Iterator<Item = &Command> {
        self.pending.iter()
    }

    fn direction(&mut self, from: Side) -> &mut Direction {
        match from {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn take(&mut self, from: Side, bytes: &[u8], events: &mut Vec<Event>) {
        // A line may begin TLS, or end it: what follows it in one segment is read as if it had come alone.
        for upto_line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.take_line(from, upto_line, events);
        }
    }

    /// Takes bytes of which no more than the last ends a line.
    fn take_line(&mut self, from: Side, bytes: &[u8], events: &mut Vec<Event>) {
        let hidden = self.is_hidden();
        let direction = self.direction(from);
        if !hidden && !direction.has_begun && Records::begin(bytes) {
            direction.from_start = Some(Records::default());
        }
        direction.has_begun = true;
        if let Some(records) = &mut direction.from_start {
            records.pass(bytes);
        }
        let Direction { records, lines, .. } = direction;
        let clear = if hidden { records.pass(bytes) } else { bytes };
        let mut lines = std::mem::take(lines);
        if from == Side::Server && self.said.add(clear) {
            self.progress.flooded = true;
        }
        lines.push(clear, |line| match from {
            Side::Client => self.client_line(line, events),
            Side::Server => self.server_line(line, events),
        });
        self.direction(from).lines = lines;
    }

    /// Whether TLS lies on what is given to this dialogue, until CCC takes it off.
    fn is_hidden(&self) -> bool {
        self.progress.secured && !self.in_the_clear
    }

    fn gap(&mut self, from: Side, events: &mut Vec<Event>) {
        let hidden = self.is_hidden();
        let direction = self.direction(from);
        direction.lines.reset();
        direction.has_begun = true;
        if let Some(records) = &mut direction.from_start {
            records.gap();
        }
        if hidden {
            direction.records.gap();
        }
        if from == Side::Server {
            self.replies.reset();
        }
        events.push(Event::Gap { from });
    }

    fn client_line(&mut self, line: &[u8], events: &mut Vec<Event>) {
        let Some(command) = Command::parse(line) else {
            return;
        };
        self.progress.command(&command);
        self.said.begin();
        if self.pending.len() < MAX_PENDING {
            self.pending.push_back(command.clone());
        }
        let announced = command.announces();
        events.push(Event::Command(command));
        events.extend(announced.map(Event::Announced));
    }

    fn server_line(&mut self, line: &[u8], events: &mut Vec<Event>) {
        match self.replies.line(line) {
            ReplyStep::Reply(reply) => self.reply(reply, events),
            ReplyStep::Continues => {}
            ReplyStep::NoReply => events.push(Event::NoReply {
                line: String::from_utf8_lossy(line).into_owned(),
            }),
        }
    }

    fn reply(&mut self, reply: Reply, events: &mut Vec<Event>) {
        let secured = self.progress.secured;
        let final_reply = !reply.code.is_preliminary();
        let greeted = self.progress.greeting.is_some();
        let to = if !greeted {
            // 120 comes before the greeting, and is none (RFC 959 section 5.4).
            if final_reply {
                self.progress.greeted(&reply);
            }
            None
        } else if final_reply {
            self.pending.pop_front()
        } else {
            self.pending.front().cloned()
        };
        if let Some(command) = &to {
            self.progress.answered(command, &reply);
        }
        self.progress.latest = Some(reply.clone());
        let announced = reply.announces();
        events.push(Event::Reply { reply, to });
        events.extend(announced.map(Event::Announced));
        if self.progress.secured && !secured {
            events.push(Event::Secured);
        }
    }
}

#[cfg(test)]
mod tests;
