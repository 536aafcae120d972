use fwlab_record::{DataSetup, Family, Operation, PeerName};

use crate::deviation::common::ANY;
use crate::deviation::{Circumstances, Deviation, Effect, Sign};

pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        peer: PeerName::Lftp,
        word: "restarts-for-appe",
        what: "sends REST and STOR where others send APPE",
        reason: "it resumes the file at the size that the server reports",
        source: "measured with 4.9.2",
        when: Circumstances {
            operations: &[Operation::Appe],
            ..ANY
        },
        sign: Sign::Sends {
            verb: "STOR",
            instead_of: "APPE",
        },
        effect: Effect::RulesOut(&[]),
    },
    Deviation {
        peer: PeerName::Lftp,
        word: "sends-port-for-eprt",
        what: "sends PORT over IPv4, and EPRT only over IPv6",
        reason: "it has no setting that prefers EPRT",
        source: "lftp(1); measured with 4.9.2",
        when: Circumstances {
            data: &[DataSetup::Eprt],
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::Sends {
            verb: "PORT",
            instead_of: "EPRT",
        },
        effect: Effect::RulesOut(&[]),
    },
];
