use std::collections::VecDeque;
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::expand::Segment;
use crate::tls::{Ended, Layer, Tls};
use crate::transcript::Transcript;
use crate::wire::{Event, Side};

/// The most that is kept of what was heard and not looked at.
const MOST_AHEAD: usize = 1024;

/// One end of a control connection.
#[derive(Debug)]
pub(super) struct Control {
    layer: Ended<Layer<TcpStream>>,
    /// The side at this end.
    side: Side,
    transcript: Transcript,
    heard: VecDeque<Event>,
    closed: bool,
}

impl Control {
    pub(super) fn new(stream: TcpStream, side: Side) -> Control {
        Control {
            layer: Ended(Layer::Plain(stream)),
            side,
            transcript: Transcript::default(),
            heard: VecDeque::new(),
            closed: false,
        }
    }

    /// The next command, reply, or line that is none; `None` when the other side has
    /// closed. To drop this before it is done loses nothing.
    pub(super) async fn hear(&mut self) -> io::Result<Option<Event>> {
        loop {
            if let Some(event) = self.heard.pop_front() {
                return Ok(Some(event));
            }
            if self.closed {
                return Ok(None);
            }
            self.hear_more().await?;
        }
    }

    /// Waits until more has come, or until the other side has closed: then it waits
    /// no more, and says so. To drop this before it is done loses nothing.
    pub(super) async fn hear_more(&mut self) -> io::Result<bool> {
        let mut piece = [0; 4096];
        let length = self.layer.read(&mut piece).await?;
        self.closed |= length == 0;
        let other = match self.side {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        };
        let events = self.transcript.take(other, &piece[..length]).into_iter();
        self.heard
            .extend(events.filter(|event| !matches!(event, Event::Announced(_) | Event::Secured)));
        if other == Side::Server {
            self.transcript.unflooded()?;
        }
        if self.heard.len() > MOST_AHEAD {
            let why = format!("{} lines came unasked", self.heard.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(!self.closed)
    }

    /// What came and was not looked at.
    pub(super) fn ahead(&self) -> impl Iterator<Item = &Event> {
        self.heard.iter()
    }

    /// Sends a line, segment by segment: TCP_NODELAY is set, so that each write is one,
    /// or one TLS record.
    pub(super) async fn say(&mut self, segments: &[Segment]) -> io::Result<()> {
        for segment in segments {
            match segment {
                Segment::Bytes(bytes) => {
                    self.layer.write_all(bytes).await?;
                    self.layer.flush().await?;
                    self.transcript.take(self.side, bytes);
                }
                // Part of the experiment: the script says how long, 5 s at most.
                Segment::Pause(pause) => sleep(*pause).await,
            }
        }
        Ok(())
    }

    /// Puts TLS on.
    pub(super) async fn secure(&mut self, tls: Tls<'_>) -> io::Result<()> {
        let layer = std::mem::take(&mut self.layer.0);
        self.layer.0 = layer.secured(tls).await?;
        Ok(())
    }

    /// Takes TLS off.
    pub(super) async fn clear(&mut self) -> io::Result<()> {
        let layer = std::mem::take(&mut self.layer.0);
        self.layer.0 = layer.cleared(self.side).await?;
        Ok(())
    }

    /// What was said, both ways, in the clear.
    pub(super) fn into_transcript(self) -> Transcript {
        self.transcript
    }

    /// Does some work for as long as the other side is there; `None` when it has gone.
    pub(super) async fn while_there<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                more = self.hear_more() => {
                    if !more.unwrap_or(false) {
                        return None;
                    }
                }
            }
        }
    }
}
