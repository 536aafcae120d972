use std::io;

use crate::wire::{Dialogue, Event, Progress, Side};
use fwlab_record::Announcement;

/// The most announcements that are kept.
const MAX_ANNOUNCEMENTS: usize = 16;

/// What a client saw of its control connection, in the clear.
#[derive(Debug)]
pub(crate) struct Transcript {
    dialogue: Dialogue,
    announcements: Vec<Announcement>,
}

impl Default for Transcript {
    fn default() -> Transcript {
        Transcript {
            dialogue: Dialogue::in_the_clear(),
            announcements: Vec::new(),
        }
    }
}

impl Transcript {
    /// Takes what one side said, in order, and gives what it meant.
    pub(crate) fn take(&mut self, from: Side, bytes: &[u8]) -> Vec<Event> {
        let events = self.dialogue.bytes(from, bytes);
        for event in &events {
            if let Event::Announced(announcement) = event
                && self.announcements.len() < MAX_ANNOUNCEMENTS
            {
                self.announcements.push(*announcement);
            }
        }
        events
    }

    /// The error of a server that never comes to an end.
    pub(crate) fn unflooded(&self) -> io::Result<()> {
        match self.progress().flood() {
            None => Ok(()),
            Some(why) => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
        }
    }

    /// How far the dialogue came.
    pub(crate) fn progress(&self) -> &Progress {
        self.dialogue.progress()
    }

    /// How far the dialogue came, and where its data connections were to go.
    pub(crate) fn into_parts(self) -> (Progress, Vec<Announcement>) {
        (self.dialogue.progress().clone(), self.announcements)
    }
}
