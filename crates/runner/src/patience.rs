use std::time::Duration;

use fwlab_ftp::Timeouts;

/// Whether the kernel's evidence ends a cell, or the peers' own timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patience {
    /// A connection that the rules of a pure ruleset have stopped is ended at once.
    #[default]
    Early,
    /// Nothing is ended before the peers end it.
    Full,
}

impl std::str::FromStr for Patience {
    type Err = String;
    fn from_str(word: &str) -> Result<Patience, String> {
        match word {
            "early" => Ok(Patience::Early),
            "full" => Ok(Patience::Full),
            _ => Err(format!("`{word}` is not a patience: write early or full")),
        }
    }
}

/// How long clients wait where nothing ends their waiting. A SYN is sent four times
/// in the first six seconds (Linux: after 1, 2 and 4 s), so that a ruleset that lets
/// only some through has its chance.
pub(crate) const CLIENT_TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(8),
    silence: Duration::from_secs(12),
    whole: Duration::from_secs(60),
};

/// After so long without an event while the client waits, every packet is traced: a
/// retransmission comes after 200 ms at the soonest.
pub(crate) const STALL: Duration = Duration::from_millis(250);
