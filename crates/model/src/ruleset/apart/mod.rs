//! What rules tell apart: the conditions on interfaces and addresses by which one host's packets are decided on otherwise
//! than another's.

mod addresses;
mod at_interfaces;
mod members;
mod of_iptables;
mod of_nft;

use std::collections::BTreeSet;

use fwlab_record::RuleId;

pub use addresses::Addresses;
pub(super) use of_nft::{Apart, Members};

use super::{Hook, Only};

/// What one rule says of where packets come from and go to.
#[derive(Debug, Clone)]
pub struct Told {
    /// The rule.
    pub rule: RuleId,
    /// The hooks from which packets come to it.
    pub hooks: BTreeSet<Hook>,
    /// The packets that it looks at, by protocol and ports.
    pub only: Only,
    /// Its conditions. Whether one is negated tells nothing more: it tells the same hosts apart.
    pub conditions: Vec<Condition>,
    /// The rule without them: two rules of one chain that say the same otherwise, one behind the other, are as one.
    pub rest: String,
    /// Whether all that it does is to decide: whoever meets two such rules that say the same meets one.
    pub decides: bool,
    /// Whether one of its conditions is negated.
    pub negated: bool,
    /// Whether it gives packets another destination, or another port.
    pub translates: bool,
}

impl Told {
    /// The same as a rule about all packets of TCP, where it may be about some: for whom it is counts, whatever the service.
    #[must_use]
    pub fn of_every_service(mut self) -> Told {
        if self.only.is_of_tcp() {
            self.only = Only::default();
        }
        self
    }
}

/// A condition on where a packet comes from or goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It came in by one of these interfaces; `eth+` is every one that begins so.
    In(BTreeSet<String>),
    /// It leaves by one of these.
    Out(BTreeSet<String>),
    /// Its source is one of these.
    Source(Addresses),
    /// Its destination is one of these.
    Destination(Addresses),
    /// It is of some hosts and not of others, in a way that is not read here: in words, as it is written.
    Unread(String),
}

#[cfg(test)]
mod tests;
