//! The kernel's evidence. What is asserted of it stands in `fwlab_observe::fuzzing`, as what reads it is private.

use fwlab_observe::fuzzing;

/// Datagrams of netlink, as a node's socket receives them one after the other: whatever the kernel could send.
pub fn netlink(input: &[u8]) {
    fuzzing::datagrams(input);
}

/// The attributes of a trace message of nf_tables, behind a byte for the family.
pub fn trace(input: &[u8]) {
    if let Some((family, attributes)) = input.split_first() {
        fuzzing::trace(*family, attributes);
    }
}

/// The attributes of a message of conntrack, read as a connection's and as an expectation's, behind
/// a byte for the kind of change.
pub fn conntrack(input: &[u8]) {
    if let Some((kind, attributes)) = input.split_first() {
        fuzzing::conntrack(*kind, attributes);
    }
}

/// The attributes of a record of nfnetlink_log, behind a byte for the family.
pub fn nflog(input: &[u8]) {
    if let Some((family, attributes)) = input.split_first() {
        fuzzing::log(*family, attributes);
    }
}

/// A packet as it was captured: from its IP header on, cut off anywhere.
pub fn headers(input: &[u8]) {
    fuzzing::headers(input);
}
