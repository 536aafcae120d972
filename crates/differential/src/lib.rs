//! Random rulesets, each run in ways that must agree.
//!
//! The judge says what stopped a transfer. What it says must not depend on how long it waited, on which
//! backend loaded the rules, or on how they are written; and without the rule that it named, the transfer must
//! get further or meet another. This crate makes rulesets (`generate`), runs each in all these
//! ways (`trial`) and counts what disagrees (`tally`), with a scenario file for each finding.

mod compare;
mod generate;
mod random;
mod rewrite;
mod role;
mod rule;
mod ruleset;
mod seen;
mod subject;
mod tally;
mod trial;

use std::path::Path;

use fwlab_record::PeerName;

pub use compare::Comparison;
pub use tally::Tally;
pub use trial::{Pace, TrialError};

/// The subjects of a seed, and what was found with them.
#[derive(Debug)]
pub struct Differential {
    seed: u64,
    servers: Vec<PeerName>,
    pace: Pace,
    tally: Tally,
}

/// Why it did not go on.
#[derive(Debug)]
pub enum Stopped {
    /// A batch could not be run.
    Trial(TrialError),
    /// A file of what was found could not be written.
    File(std::io::Error),
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stopped::Trial(error) => write!(f, "{error}"),
            Stopped::File(error) => write!(f, "what was found could not be written: {error}"),
        }
    }
}

impl std::error::Error for Stopped {}

impl Differential {
    /// The subjects of that seed, with the servers that are here.
    pub fn new(seed: u64, pace: Pace) -> Differential {
        let wanted = [PeerName::Libunftp, PeerName::Vsftpd].into_iter();
        let servers = wanted.filter(|server| fwlab_ftp::server(*server).is_ok());
        Differential {
            seed,
            servers: servers.collect(),
            pace,
            tally: Tally::default(),
        }
    }

    /// Tries the rulesets of these numbers, all at a time, and writes what is found into the folder.
    ///
    /// # Errors
    /// When they could not be run, or nothing be written.
    pub async fn go_on(
        &mut self,
        numbers: impl IntoIterator<Item = u64>,
        folder: Option<&Path>,
    ) -> Result<&Tally, Stopped> {
        let subjects = numbers
            .into_iter()
            .map(|number| subject::Subject::new(self.seed, number, &self.servers));
        let trials = trial::run(subjects, self.pace).await;
        for trial in trials.map_err(Stopped::Trial)? {
            self.tally.take(&trial, folder).map_err(Stopped::File)?;
        }
        Ok(&self.tally)
    }
}
