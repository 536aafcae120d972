use fwlab_record::{DataSetup, Family, PeerName, Protection};

use crate::deviation::common::{
    ANY, CCC_REFUSED, FOUR_OVER_SIX, PASV_OVER_IPV6, PORT_OVER_IPV6, REFUSED, REJECTED_BY_ITSELF,
};
use crate::deviation::{Circumstances, Deviation, Effect, Sign};

pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        peer: PeerName::Libunftp,
        word: "refuses-eprt",
        what: "answers EPRT with 500",
        reason: "it has no such command",
        source: "libunftp 0.24.0, src/server/controlchan/line_parser/parser.rs",
        when: Circumstances {
            data: &[DataSetup::Eprt],
            ..ANY
        },
        sign: Sign::Answers {
            verb: "EPRT",
            code: 500,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::Libunftp,
        word: "connects-before-reply",
        what: "opens the data connection as soon as PORT comes, before it answers",
        reason: "a blocked active transfer fails in PORT, not in the transfer command as with others",
        source: "libunftp 0.24.0, src/server/controlchan/commands/port.rs",
        when: Circumstances {
            data: &[DataSetup::Port],
            families: &[Family::Ipv4],
            protections: &[Protection::Plain],
            ..ANY
        },
        sign: Sign::ConnectsBeforeReply,
        effect: Effect::Nothing,
    },
    Deviation {
        peer: PeerName::Libunftp,
        word: "believes-port",
        what: "connects to any host that PORT names",
        reason: "it does not compare the address with the control connection's: the bounce of RFC 2577 section 3",
        source: "libunftp 0.24.0, src/server/controlchan/commands/port.rs",
        when: Circumstances {
            data: &[DataSetup::Port],
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::ConnectsElsewhere,
        effect: Effect::Nothing,
    },
    Deviation {
        peer: PeerName::Libunftp,
        word: "connects-to-itself",
        what: "does not refuse PORT over IPv6, but connects to itself at the address 0.0.0.0 in it",
        reason: FOUR_OVER_SIX,
        source: "libunftp 0.24.0, src/server/controlchan/commands/port.rs; RFC 2428 section 1",
        when: PORT_OVER_IPV6,
        sign: Sign::ConnectsToItself,
        effect: Effect::RulesOut(REJECTED_BY_ITSELF),
    },
    Deviation {
        peer: PeerName::Libunftp,
        word: "ends-session-at-pasv",
        what: "ends the session when it reads PASV over IPv6",
        reason: "its answer to PASV is made of an IPv4 address, and anything else is an internal error",
        source: "libunftp 0.24.0, src/server/controlchan/commands/pasv.rs",
        when: PASV_OVER_IPV6,
        sign: Sign::EndsSession { verb: "PASV" },
        effect: Effect::RulesOut(&[]),
    },
    Deviation {
        peer: PeerName::Libunftp,
        word: "refuses-ccc",
        what: "answers CCC with 534",
        reason: "where it demands TLS it allows no way back, and elsewhere it has not implemented it yet (502)",
        source: "libunftp 0.24.0, src/server/controlchan/commands/ccc.rs",
        when: Circumstances {
            protections: &[Protection::Ccc],
            ..ANY
        },
        sign: Sign::Answers {
            verb: "CCC",
            code: 534,
        },
        effect: Effect::RulesOut(CCC_REFUSED),
    },
];
