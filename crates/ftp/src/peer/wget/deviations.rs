use fwlab_record::{DataSetup, Family, PeerName};

use crate::deviation::common::ANY;
use crate::deviation::{Circumstances, Deviation, Effect, Sign};

pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        peer: PeerName::Wget,
        word: "sends-port-for-eprt",
        what: "sends PORT over IPv4, and EPRT only over IPv6",
        reason: "it chooses by the family",
        source: "wget 1.21, src/ftp-basic.c, ftp_port; measured",
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
    Deviation {
        peer: PeerName::Wget,
        word: "sends-pasv-for-epsv",
        what: "sends PASV over IPv4, and EPSV only over IPv6",
        reason: "it chooses by the family",
        source: "wget 1.21, src/ftp-basic.c, ftp_pasv; measured",
        when: Circumstances {
            data: &[DataSetup::Epsv],
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::Sends {
            verb: "PASV",
            instead_of: "EPSV",
        },
        effect: Effect::RulesOut(&[]),
    },
];
