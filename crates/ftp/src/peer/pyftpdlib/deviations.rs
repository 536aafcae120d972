use fwlab_record::{Family, PeerName};

use crate::deviation::common::{
    ACTIVE, ANY, FOUR_OVER_SIX, PASV_OVER_IPV6, PORT_OVER_IPV6, REFUSED,
};
use crate::deviation::{Circumstances, Deviation, Effect, Sign};

pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        peer: PeerName::Pyftpdlib,
        word: "connects-before-reply",
        what: "opens the data connection as soon as PORT or EPRT comes, before it answers",
        reason: "a blocked active transfer fails in PORT or EPRT, not in the transfer command as with others",
        source: "pyftpdlib 1.5.7, handlers.py, ActiveDTP.handle_connect; measured",
        when: Circumstances {
            data: ACTIVE,
            ..ANY
        },
        sign: Sign::ConnectsBeforeReply,
        effect: Effect::Nothing,
    },
    Deviation {
        peer: PeerName::Pyftpdlib,
        word: "refuses-elsewhere-with-501",
        what: "answers 501 where PORT or EPRT names another host",
        reason: "others answer 500, and refuse it all the same (RFC 2577 section 3)",
        source: "measured with 1.5.7: `501 Rejected data connection to foreign address`",
        when: Circumstances {
            data: ACTIVE,
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::RefusesElsewhere { code: 501 },
        effect: Effect::Instead(REFUSED),
    },
    Deviation {
        peer: PeerName::Pyftpdlib,
        word: "refuses-port-over-ipv6",
        what: "answers PORT with 501 over IPv6",
        reason: FOUR_OVER_SIX,
        source: "measured with 1.5.7: `501 Rejected data connection to foreign address`; RFC 2428 section 1",
        when: PORT_OVER_IPV6,
        sign: Sign::Answers {
            verb: "PORT",
            code: 501,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::Pyftpdlib,
        word: "announces-nothing",
        what: "answers PASV over IPv6 with a 227 that has an IPv6 address where four numbers belong",
        reason: FOUR_OVER_SIX,
        source: "measured with 1.5.7: `227 Entering passive mode (fd77::1,214,233).`",
        when: PASV_OVER_IPV6,
        sign: Sign::AnnouncesNothing,
        effect: Effect::RulesOut(&[]),
    },
];
