use fwlab_record::{DataSetup, Family, PeerName};

use crate::deviation::common::ANY;
use crate::deviation::{Circumstances, Deviation, Effect, Sign};

pub(super) const DEVIATIONS: &[Deviation] = &[Deviation {
    peer: PeerName::Tnftp,
    word: "stays-away",
    what: "gives up when a 227 names another address than the control connection's",
    reason: "a server could send it anywhere else (RFC 2577 section 3)",
    source: "tnftp 20210827, src/ftp.c, initconn: `Passive mode address mismatch.`",
    when: Circumstances {
        data: &[DataSetup::Pasv],
        families: &[Family::Ipv4],
        ..ANY
    },
    sign: Sign::StaysAway,
    effect: Effect::GivesUp,
}];
