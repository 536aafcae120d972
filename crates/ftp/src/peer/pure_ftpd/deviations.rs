use fwlab_record::PeerName;

use crate::deviation::common::{FOUR_OVER_SIX, PASV_OVER_IPV6, PORT_OVER_IPV6, REFUSED};
use crate::deviation::{Deviation, Effect, Sign};

pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        peer: PeerName::PureFtpd,
        word: "refuses-port-over-ipv6",
        what: "answers PORT with 501 over IPv6",
        reason: FOUR_OVER_SIX,
        source: "measured with 1.0.50; RFC 2428 section 1",
        when: PORT_OVER_IPV6,
        sign: Sign::Answers {
            verb: "PORT",
            code: 501,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::PureFtpd,
        word: "refuses-pasv-over-ipv6",
        what: "answers PASV with 425 over IPv6",
        reason: FOUR_OVER_SIX,
        source: "measured with 1.0.50; RFC 2428 section 1",
        when: PASV_OVER_IPV6,
        sign: Sign::Answers {
            verb: "PASV",
            code: 425,
        },
        effect: Effect::RulesOut(REFUSED),
    },
];
