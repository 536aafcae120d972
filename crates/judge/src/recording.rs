use std::fmt;

use fwlab_record::{EventId, Secret};
use serde::{Deserialize, Serialize};

use super::event::{Event, What};
use super::terms::Terms;
use super::tracker::SessionTracker;
use super::{ClientEnd, Ending, Finding, judge};

/// What the judge was told of one session, and what it made of that: enough to judge it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// The cell's name.
    pub cell: String,
    /// What was known beforehand.
    pub terms: Terms,
    /// What was reported, and what the lab did, in order.
    pub events: Vec<Event>,
    /// How it ended.
    pub ending: Ending,
    /// What was found.
    pub finding: Finding,
}

/// What is otherwise when a stream is judged again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Differs {
    /// The finding.
    Finding {
        /// What was found when the stream was recorded.
        recorded: Box<Finding>,
        /// What is found now.
        now: Box<Finding>,
    },
    /// The lab ended a connection when it could not know yet that it waited in vain.
    Ended {
        /// The event by which it did.
        at: EventId,
    },
    /// The lab sent a SYN again which it had no reason to.
    SentAgain {
        /// The event by which it did.
        at: EventId,
    },
}

impl Stream {
    /// The stream without a password, and without what follows PASS on the wire: as many asterisks stand there.
    #[must_use]
    pub fn without(mut self, secret: &Secret) -> Stream {
        for event in &mut self.events {
            if let What::Captured { payload, .. } = &mut event.what {
                secret.blot(payload);
            }
        }
        let mask = |text: &mut String| *text = secret.masked(text);
        if let ClientEnd::Failed(words) = &mut self.ending.client {
            mask(words);
        }
        if let Finding::Inconclusive(why) = &mut self.finding {
            mask(why);
        }
        self
    }

    /// Judges the session once more, from its events alone.
    ///
    /// # Errors
    /// When something is found that is not what was found when it was recorded, or when the lab would not have done what it
    /// did.
    pub fn replay(&self) -> Result<(), Differs> {
        let mut tracker = SessionTracker::new(self.terms.clone());
        for event in &self.events {
            let at = event.id;
            match &event.what {
                What::Ended { flow } => {
                    let is_known = |one: super::InVain| tracker.flows(one.id).contains(flow);
                    if !tracker.in_vain().any(is_known) {
                        return Err(Differs::Ended { at });
                    }
                }
                What::SentAgain { flow } => {
                    let is_known = |id| tracker.flows(id).contains(flow);
                    if !tracker.wanted_again().any(is_known) {
                        return Err(Differs::SentAgain { at });
                    }
                }
                _ => {}
            }
            tracker.take(event);
        }
        let now = judge(&mut tracker, &self.ending);
        if now == self.finding {
            return Ok(());
        }
        Err(Differs::Finding {
            recorded: Box::new(self.finding.clone()),
            now: Box::new(now),
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Outcome(outcome) => outcome.fmt(f),
            Finding::Inconclusive(why) => write!(f, "inconclusive: {why}"),
        }
    }
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Differs::Finding { recorded, now } => {
                write!(f, "it was found to be {recorded}; and now to be {now}")
            }
            Differs::Ended { at } => write!(
                f,
                "event {}: the lab ended a connection, and nothing says by then that it waited in vain",
                at.0
            ),
            Differs::SentAgain { at } => write!(
                f,
                "event {}: the lab sent a SYN again, and nothing asks for that by then",
                at.0
            ),
        }
    }
}
