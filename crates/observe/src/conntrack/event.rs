use std::sync::Arc;

use fwlab_record::Tuple;

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is there now. A connection is announced when its first packet has left
    /// netfilter: one whose first packet is dropped never is.
    New,
    /// It changed.
    Update,
    /// It is gone: ended, timed out, or (an expectation) fulfilled.
    Destroy,
}

/// A change of a connection in conntrack.
#[derive(Debug, Clone, PartialEq)]
pub struct ConntrackEvent {
    /// What happened.
    pub change: Change,
    /// The way of its first packet, as that packet was before NAT.
    pub original: Tuple,
    /// The way back. Not the original turned round where there is NAT.
    pub reply: Option<Tuple>,
    /// The helper that reads along, such as `ftp`.
    pub helper: Option<Arc<str>>,
    /// Its mark, where it has one.
    pub mark: Option<u32>,
    /// The connection whose helper expected this one.
    pub master: Option<Tuple>,
}

/// A change of an expectation: a connection that a helper announced.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectationEvent {
    /// What happened; never [`Change::Update`].
    pub change: Change,
    /// The connection that is expected.
    pub tuple: Tuple,
    /// Which bits of it count.
    pub mask: Tuple,
    /// The connection that announced it.
    pub master: Tuple,
    /// The helper that did so.
    pub helper: Option<Arc<str>>,
}

impl ExpectationEvent {
    /// Whether a connection whose first packet goes this way, before NAT, is the expected one.
    pub fn expects(&self, first: &Tuple) -> bool {
        self.tuple.is_same_under(first, &self.mask)
    }
}
