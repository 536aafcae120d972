use fwlab_record::{Operation, PeerName, Protection};

use crate::deviation::common::{ANY, PASSIVE};
use crate::deviation::{Circumstances, Deviation, Effect, Sign};

pub(super) const DEVIATIONS: &[Deviation] = &[Deviation {
    peer: PeerName::Curl,
    word: "leaves-before-reply",
    what: "quits when a passive data connection over TLS ends without data, without reading why",
    reason: "the server's reply (522 or 425) says that the TLS session was not resumed; curl says that the \
                 transfer was closed",
    source: "measured with 7.88.1: `curl: (18) transfer closed with 300000 bytes remaining to read`",
    when: Circumstances {
        data: PASSIVE,
        protections: &[Protection::Explicit, Protection::Implicit],
        operations: &[Operation::Retr],
        unresumed: true,
        ..ANY
    },
    sign: Sign::LeavesUnread,
    effect: Effect::GivesUp,
}];
