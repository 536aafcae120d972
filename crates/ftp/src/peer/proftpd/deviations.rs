use fwlab_record::{CauseKind, Family, PeerName, Phase, Protection, Symptom};

use crate::deviation::common::{
    ACTIVE, ANY, FOUR_OVER_SIX, PASSIVE, PASV_OVER_IPV6, PORT_OVER_IPV6, REFUSED,
};
use crate::deviation::{Circumstances, Deviation, Effect, Instead, Sign};

pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        peer: PeerName::Proftpd,
        word: "refuses-port-over-ipv6",
        what: "answers PORT with 501 over IPv6",
        reason: FOUR_OVER_SIX,
        source: "measured with 1.3.8; RFC 2428 section 1",
        when: PORT_OVER_IPV6,
        sign: Sign::Answers {
            verb: "PORT",
            code: 501,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::Proftpd,
        word: "announces-nothing",
        what: "answers PASV over IPv6 with a 227 in which only one number of the address is left",
        reason: FOUR_OVER_SIX,
        source: "measured with 1.3.8: `227 Entering Passive Mode (1,129,191).`",
        when: PASV_OVER_IPV6,
        sign: Sign::AnnouncesNothing,
        effect: Effect::RulesOut(&[]),
    },
    Deviation {
        peer: PeerName::Proftpd,
        word: "connects-back",
        what: "takes a private address in PORT or EPRT for the control connection's own, when that is public",
        reason: "behind NAT without a helper, others refuse PORT (500); proftpd accepts it, and the data \
                 connection ends up at the client's gateway",
        source: "proftpd 1.3.8, modules/mod_core.c, core_port and core_eprt",
        when: Circumstances {
            data: ACTIVE,
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::ConnectsBack,
        effect: Effect::Instead(&[
            Instead {
                symptom: Symptom::Refused,
                phase: Phase::Negotiate,
                cause: CauseKind::Reply,
            },
            Instead {
                symptom: Symptom::DataRejected,
                phase: Phase::DataConnect,
                cause: CauseKind::Host,
            },
        ]),
    },
    Deviation {
        peer: PeerName::Proftpd,
        word: "serves-another",
        what: "serves a passive data connection that comes from another address than the control connection",
        reason: "others answer 425 where NAT gives the two connections different addresses",
        source: "measured with 1.3.8",
        when: Circumstances {
            data: PASSIVE,
            ..ANY
        },
        sign: Sign::ServesAnother,
        effect: Effect::Instead(&[Instead {
            symptom: Symptom::Transferred,
            phase: Phase::Completion,
            cause: CauseKind::None,
        }]),
    },
    Deviation {
        peer: PeerName::Proftpd,
        word: "refuses-unresumed-with-425",
        what: "answers 425 where a data connection does not resume the TLS session",
        reason: "RFC 4217 section 10.2 has 522 for what only TLS refuses, as vsftpd answers",
        source: "measured with 1.3.8: `425 Unable to build data connection: Operation not permitted`",
        when: Circumstances {
            protections: &[Protection::Explicit, Protection::Implicit],
            unresumed: true,
            ..ANY
        },
        sign: Sign::EndsTransfer { code: 425 },
        effect: Effect::Instead(&[Instead {
            symptom: Symptom::Refused,
            phase: Phase::Transfer,
            cause: CauseKind::Reply,
        }]),
    },
];
