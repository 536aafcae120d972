use std::net::Ipv4Addr;

use fwlab_record::{Operation, PeerName, Protection};

use crate::deviation::common::{
    ANY, CCC_REFUSED, FOUR_OVER_SIX, PASV_OVER_IPV6, PORT_OVER_IPV6, REFUSED, REJECTED_BY_ITSELF,
};
use crate::deviation::{Circumstances, Deviation, Effect, Sign};

pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        peer: PeerName::Vsftpd,
        word: "refuses-mlsd",
        what: "answers MLSD with 500",
        reason: "of RFC 3659's commands, it has only MDTM, REST and SIZE",
        source: "measured with 3.0.3; RFC 3659 section 7",
        when: Circumstances {
            operations: &[Operation::Mlsd],
            ..ANY
        },
        sign: Sign::Answers {
            verb: "MLSD",
            code: 500,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::Vsftpd,
        word: "refuses-ccc",
        what: "answers CCC with 500",
        reason: "it keeps TLS to the end",
        source: "measured with 3.0.3",
        when: Circumstances {
            protections: &[Protection::Ccc],
            ..ANY
        },
        sign: Sign::Answers {
            verb: "CCC",
            code: 500,
        },
        effect: Effect::RulesOut(CCC_REFUSED),
    },
    Deviation {
        peer: PeerName::Vsftpd,
        word: "refuses-port-over-ipv6",
        what: "answers PORT with 500 over IPv6",
        reason: FOUR_OVER_SIX,
        source: "measured with 3.0.3; RFC 2428 section 1",
        when: PORT_OVER_IPV6,
        sign: Sign::Answers {
            verb: "PORT",
            code: 500,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::Vsftpd,
        word: "announces-nowhere",
        what: "answers PASV over IPv6 with a 227 that names the address 0.0.0.0",
        reason: FOUR_OVER_SIX,
        source: "measured with 3.0.3; RFC 2428 section 1",
        when: PASV_OVER_IPV6,
        sign: Sign::Announces(Ipv4Addr::UNSPECIFIED),
        effect: Effect::RulesOut(REJECTED_BY_ITSELF),
    },
];
